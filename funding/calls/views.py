"""The public pages of calls: what is open, what comes, what was; no login needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from funding.calls.facts import amounts_text, applicants_text, call_context, state_of
from funding.calls.models import Call
from funding.calls.states import CallState
from park_portal.core.calendar.services import working_calendar
from park_portal.core.views import Crumb, DetailPage, PortalMixin, StateLine

# Calls that closed; older ones are found by search.
CLOSED_SHOWN = 30


class CallList(PortalMixin):
    """Every announced call: open, coming, closed."""

    public = True
    title = gettext_lazy("Calls for applications")
    nav = "calls"
    template_name = "funding/calls/list.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now, calendar = timezone.now(), working_calendar()
        calls = Call.objects.announced().select_related("fund")
        groups: dict[str, Any] = {"open": [], "coming": [], "closed": []}
        live = calls.filter(state__in=[CallState.PUBLISHED, CallState.OPEN]).order_by("closes_at")
        past = calls.filter(state=CallState.CLOSED).order_by("-closes_at")[:CLOSED_SHOWN]
        for call in [*live, *past]:
            if call.takes_new_drafts(now):
                name = "open"
            elif call.state == CallState.CLOSED or now >= call.opens_at:
                name = "closed"
            else:
                name = "coming"
            groups[name].append(card_of(call, now, calendar))
        return self.render(**groups)


def card_of(call: Call, now: Any, calendar: Any) -> dict[str, Any]:
    """Return what the list shows of one call."""
    local = timezone.localtime
    state, tone = state_of(call, now)
    over = call.state == CallState.CLOSED or now >= call.closes_at
    days = 0 if over else calendar.between(local(now).date(), local(call.closes_at).date())
    return {
        "call": call,
        "state": state,
        "tone": tone,
        "amounts": amounts_text(call),
        "applicants": applicants_text(call.applicants),
        "days": days,
        "days_text": ngettext("%(count)d working day left", "%(count)d working days left", days)
        % {"count": days}
        if days > 0
        else _("closes today"),
        "is_soon": days <= 3,
        # Staff may have closed it before its minute.
        "closed_on": call.closes_at if call.closes_at <= now else None,
    }


class CallPage(DetailPage):
    """One call: what it gives, to whom, until when, how it is reviewed and what will be asked."""

    public = True
    model = Call
    lookup = "code"
    nav = "calls"
    template_name = "funding/calls/detail.html"

    def rows(self) -> Any:
        return Call.objects.visible_to(self.request.user).select_related("fund")

    def get_title(self) -> str:
        return self.object.title

    def get_crumbs(self) -> Sequence[Crumb]:
        return [Crumb(_("Calls for applications"), reverse("calls:list")), Crumb(self.object.code)]

    def state_line(self) -> StateLine | None:
        call, now = self.object, timezone.now()
        state, tone = state_of(call, now)
        if call.takes_new_drafts(now):
            return StateLine(state=state, tone=tone, turn=_("applicants"), due=call.closes_at)
        if call.accepts(now):
            return StateLine(state=state, tone=tone, turn=_("applicants who have a draft"), due=call.ends_at)
        if now < call.opens_at:
            return StateLine(state=state, tone=tone)
        return StateLine(state=state, tone=tone, turn=_("the park: applications are under review"))

    def get_context(self, **context: Any) -> dict[str, Any]:
        now = timezone.now()
        return super().get_context(
            **call_context(self.object, now), apply_url=apply_url(self.object), **context
        )


def apply_url(call: Call) -> str:
    """Return where an application to the call is begun."""
    try:
        return reverse("applications:start", args=[call.code])
    except NoReverseMatch:  # the rooms above are composed in urls.py; without them nothing can be begun
        return ""
