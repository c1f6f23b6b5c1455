"""The buttons of the live page: one service call each.

Answered by going back to the page, or with its live part to a script; what was refused stays on the page that says why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from funding.panels import services
from funding.panels.models import AgendaItem, Meeting
from funding.panels.views.items import ItemMixin
from funding.panels.views.meetings import MeetingMixin
from funding.reviews.models import Review
from park_portal.core.errors import DomainError
from park_portal.core.views import PersonRequest, visible_or_404

Sent = Callable[[str], str]


def _whole(text: str) -> int | None:
    """Return the number typed, or None for what is none."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


class _Answers(MeetingMixin):
    """Answers a form with the live part where a script sent it, else with the page; nothing typed is lost."""

    def answer(self, error: DomainError | None = None) -> HttpResponse:
        by_script = self.request.headers.get("HX-Request")
        if error is None and not by_script:
            return HttpResponseRedirect(self.after())
        self.prepare()
        if error is None:
            return self.live()
        show = self.live if by_script else self.again
        return show(
            status=error.status if error.status in (403, 409) else 422,
            refused=str(error),
            refused_lines=[str(problem.message) for problem in error.problems],
            typed=self.request.POST,
        )

    def again(self, *, status: int, **context: Any) -> HttpResponse:
        """Return the page that the form was on."""
        return self.show(status=status, **context)

    def after(self) -> str:
        return self.object.get_absolute_url()


def _attend(meeting: Meeting, user: Any, sent: Sent) -> Any:
    member = visible_or_404(meeting.members.seated(), pk=_whole(sent("member")) or 0)
    return services.note_attendance(member, actor=user, present=sent("present") == "1")


MEETING_ACTS: Final[dict[str, Callable[[Meeting, Any, Sent], Any]]] = {
    "open": lambda meeting, user, sent: services.open_meeting(meeting, actor=user),
    "close": lambda meeting, user, sent: services.close_meeting(meeting, actor=user),
    "reopen": lambda meeting, user, sent: services.reopen_meeting(meeting, actor=user),
    "attendance": _attend,
}


class MeetingAct(_Answers):
    """Open, close, or open again; note who comes and goes."""

    def post(self, request: PersonRequest, pk: int, act: str) -> HttpResponse:
        do = MEETING_ACTS.get(act)
        if do is None:
            raise Http404
        try:
            do(self.object, request.user, lambda name: request.POST.get(name, ""))
        except DomainError as error:
            return self.answer(error)
        return self.answer()


def _rate(item: AgendaItem, user: Any, sent: Sent) -> Any:
    review = visible_or_404(
        Review.objects.filter(application=item.application), pk=_whole(sent("review")) or 0
    )
    return services.rate_review(item, review, actor=user, value=_whole(sent("value")) or 0)


ITEM_ACTS: Final[dict[str, Callable[[AgendaItem, Any, Sent], Any]]] = {
    "call": lambda item, user, sent: services.call_item(item, actor=user),
    "open-vote": lambda item, user, sent: services.open_vote(item, actor=user),
    "count": lambda item, user, sent: services.count_votes(item, actor=user),
    "vote-again": lambda item, user, sent: services.vote_again(item, actor=user, reason=sent("reason")),
    "conclude": lambda item, user, sent: services.conclude_item(
        item, actor=user, opinion=sent("opinion"), summary=sent("summary")
    ),
    "postpone": lambda item, user, sent: services.postpone_item(item, actor=user, reason=sent("reason")),
    "drop": lambda item, user, sent: services.drop_item(item, actor=user, reason=sent("reason")),
    "resume": lambda item, user, sent: services.resume_item(item, actor=user),
    "pledge": lambda item, user, sent: services.pledge_on(item, actor=user),
    "vote": lambda item, user, sent: services.cast_ballot(
        item, actor=user, score=_whole(sent("score")), choice=sent("choice"), comment=sent("comment")
    ),
    "comment": lambda item, user, sent: services.comment_on(item, actor=user, text=sent("text")),
    "rate": _rate,
}


class ItemAct(_Answers, ItemMixin):
    """Everything that is done with one item: by who runs the meeting, and by its members."""

    def prepare(self) -> None:
        ItemMixin.prepare(self)

    def post(self, request: PersonRequest, pk: int, item: int, act: str) -> HttpResponse:
        do = ITEM_ACTS.get(act)
        if do is None:
            raise Http404
        if act == "pledge" and request.POST.get("pledge") != "on":
            return self.answer(DomainError(_("Confirm the pledge of integrity."), code="required"))
        try:
            do(self.item, request.user, lambda name: request.POST.get(name, ""))
        except DomainError as error:
            return self.answer(error)
        return self.answer()

    def again(self, *, status: int, **context: Any) -> HttpResponse:
        if self.request.POST.get("page") == "item":
            return self.show_item(status=status, **context)
        return self.show(status=status, **context)

    def after(self) -> str:
        to_item = self.request.POST.get("page") == "item"
        return self.item.get_absolute_url() if to_item else self.object.get_absolute_url()
