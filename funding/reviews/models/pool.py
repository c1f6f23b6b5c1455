from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Organisation
from park_portal.core.accounts.rules import sees_records


class ReviewerQuerySet(models.QuerySet["Reviewer"]):
    def visible_to(self, user: Any) -> ReviewerQuerySet:
        """Staff see the pool; a reviewer sees their own entry."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.filter(user_id=user.pk)

    def active(self) -> ReviewerQuerySet:
        return self.filter(active=True, user__is_active=True)


class Reviewer(models.Model):
    """One expert of the pool: where they work, what they know, how much they take on."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.CASCADE, related_name="reviewer"
    )
    institution = models.CharField(_("institution"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("employer on file"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    title = models.CharField(_("title"), max_length=80, blank=True)
    keywords = ArrayField(
        models.CharField(max_length=60), verbose_name=_("keywords"), default=list, blank=True
    )
    capacity = models.PositiveSmallIntegerField(_("reviews at a time"), default=6)
    active = models.BooleanField(_("available"), default=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    objects = ReviewerQuerySet.as_manager()

    class Meta:
        verbose_name = _("expert reviewer")
        verbose_name_plural = _("expert reviewers")
        ordering = ["user__name", "id"]

    def __str__(self) -> str:
        return self.user.name
