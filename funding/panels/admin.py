"""Panel meetings for staff: planned in one form, the panel and the agenda changed; the meeting itself is on the portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from funding.panels.forms import AddItemsForm, OrderForm, PlanForm, SeatForm, UnseatForm, WhenForm
from funding.panels.models import AgendaItem, Meeting, PanelMember
from funding.panels.services import (
    cancel_meeting,
    change_meeting,
    order_agenda,
    plan_meeting,
    put_on_agenda,
    remove_member,
    seat_members,
)
from funding.panels.services.planning import FIELDS
from funding.panels.states import MeetingState
from funding.reviews.forms import ReasonForm
from funding.reviews.rules import barred_from
from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffTabularInline, label_acts, state_label

label_acts(
    {
        "meeting.plan": _("panel meeting planned"),
        "meeting.change": _("panel meeting changed"),
        "meeting.seat": _("put on the panel"),
        "meeting.unseat": _("taken off the panel"),
        "meeting.order": _("agenda put in order"),
        "meeting.attendance": _("attendance noted"),
        "agenda_item.add": _("put on the agenda"),
        "agenda_item.recuse": _("left the room for an item"),
        "agenda_item.pledge": _("declared no conflict of interest"),
        "agenda_item.vote": _("voted on an item"),
        "agenda_item.comment": _("remark on an item"),
        "review.rate": _("usefulness of a review rated"),
    }
)

UNDER_WAY = (MeetingState.PLANNED, MeetingState.OPEN)


class MembersInline(StaffTabularInline):
    """Who sits on the panel; changed by acts, which invite and tell people."""

    model = PanelMember
    fields = readonly_fields = ["user", "role", "invited_at", "removed_at"]
    can_delete = False
    max_num = 0

    def get_queryset(self, request: Any) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


class ItemsInline(StaffTabularInline):
    """What is on the agenda."""

    model = AgendaItem
    fields = readonly_fields = ["position", "application", "state", "opinion_shown", "score_shown"]
    can_delete = False
    max_num = 0

    def get_queryset(self, request: Any) -> models.QuerySet[Any]:
        barred = models.Q(application_id__in=barred_from(request.user))
        return (
            super()
            .get_queryset(request)
            .select_related("application__call")
            .annotate(is_barred=models.Case(models.When(barred, then=True), default=False))
            .order_by("position", "pk")
        )

    @display(description=_("recommendation"))
    def opinion_shown(self, item: Any) -> str:
        return gettext("conflict of interest") if item.is_barred else item.get_opinion_display() or "—"

    @display(description=_("score"))
    def score_shown(self, item: Any) -> str:
        return "—" if item.is_barred or item.score is None else str(item.score)


def unseat(meeting: Meeting, *, actor: User, member: PanelMember, reason: str) -> PanelMember:
    return remove_member(member, actor=actor, reason=reason)


def seat(meeting: Meeting, *, actor: User, people: Any, role: str) -> list[PanelMember]:
    return seat_members(meeting, people, actor=actor, role=role)


def add_items(meeting: Meeting, *, actor: User, runs: Any) -> list[AgendaItem]:
    return put_on_agenda(meeting, runs, actor=actor)


def _as_planned(meeting: Meeting, user: Any) -> Mapping[str, Any]:
    values = {name: getattr(meeting, name) for name in FIELDS}
    values["starts_at"] = timezone.localtime(meeting.starts_at)
    return values


@admin.register(Meeting)
class MeetingAdmin(ReadOnly, StaffAdmin):
    """Panel meetings. Who runs one, and the panel, meet on the portal's page."""

    view_rule = "funding.see_panels"
    where_from = _("Meetings are planned for the panel stage of a call.")
    list_display = ["title", "call", "starts_at", "chair", "items", "state_label"]
    list_filter = ["state", "call"]
    search_fields = ["title_zh_hans", "title_en", "call__code", "place"]
    list_select_related = ["call"]
    ordering = ["-starts_at", "-pk"]
    inlines = [MembersInline, ItemsInline]
    fields = [
        "call",
        "stage",
        "state_label",
        "on_the_portal",
        "starts_at",
        "minutes_planned",
        "place",
        "link",
        "quorum",
        "vote_kind",
        "secret",
        "order",
        "ordering",
        "opened_at",
        "closed_at",
        "minutes_file",
        "signed_by",
        "signed_at",
        "signed_sha256",
    ]
    readonly_fields = fields
    acts = [
        Act(
            "plan",
            plan_meeting,
            label=_("Plan a panel meeting"),
            rule="funding.plan_panels",
            form=PlanForm,
            on="list",
            icon="add",
            explain=_(
                "Everyone on the panel is invited at once, by mail with an appointment for their calendar. All "
                "applications that wait in the stage come onto the agenda."
            ),
            button=_("Plan and invite"),
            done=_("The meeting is planned and the panel invited."),
        ),
        Act(
            "change",
            change_meeting,
            label=_("Change time, place or vote"),
            rule="funding.plan_panels",
            form=WhenForm,
            initial=_as_planned,
            icon="edit_calendar",
            sources=(MeetingState.PLANNED,),
            explain=_("The panel is told of a new time or place."),
            done=_("The meeting is changed."),
        ),
        Act(
            "seat",
            seat,
            label=_("Put people on the panel"),
            rule="funding.plan_panels",
            form=SeatForm,
            icon="person_add",
            sources=UNDER_WAY,
            explain=_(
                "They are invited at once. A new chair takes the place of the one before, who stays a member."
            ),
            done=_("They are on the panel and invited."),
        ),
        Act(
            "unseat",
            unseat,
            label=_("Take somebody off the panel"),
            rule="funding.plan_panels",
            form=UnseatForm,
            icon="person_remove",
            sources=UNDER_WAY,
            explain=_("They are told. A ballot that they have cast stays."),
            done=_("They are no longer on the panel."),
        ),
        Act(
            "add_items",
            add_items,
            label=_("Put applications on the agenda"),
            rule="funding.plan_panels",
            form=AddItemsForm,
            icon="playlist_add",
            sources=UNDER_WAY,
            done=_("They are on the agenda."),
        ),
        Act(
            "order",
            order_agenda,
            label=_("Put the agenda in order"),
            rule="funding.run_panel",
            form=OrderForm,
            icon="sort",
            sources=UNDER_WAY,
            explain=_("Method and seed are kept with the meeting and stand in the minutes."),
            done=_("The agenda is in order."),
        ),
        Act(
            "cancel",
            cancel_meeting,
            form=ReasonForm,
            icon="event_busy",
            danger=True,
            explain=_("The panel is told. The applications wait for another meeting."),
            done=_("The meeting is cancelled and the panel told."),
        ),
    ]

    state_label = state_label()

    def rows_for(self, user: Any) -> models.QuerySet[Meeting]:
        chairs = PanelMember.objects.seated().filter(meeting=models.OuterRef("pk"), role="chair")
        items = (
            AgendaItem.objects.filter(meeting=models.OuterRef("pk"))
            .exclude(state="dropped")
            .order_by()
            .values("meeting")
            .annotate(n=models.Count("pk"))
        )
        return Meeting.objects.visible_to(user).annotate(
            chair_name=models.Subquery(chairs.values("user__name")[:1]),
            item_count=models.Subquery(items.values("n")),
        )

    @admin.display(description=pgettext_lazy("panel", "chair"))
    def chair(self, obj: Any) -> str:
        return obj.chair_name or ""

    @admin.display(description=_("items"))
    def items(self, obj: Any) -> int:
        return obj.item_count or 0

    @admin.display(description=_("the meeting itself"))
    def on_the_portal(self, obj: Meeting) -> Any:
        return format_html('<a href="{}">{}</a>', obj.get_absolute_url(), _("Open the meeting's page"))

    @admin.display(description=_("minutes"))
    def minutes_file(self, obj: Meeting) -> Any:
        document = obj.signed_copy or obj.minutes
        if document is None:
            return "—"
        return format_html(
            '<a href="{}">{}</a>', reverse("document", args=[document.public_id]), document.name
        )
