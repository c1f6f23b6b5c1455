from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.lookups import Regex
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from park_portal.core.accounts.models import User
from park_portal.core.tokens.states import MOST_DAYS, Scope


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def visible_to(self, user: Any) -> ApiTokenQuerySet:
        """Everyone sees their own alone, whatever their role."""
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()

    def usable(self, at: datetime | None = None) -> ApiTokenQuerySet:
        return self.filter(revoked_at__isnull=True, expires_at__gt=at or timezone.now())


class ApiToken(models.Model):
    """One personal token: a program acts with it as its person, within its scopes, until a date."""

    user = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(_("what for"), max_length=60)
    # Shown, so that a person knows which token a program holds. The token itself is kept nowhere.
    start = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), verbose_name=_("may"))
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("valid until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    last_used_from = models.GenericIPAddressField(_("from"), null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="token_expires_within_a_year",
                condition=models.Q(expires_at__gt=models.F("created_at"))
                & models.Q(expires_at__lte=models.F("created_at") + timedelta(days=MOST_DAYS)),
            ),
            models.CheckConstraint(
                # Of the right shape; which ones there are is said by ``Scope``, which grows with every room.
                name="token_scopes_shaped",
                condition=Regex(
                    models.Func(
                        "scopes",
                        models.Value(" "),
                        function="array_to_string",
                        output_field=models.TextField(),
                    ),
                    r"^[a-z_]+:(read|write)( [a-z_]+:(read|write))*$",
                ),
            ),
        ]
        triggers = [
            # What a token is for, and whose it is, is said once: to widen it is to make another.
            pgtrigger.ReadOnly(
                name="token_identity_fixed",
                fields=["user", "start", "digest", "scopes", "created_at", "expires_at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    @staticmethod
    def hash(secret: str) -> str:
        """Return what is stored of a token. It is random and long: a slow hash would protect nothing more."""
        return hashlib.sha256(secret.encode()).hexdigest()

    def get_scopes_display(self) -> str:
        """Return what the token may do, in words."""
        return str(pgettext("between items", ", ")).join(str(Scope(scope).label) for scope in self.scopes)

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()
