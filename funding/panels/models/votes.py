"""Votes in two halves: who voted, and what was voted. Of a secret ballot nothing joins them, in the database neither."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.panels.models.agenda import AgendaItem
from funding.panels.models.guards import PRESENT
from funding.panels.models.meetings import PanelMember
from funding.panels.states import Choice
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees

_VOTES = f"""
    IF NOT EXISTS (SELECT 1 FROM funding_agendaitem i
                   WHERE i.id = NEW.item_id AND i.state = 'voting' AND i.round = NEW.round) THEN
        RAISE EXCEPTION 'item % is not being voted on', NEW.item_id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM funding_panelmember m
                   WHERE m.id = NEW.member_id AND m.removed_at IS NULL AND m.role IN ('chair', 'member')
                   AND {PRESENT.format(member="m.id")})
       OR EXISTS (SELECT 1 FROM funding_recusal r WHERE r.item_id = NEW.item_id AND r.member_id = NEW.member_id) THEN
        RAISE EXCEPTION 'member % does not vote on item %', NEW.member_id, NEW.item_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""

_FITS = """
    SELECT i.state, i.round, m.vote_kind, m.secret INTO held, turn, kind, hidden
        FROM funding_agendaitem i JOIN funding_meeting m ON m.id = i.meeting_id WHERE i.id = NEW.item_id;
    IF held <> 'voting' OR turn <> NEW.round OR (kind = 'scores') <> (NEW.score IS NOT NULL)
       OR hidden <> (NEW.member_id IS NULL)
       OR (NOT hidden AND NOT EXISTS (
           SELECT 1 FROM funding_turnout t
           WHERE t.item_id = NEW.item_id AND t.round = NEW.round AND t.member_id = NEW.member_id)) THEN
        RAISE EXCEPTION 'this is no ballot on item %', NEW.item_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class Turnout(models.Model):
    """One member has voted on one item."""

    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="turnout"
    )
    member = models.ForeignKey(
        PanelMember, verbose_name=_("member of a panel"), on_delete=models.PROTECT, related_name="turnout"
    )
    round = models.SmallIntegerField(_("vote number"))

    class Meta:
        verbose_name = _("vote cast")
        verbose_name_plural = _("votes cast")
        constraints = [models.UniqueConstraint(fields=["item", "round", "member"], name="turnout_once")]
        triggers = [
            *append_only("turnout"),
            Agrees(name="turnout_of_one_meeting", same={"item.meeting": "member.meeting"}),
            pgtrigger.Trigger(
                name="turnout_of_who_may_vote",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_VOTES,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member} · {self.item}"


class Ballot(models.Model):
    """One ballot on one item: a score, or yes, no, abstain; of a secret ballot nothing says whose it is."""

    # Neither number nor time: both would tell the order in which they were cast, and so whose they are.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(
        AgendaItem, verbose_name=_("agenda item"), on_delete=models.PROTECT, related_name="ballots"
    )
    round = models.SmallIntegerField(_("vote number"))
    member = models.ForeignKey(
        PanelMember,
        verbose_name=_("member of a panel"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="ballots",
        help_text=_("Empty: a secret ballot."),
    )
    score = models.PositiveSmallIntegerField(_("score"), null=True, blank=True)
    choice = models.CharField(pgettext_lazy("ballot", "vote"), max_length=8, choices=Choice, blank=True)
    comment = models.CharField(_("comment"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("ballot")
        verbose_name_plural = _("ballots")
        ordering = ["item", "round", "choice", "-score", "id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "round", "member"], name="ballot_once"),
            models.CheckConstraint(
                name="ballot_says_one_thing",
                condition=models.Q(choice="", score__isnull=False, score__lte=100)
                | models.Q(choice__in=Choice.values, score__isnull=True),
            ),
        ]
        triggers = [
            *append_only("ballot"),
            pgtrigger.Trigger(
                name="ballot_fits_the_vote",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("held", "text"), ("turn", "integer"), ("kind", "text"), ("hidden", "boolean")],
                func=_FITS,
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_choice_display() if self.choice else self.score)
