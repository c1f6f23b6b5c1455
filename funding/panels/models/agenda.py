from __future__ import annotations

from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.panels.models.guards import PRESENT, while_meeting
from funding.panels.models.meetings import Meeting, PanelMember
from funding.panels.states import (
    ITEM_MACHINE,
    ON_THE_TABLE,
    STILL_OPEN,
    UNDER_WAY,
    VOTED,
    AutomaticReason,
    ItemState,
    RecusalSource,
)
from funding.reviews.models import StageRun
from funding.reviews.states import Opinion
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees, kept, one_of

# A vote counts when as many as the quorum asks for are in the room, and have voted.
_QUORUM = f"""
    SELECT quorum INTO needed FROM funding_meeting WHERE id = NEW.meeting_id;
    SELECT count(*) INTO there FROM funding_panelmember m
        WHERE m.meeting_id = NEW.meeting_id AND m.removed_at IS NULL AND m.role IN ('chair', 'member')
        AND NOT EXISTS (SELECT 1 FROM funding_recusal r WHERE r.item_id = NEW.id AND r.member_id = m.id)
        AND {PRESENT.format(member="m.id")};
    SELECT count(*) INTO voted FROM funding_turnout t WHERE t.item_id = NEW.id AND t.round = NEW.round;
    IF there < needed OR voted < needed THEN
        RAISE EXCEPTION 'item % has no quorum: % in the room, % voted, % needed', NEW.id, there, voted, needed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'agenda_item_quorum';
    END IF;
    RETURN NEW;
"""

# Nobody's ballot without somebody who voted, and no vote of whoever should not have.
_BALLOTS = """
    SELECT count(*) INTO voted FROM funding_turnout t WHERE t.item_id = NEW.id AND t.round = NEW.round;
    SELECT count(*) INTO cast_ FROM funding_ballot b WHERE b.item_id = NEW.id AND b.round = NEW.round;
    IF voted <> cast_ OR EXISTS (
        SELECT 1 FROM funding_turnout t JOIN funding_recusal r ON r.item_id = t.item_id AND r.member_id = t.member_id
        WHERE t.item_id = NEW.id AND t.round = NEW.round) THEN
        RAISE EXCEPTION 'the ballots on item % are not those of who may vote', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'agenda_item_ballots';
    END IF;
    RETURN NEW;
"""

_COUNTED = pgtrigger.Q(new__state="counted", old__state="voting")


class AgendaItemQuerySet(models.QuerySet["AgendaItem"]):
    def visible_to(self, user: Any) -> AgendaItemQuerySet:
        """Return the items of the meetings that ``user`` sees; what of each may be read is another question."""
        return self.filter(meeting__in=Meeting.objects.visible_to(user).values("pk"))


class AgendaItem(models.Model):
    """One application on the agenda of one panel meeting."""

    machine = ITEM_MACHINE

    meeting = models.ForeignKey(
        Meeting, verbose_name=_("panel meeting"), on_delete=models.PROTECT, related_name="items"
    )
    run = models.ForeignKey(
        StageRun,
        verbose_name=_("stage of an application"),
        on_delete=models.PROTECT,
        related_name="agenda_items",
    )
    application = models.ForeignKey(
        Application, verbose_name=_("application"), on_delete=models.PROTECT, related_name="agenda_items"
    )
    position = models.PositiveSmallIntegerField(_("position"))
    state = models.CharField(_("state"), max_length=10, choices=ItemState, default=ItemState.WAITING)
    # Which vote on this item counts: one that was held again leaves the ballots of the earlier one as they are.
    round = models.PositiveSmallIntegerField(_("vote number"), default=0)
    called_at = models.DateTimeField(_("called"), null=True, blank=True)
    counted_at = models.DateTimeField(_("votes counted"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    opinion = models.CharField(_("recommendation"), max_length=20, choices=Opinion, blank=True)
    score = models.DecimalField(_("score"), max_digits=5, decimal_places=2, null=True, blank=True)
    summary = models.TextField(_("chair's summary"), max_length=8000, blank=True)
    # Why it was postponed or taken off the agenda.
    reason = models.CharField(_("reason"), max_length=400, blank=True)

    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("agenda item")
        verbose_name_plural = _("agenda items")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "application"], name="agenda_item_once"),
            models.UniqueConstraint(
                fields=["meeting"],
                condition=models.Q(state__in=ON_THE_TABLE),
                name="agenda_item_one_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["run"],
                condition=models.Q(state__in=[*STILL_OPEN, ItemState.CLOSED]),
                name="agenda_item_in_one_meeting",
            ),
            models.CheckConstraint(
                name="agenda_item_closed_with_result",
                condition=~models.Q(state="closed")
                | (models.Q(closed_at__isnull=False) & ~models.Q(opinion="") & ~models.Q(summary="")),
            ),
            models.CheckConstraint(
                name="agenda_item_score_in_range",
                condition=models.Q(score__isnull=True) | models.Q(score__range=(0, 100)),
            ),
            one_of("agenda_item_opinion_known", "opinion", Opinion, empty=True),
        ]
        triggers = [
            *ITEM_MACHINE.triggers(),
            Agrees(
                name="agenda_item_of_its_run",
                same={"run.application": "application", "run.stage": "meeting.stage"},
            ),
            pgtrigger.ReadOnly(name="agenda_item_place_fixed", fields=["meeting", "run", "application"]),
            while_meeting(
                "agenda_item_under_way", "NEW.meeting_id", UNDER_WAY, pgtrigger.Insert | pgtrigger.Update
            ),
            pgtrigger.Trigger(
                name="agenda_item_quorum",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=_COUNTED,
                declare=[("needed", "integer"), ("there", "integer"), ("voted", "integer")],
                func=_QUORUM,
            ),
            pgtrigger.Trigger(
                name="agenda_item_ballots",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=_COUNTED,
                declare=[("voted", "integer"), ("cast_", "integer")],
                func=_BALLOTS,
            ),
            pgtrigger.Protect(
                name="agenda_item_closed_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="closed"),
            ),
            kept("agenda_item"),
        ]

    def __str__(self) -> str:
        return f"{self.application.number} · {self.meeting}"

    def get_absolute_url(self) -> str:
        return reverse("panels:item", args=[self.meeting_id, self.pk])

    @property
    def reason_text(self) -> str:
        """The reason as it is read: what the portal noted by itself in the reader's language."""
        code = self.reason
        return str(AutomaticReason(code).label) if code in AutomaticReason.values else code

    @property
    def is_on_the_table(self) -> bool:
        return self.state in ON_THE_TABLE

    @property
    def is_voted(self) -> bool:
        return self.state in VOTED


class PanelPledge(models.Model):
    """One member's word on one item: no conflict of interest is known to them, and they keep it confidential."""

    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="pledges"
    )
    member = models.ForeignKey(
        PanelMember, verbose_name=_("member of a panel"), on_delete=models.PROTECT, related_name="pledges"
    )
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("pledge of a member")
        verbose_name_plural = _("pledges of members")
        constraints = [models.UniqueConstraint(fields=["item", "member"], name="panel_pledge_once")]
        triggers = [
            *append_only("panel_pledge"),
            Agrees(name="panel_pledge_of_one_meeting", same={"item.meeting": "member.meeting"}),
        ]

    def __str__(self) -> str:
        return f"{self.member} · {self.item}"


class Recusal(models.Model):
    """One item that one member leaves the room for, and why."""

    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="recusals"
    )
    member = models.ForeignKey(
        PanelMember, verbose_name=_("member of a panel"), on_delete=models.PROTECT, related_name="recusals"
    )
    source = models.CharField(_("known from"), max_length=10, choices=RecusalSource)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("recusal")
        verbose_name_plural = _("recusals")
        constraints = [
            models.UniqueConstraint(fields=["item", "member"], name="recusal_once"),
            one_of("recusal_source_known", "source", RecusalSource),
        ]
        triggers = [
            *append_only("recusal"),
            Agrees(name="recusal_of_one_meeting", same={"item.meeting": "member.meeting"}),
            while_meeting(
                "recusal_under_way",
                "(SELECT meeting_id FROM funding_agendaitem WHERE id = NEW.item_id)",
                UNDER_WAY,
                pgtrigger.Insert,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} · {self.item}"
