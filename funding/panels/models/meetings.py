from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pgtrigger
from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.calls.models import Call, Stage
from funding.panels.models.guards import while_meeting
from funding.panels.states import (
    MEETING_MACHINE,
    UNDER_WAY,
    VOTERS,
    AgendaOrder,
    MeetingState,
    Movement,
    PanelRole,
    VoteKind,
)
from funding.reviews.models import Calculation
from park_portal.core.accounts.rules import sees_records
from park_portal.core.audit.models import append_only
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept, one_of


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: Any) -> MeetingQuerySet:
        """Staff see all; everyone else those they sit on."""
        if not user.is_authenticated:
            return self.none()
        return self if sees_records(user) else self.of_member(user)

    def of_member(self, user: Any) -> MeetingQuerySet:
        """Return the meetings of panels that ``user`` sits on, whatever else they may see."""
        seats = PanelMember.objects.filter(user_id=user.pk, removed_at__isnull=True)
        return self.filter(pk__in=seats.values("meeting"))


class Meeting(models.Model):
    """One meeting of a panel on applications of one call."""

    machine = MEETING_MACHINE

    call = models.ForeignKey(Call, verbose_name=_("call"), on_delete=models.PROTECT, related_name="meetings")
    stage = models.ForeignKey(
        Stage, verbose_name=_("stage"), on_delete=models.PROTECT, related_name="meetings"
    )
    title = models.CharField(pgettext_lazy("meeting", "title"), max_length=120)
    place = models.CharField(pgettext_lazy("meeting", "place"), max_length=200, blank=True)
    link = models.URLField(_("link to join"), max_length=400, blank=True)
    starts_at = models.DateTimeField(_("begins"))
    minutes_planned = models.PositiveSmallIntegerField(_("length in minutes"), default=180)
    quorum = models.PositiveSmallIntegerField(
        _("quorum"), help_text=_("How many voting members must be in the room, and vote, for a result.")
    )
    vote_kind = models.CharField(_("vote by"), max_length=8, choices=VoteKind, default=VoteKind.SCORES)
    secret = models.BooleanField(
        _("secret ballot"),
        default=False,
        help_text=_("Nobody, not the park's staff either, can learn who voted how."),
    )
    order = models.CharField(
        _("order of the agenda"), max_length=8, choices=AgendaOrder, default=AgendaOrder.STAFF
    )
    ordering = models.ForeignKey(
        Calculation,
        verbose_name=_("how the order was found"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    state = models.CharField(_("state"), max_length=10, choices=MeetingState, default=MeetingState.PLANNED)
    # Counts up with whatever the live page shows: a page that knows the number needs nothing new.
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("planned by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField(_("planned"), default=timezone.now)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    minutes = models.ForeignKey(
        Document, verbose_name=_("minutes"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("signed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    signed_sha256 = models.CharField(_("SHA-256 of what was signed"), max_length=64, blank=True)
    signed_copy = models.ForeignKey(
        Document,
        verbose_name=_("signed copy"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = MeetingQuerySet.as_manager()

    class Meta:
        verbose_name = _("panel meeting")
        verbose_name_plural = _("panel meetings")
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(name="meeting_has_quorum", condition=models.Q(quorum__gte=1)),
            models.CheckConstraint(name="meeting_has_length", condition=models.Q(minutes_planned__gte=1)),
            models.CheckConstraint(
                name="meeting_signed_whole",
                condition=(
                    models.Q(
                        state="signed",
                        signed_by__isnull=False,
                        signed_at__isnull=False,
                        minutes__isnull=False,
                    )
                    & ~models.Q(signed_sha256="")
                )
                | (~models.Q(state="signed") & models.Q(signed_by__isnull=True, signed_at__isnull=True)),
            ),
            one_of("meeting_vote_known", "vote_kind", VoteKind),
            one_of("meeting_order_known", "order", AgendaOrder),
        ]
        indexes = [models.Index(fields=["state", "starts_at"], name="meeting_by_state")]
        triggers = [
            *MEETING_MACHINE.triggers(),
            Agrees(name="meeting_of_its_call", same={"stage.call": "call"}),
            pgtrigger.ReadOnly(name="meeting_stage_fixed", fields=["call", "stage"]),
            kept("meeting"),
            # How is voted, and how many it takes, is settled before anybody votes.
            pgtrigger.Protect(
                name="meeting_terms_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'planned' AND (OLD.quorum, OLD.vote_kind, OLD.secret) "
                    "IS DISTINCT FROM (NEW.quorum, NEW.vote_kind, NEW.secret)"
                ),
            ),
            pgtrigger.Protect(
                name="meeting_signed_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="signed"),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("panels:detail", args=[self.pk])

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes_planned)

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY


def _last_movement() -> models.Subquery:
    movements = Attendance.objects.filter(
        member=models.OuterRef("pk"), kind__in=[Movement.CAME, Movement.LEFT]
    )
    return models.Subquery(movements.order_by("-id").values("kind")[:1])


class PanelMemberQuerySet(models.QuerySet["PanelMember"]):
    def seated(self) -> PanelMemberQuerySet:
        return self.filter(removed_at__isnull=True)

    def voting(self) -> PanelMemberQuerySet:
        return self.seated().filter(role__in=VOTERS)

    def with_presence(self) -> PanelMemberQuerySet:
        """Add ``movement``: the last that was noted of coming and going, empty for who never came."""
        return self.annotate(movement=_last_movement())

    def present(self) -> PanelMemberQuerySet:
        return self.alias(is_there=_last_movement()).filter(is_there=Movement.CAME)


class PanelMember(models.Model):
    """One person's place on the panel of one meeting."""

    meeting = models.ForeignKey(
        Meeting, verbose_name=_("panel meeting"), on_delete=models.PROTECT, related_name="members"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="panel_seats",
    )
    role = models.CharField(_("role"), max_length=10, choices=PanelRole, default=PanelRole.MEMBER)
    invited_at = models.DateTimeField(_("invited"), default=timezone.now)
    removed_at = models.DateTimeField(_("taken off the panel"), null=True, blank=True)

    objects = PanelMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member of a panel")
        verbose_name_plural = _("members of panels")
        ordering = ["meeting", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["meeting", "user"],
                name="panel_member_once",
                violation_error_message=_("This person is on the panel already."),
            ),
            models.UniqueConstraint(
                fields=["meeting"],
                condition=models.Q(role="chair", removed_at__isnull=True),
                name="panel_one_chair",
                violation_error_message=_("A panel has one chair."),
            ),
            one_of("panel_member_role_known", "role", PanelRole),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="panel_member_place_fixed", fields=["meeting", "user"]),
            while_meeting(
                "panel_member_under_way", "NEW.meeting_id", UNDER_WAY, pgtrigger.Insert | pgtrigger.Update
            ),
            kept("panel_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Attendance(models.Model):
    """One moment at which a member of a panel came or left, the meeting or one item."""

    member = models.ForeignKey(
        PanelMember, verbose_name=_("member of a panel"), on_delete=models.PROTECT, related_name="movements"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Movement)
    item = models.ForeignKey(
        "funding.AgendaItem",
        verbose_name=_("agenda item"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="movements",
    )
    at = models.DateTimeField(_("time"), default=timezone.now)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("noted by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendance")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="attendance_names_its_item",
                condition=models.Q(kind__in=["came", "left"], item__isnull=True)
                | models.Q(kind__in=["stepped_out", "stepped_in"], item__isnull=False),
            ),
        ]
        triggers = [
            *append_only("attendance"),
            Agrees(name="attendance_of_one_meeting", same={"item.meeting": "member.meeting"}),
            while_meeting(
                "attendance_in_session",
                "(SELECT meeting_id FROM funding_panelmember WHERE id = NEW.member_id)",
                (MeetingState.OPEN,),
                pgtrigger.Insert,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member}: {self.get_kind_display()}"
