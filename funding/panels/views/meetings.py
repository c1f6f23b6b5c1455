"""A meeting: in one's list, live, its agenda, its minutes, in one's calendar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from allauth.account.decorators import reauthentication_required
from django.db import models
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from funding.panels.facts import sits_on_panels
from funding.panels.forms import AgendaForm, SignForm
from funding.panels.live import live_context, stamp_of
from funding.panels.models import AgendaItem, Meeting, PanelMember, PanelPledge, Recusal
from funding.panels.services import order_agenda, order_mark, place_items, sign_minutes
from funding.panels.services.telling import appointment_of, moment
from funding.panels.states import STILL_OPEN, AgendaOrder, ItemState, MeetingState, PanelRole
from funding.panels.views.menu import PANELS
from park_portal.core.calendar.ics import ics
from park_portal.core.errors import Conflict
from park_portal.core.tones import tone_of
from park_portal.core.views import (
    ActPage,
    Column,
    Crumb,
    ListPage,
    PortalMixin,
    StateLine,
    visible_or_404,
)


def own_meetings(user: Any) -> models.QuerySet[Meeting]:
    """Return the meetings that ``user`` sits on, with their role and how much is on the agenda and declared, in one query."""
    seat = PanelMember.objects.seated().filter(meeting=models.OuterRef("pk"), user_id=user.pk)
    still = AgendaItem.objects.filter(meeting=models.OuterRef("pk"), state__in=STILL_OPEN)
    said = still.filter(
        models.Exists(PanelPledge.objects.filter(item=models.OuterRef("pk"), member__user_id=user.pk))
        | models.Exists(Recusal.objects.filter(item=models.OuterRef("pk"), member__user_id=user.pk))
    )
    on_it = AgendaItem.objects.filter(meeting=models.OuterRef("pk")).exclude(state=ItemState.DROPPED)
    return (
        Meeting.objects.of_member(user)
        .select_related("call")
        .annotate(
            seat_role=models.Subquery(seat.values("role")[:1]),
            item_count=_count(on_it),
            open_count=_count(still),
            said_count=_count(said),
        )
    )


def _count(rows: models.QuerySet[Any]) -> Any:
    counted = rows.order_by().values("meeting").annotate(n=models.Count("pk")).values("n")
    return Coalesce(models.Subquery(counted), 0)


class MeetingFilter(django_filters.FilterSet):
    state = django_filters.ChoiceFilter(label=gettext_lazy("State"), choices=MeetingState)

    class Meta:
        model = Meeting
        fields = ("state",)


class MeetingList(ListPage):
    """The meetings that one sits on."""

    model = Meeting
    title = gettext_lazy("Panel meetings")
    nav = PANELS
    columns = (
        Column(
            "title",
            gettext_lazy("Meeting"),
            "title",
            kind="main",
            url=lambda meeting: meeting.get_absolute_url(),
        ),
        Column("when", gettext_lazy("Begins"), "starts_at", order="starts_at", kind="datetime"),
        Column("role", gettext_lazy("Your role"), lambda meeting: PanelRole(meeting.seat_role).label),
        Column("items", gettext_lazy("Items"), "item_count", kind="number"),
        Column(
            "owed",
            gettext_lazy("Declarations missing"),
            lambda meeting: (
                meeting.open_count - meeting.said_count
                if meeting.is_under_way and meeting.seat_role != PanelRole.OBSERVER
                else None
            ),
            kind="number",
        ),
        Column("state", gettext_lazy("State"), lambda meeting: meeting, kind="state"),
    )
    default_order = "-starts_at"
    filterset = MeetingFilter
    search_in = ("title_zh_hans", "title_en", "call__code")
    search_label = gettext_lazy("Title or code of the call")
    empty_title = gettext_lazy("No panel meetings yet")
    empty_text = gettext_lazy("When you are invited to a panel, its meeting appears here and you get a mail.")

    def check(self) -> None:
        if not sits_on_panels(self.request.user):
            raise Http404

    def rows(self) -> models.QuerySet[Meeting]:
        return own_meetings(self.request.user)


class MeetingMixin(PortalMixin):
    """A page about one meeting that the person sees."""

    nav = PANELS
    object: Meeting

    def prepare(self) -> None:
        rows = Meeting.objects.visible_to(self.request.user).select_related(
            "call", "stage", "minutes", "signed_copy", "signed_by"
        )
        self.object = visible_or_404(rows, pk=self.kwargs["pk"])

    def permission_object(self) -> models.Model | None:
        return self.object

    def get_title(self) -> str:
        return self.object.title

    def get_crumbs(self) -> Sequence[Crumb]:
        listed = reverse("panels:list") if sits_on_panels(self.request.user) else ""
        return Crumb(_("Panel meetings"), listed), Crumb(self.object.title, self.object.get_absolute_url())

    def live(self, *, status: int = 200, stamp: str | None = None, **context: Any) -> HttpResponse:
        """Return the live part of the meeting's page; ``stamp`` is what tells it from others, where it is known."""
        user = self.request.user
        if stamp is None:
            stamp = stamp_of(Meeting.objects.visible_to(user), self.object.pk, user)
        return self.render(
            "funding/panels/_live.html",
            status=status,
            stamp=stamp,
            state_line=self.state_line(),
            **live_context(self.object, user, has_text=self.request.GET.get("text", "")),
            **context,
        )

    def show(self, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return the meeting's page."""
        user = self.request.user
        stamp = stamp_of(Meeting.objects.visible_to(user), self.object.pk, user)
        return self.render(
            "funding/panels/meeting.html",
            status=status,
            stamp=stamp,
            state_line=self.state_line(),
            **live_context(self.object, user),
            **context,
        )

    def state_line(self) -> StateLine:
        meeting = self.object
        return StateLine(
            meeting.get_state_display(),
            tone_of(meeting),
            next_step=_("begins on %(when)s") % {"when": moment(meeting)}
            if meeting.state == MeetingState.PLANNED
            else "",
        )


@method_decorator(never_cache, name="dispatch")
class MeetingPage(MeetingMixin):
    """One meeting: before it the agenda and what is to be declared, during it the item on the table, after it the minutes."""

    def get_crumbs(self) -> Sequence[Crumb]:
        return *tuple(super().get_crumbs())[:-1], Crumb(self.object.title)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.show()


@method_decorator(never_cache, name="dispatch")
class LiveFragment(MeetingMixin):
    """The live part of a meeting's page; nothing (204) as long as it is what the page shows already (``seen``)."""

    stamp: str | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and request.method == "GET":
            # Forty people ask for this again and again: the answer that nothing is new costs one query.
            stamp = stamp_of(Meeting.objects.visible_to(request.user), kwargs["pk"], request.user)
            if stamp is not None and stamp == request.GET.get("seen"):
                return HttpResponse(status=204)
            # Asked before what is shown is read: what changes in between is news to the next question.
            self.stamp = stamp
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.live(stamp=self.stamp)


class AgendaPage(MeetingMixin, ActPage):
    """The order of what still waits: typed, or worked out from the reviews."""

    permission = "funding.run_panel"
    form_class = AgendaForm
    template_name = "funding/panels/agenda.html"
    submit_label = gettext_lazy("Keep this order")
    success = gettext_lazy("The order of the agenda is kept.")

    def prepare(self) -> None:
        MeetingMixin.prepare(self)
        self.items = list(
            self.object.items.filter(state=ItemState.WAITING)
            .select_related("application")
            .order_by("position", "pk")
        )

    def get_title(self) -> str:
        return _("Order of the agenda")

    def get_crumbs(self) -> Sequence[Crumb]:
        return *MeetingMixin.get_crumbs(self), Crumb(self.get_title())

    def form_kwargs(self) -> dict[str, Any]:
        return {"items": self.items}

    def initial(self) -> dict[str, Any]:
        return {"order": AgendaOrder.STAFF, "seen": order_mark(item.pk for item in self.items)}

    def act(self, form: AgendaForm) -> Meeting:
        order, told = (
            form.cleaned_data["order"],
            {"actor": self.request.user, "seen": form.cleaned_data["seen"]},
        )
        try:
            if order == AgendaOrder.STAFF:
                return place_items(self.object, form.places(), **told)
            return order_agenda(self.object, order=order, **told)
        except Conflict:
            # The numbers typed stay, beside the items as they are now.
            form.look_again(order_mark(item.pk for item in self.items))
            raise


class SignPage(MeetingMixin, ActPage):
    """The minutes, signed by the chair: asked for the password first, so that nobody signs at an open screen."""

    permission = "funding.sign_minutes"
    form_class = SignForm
    template_name = "funding/panels/sign.html"
    submit_label = gettext_lazy("Sign the minutes")
    success = gettext_lazy("The minutes are signed. Thank you for leading the panel.")

    @method_decorator(reauthentication_required(app="allauth.mfa"))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def prepare(self) -> None:
        MeetingMixin.prepare(self)

    def get_title(self) -> str:
        return _("Sign the minutes")

    def get_crumbs(self) -> Sequence[Crumb]:
        return *MeetingMixin.get_crumbs(self), Crumb(self.get_title())

    def initial(self) -> dict[str, Any]:
        return {"sha256": self.object.minutes.sha256 if self.object.minutes else ""}

    def act(self, form: SignForm) -> Meeting:
        return sign_minutes(self.object, actor=self.request.user, sha256=form.cleaned_data["sha256"])


class CalendarFile(MeetingMixin):
    """The meeting for one's own calendar."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        response = HttpResponse(ics(appointment_of(self.object)), content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="panel-{self.object.pk}.ics"'
        return response
