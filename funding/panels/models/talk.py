from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.panels.models.agenda import AgendaItem
from funding.panels.models.guards import not_recused
from funding.panels.models.meetings import PanelMember
from funding.reviews.models import Review
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees, kept


class PanelComment(models.Model):
    """One remark of a member on an item, read by everyone in the room for it."""

    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="comments"
    )
    member = models.ForeignKey(
        PanelMember, verbose_name=_("member of a panel"), on_delete=models.PROTECT, related_name="comments"
    )
    text = models.TextField(_("remark"), max_length=2000)
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")
        ordering = ["id"]
        triggers = [
            *append_only("panel_comment"),
            Agrees(name="panel_comment_of_one_meeting", same={"item.meeting": "member.meeting"}),
            not_recused("panel_comment_by_who_is_there", pgtrigger.Insert),
        ]

    def __str__(self) -> str:
        return f"{self.member} · {self.item}"


class UsefulnessRating(models.Model):
    """How useful one review was to one member of the panel that read it, from 1 to 5."""

    review = models.ForeignKey(
        Review, verbose_name=_("review"), on_delete=models.PROTECT, related_name="usefulness_ratings"
    )
    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="usefulness_ratings"
    )
    member = models.ForeignKey(
        PanelMember,
        verbose_name=_("member of a panel"),
        on_delete=models.PROTECT,
        related_name="usefulness_ratings",
    )
    value = models.PositiveSmallIntegerField(_("usefulness"))
    rated_at = models.DateTimeField(_("rated"), default=timezone.now)

    class Meta:
        verbose_name = _("rating of a review")
        verbose_name_plural = _("ratings of reviews")
        constraints = [
            models.UniqueConstraint(fields=["review", "member"], name="usefulness_once"),
            models.CheckConstraint(name="usefulness_in_range", condition=models.Q(value__range=(1, 5))),
        ]
        triggers = [
            Agrees(
                name="usefulness_of_its_item",
                same={"review.application": "item.application", "item.meeting": "member.meeting"},
            ),
            pgtrigger.ReadOnly(name="usefulness_identity_fixed", fields=["review", "item", "member"]),
            not_recused("usefulness_by_who_is_there", pgtrigger.Insert | pgtrigger.Update),
            kept("usefulness"),
        ]

    def __str__(self) -> str:
        return f"{self.review}: {self.value}"
