"""The public notice of what is proposed for funding: from pending approvals to a published list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.states import StageKind
from funding.decisions.models import Decision
from funding.decisions.services.ranking import Budget, budget_of
from funding.decisions.services.verdicts import Proposal, _changed, seen_of
from funding.decisions.states import DecisionState, Verdict
from funding.reviews.models import NoticeLine, Objection, PublicNotice
from funding.reviews.services import notice_days, post_notice, refuse_conflicted
from funding.reviews.states import NoticeLineState
from park_portal.core.accounts.models import User
from park_portal.core.calendar.services import deadline
from park_portal.core.errors import Conflict, DomainError, Problem
from park_portal.core.money import format_yuan
from park_portal.core.policies.models import PolicyValue
from park_portal.core.workflow import require


@dataclass(frozen=True)
class NoticePlan:
    """What a notice published now would hold, and until when."""

    ready: list[Decision]
    without_verdict: int
    working_days: int
    least: PolicyValue
    ends_at: datetime
    budget: Budget

    @property
    def amount_fen(self) -> int:
        return sum(one.amount_fen or 0 for one in self.ready)


def has_notice(call: Call) -> bool:
    """Return whether what is proposed under this call is published first."""
    return call.stages.filter(kind=StageKind.NOTICE).exists()


def plan_of_notice(call: Call) -> NoticePlan | None:
    """Return what would be published now; None where the call has no public notice."""
    stage = call.stages.filter(kind=StageKind.NOTICE).first()
    if stage is None:
        return None
    days, least = notice_days(stage)
    undecided = Application.objects.filter(
        call=call, state=ApplicationState.IN_REVIEW, current_stage__kind=StageKind.NOTICE
    ).exclude(decisions__state=DecisionState.PENDING)
    return NoticePlan(
        list(_unpublished(call)),
        undecided.count(),
        days,
        least,
        deadline(timezone.localtime(), days),
        budget_of(call),
    )


def _unpublished(call: Call) -> Iterable[Decision]:
    """The pending approvals that stand in no notice."""
    standing = NoticeLine.objects.standing().filter(application__call=call).values("application_id")
    return (
        Decision.objects.filter(application__call=call, state=DecisionState.PENDING, verdict=Verdict.APPROVE)
        .exclude(application__in=standing)
        .select_related(
            "decided_by",
            "application__call",
            "application__current_stage",
            "application__organisation",
            "application__project__university",
            "application__project__faculty",
        )
        .order_by("application__number")
    )


def publish_notice(call: Call, *, actor: User, seen: Collection[str] | None = None) -> PublicNotice:
    """Publish the pending approvals of ``call`` that stand in no notice yet, and return the notice.

    ``seen`` are the ``seen_of`` each that the page showed: raises ``Conflict`` when they are others by now. Raises
    ``DomainError`` when there is nothing to publish or the approvals are above the call's budget.
    """
    require(actor, "funding.publish_notice", call)
    with transaction.atomic():
        Call.objects.select_for_update(of=("self",), no_key=True).get(pk=call.pk)
        call.refresh_from_db(fields=["budget_fen"])
        ids = [one.application_id for one in _unpublished(call)]
        locked = {
            one.pk: one
            for one in Application.objects.select_for_update(of=("self",))
            .select_related(
                "call__lead", "organisation", "project__university", "project__faculty", "current_stage"
            )
            .filter(pk__in=ids)
            .order_by("pk")
        }
        ready = list(_unpublished(call))
        if seen is not None and {seen_of(one) for one in ready} != set(seen):
            raise Conflict(
                _("Nothing was published: someone has decided meanwhile. Look at the list again."),
                code="stale",
                problems=[
                    _changed(Proposal(one.application, one.verdict), one)
                    for one in ready
                    if seen_of(one) not in seen
                ],
            )
        if not ready:
            raise DomainError(_("No approval is pending that is not published yet."), code="nothing")
        refuse_conflicted(locked.values(), actor)
        refuse_over_budget(call)
        return post_notice(
            call, {locked[one.application_id]: one.amount_fen or 0 for one in ready}, actor=actor
        )


def refuse_over_budget(call: Call, pending_fen: int | None = None) -> None:
    """Raise ``DomainError`` when what is granted and these pending approvals (all, unless told) exceed the budget."""
    held = budget_of(call)
    asked = held.pending if pending_fen is None else pending_fen
    over = Budget(held.total, held.released, asked).over
    if over:
        raise DomainError(
            _(
                "The approvals are %(over)s above the budget of %(call)s. Grant less, put some on the reserve list, or "
                "change the budget."
            )
            % {"over": format_yuan(over), "call": call.code},
            code="over_budget",
        )


def problems_of_notice(decisions: Iterable[Decision]) -> list[Problem]:
    """Return why these pending decisions wait for their public notice: three queries, however many there are."""
    approvals = [one for one in decisions if one.verdict == Verdict.APPROVE]
    calls = set(
        Call.objects.filter(
            pk__in={one.application.call_id for one in approvals}, stages__kind=StageKind.NOTICE
        ).values_list("pk", flat=True)
    )
    approvals = [one for one in approvals if one.application.call_id in calls]
    if not approvals:
        return []
    lines = {
        line.application_id: line
        for line in NoticeLine.objects.standing()
        .filter(application__in=[one.application_id for one in approvals])
        .select_related("notice")
    }
    objected = set(
        Objection.objects.filter(
            line__in=[line.pk for line in lines.values()], upheld__isnull=True
        ).values_list("line_id", flat=True)
    )
    problems = []
    for one in approvals:
        line = lines.get(one.application_id)
        if line is None:
            text = _("%(number)s has not been under public notice.")
        elif line.pk in objected:
            text = _("%(number)s has an open objection to its public notice.")
        elif line.state == NoticeLineState.POSTED:
            text = _("%(number)s is under public notice until %(until)s.")
        elif (line.amount_fen or one.amount_fen or 0) < (one.amount_fen or 0):
            text = _("%(number)s would get more than was published.")
        else:
            continue
        until = f"{timezone.localtime(line.notice.ends_at):%Y-%m-%d}" if line else ""
        problems.append(
            Problem(
                text % {"number": one.application.number, "until": until},
                anchor=f"application-{one.application_id}",
            )
        )
    return problems
