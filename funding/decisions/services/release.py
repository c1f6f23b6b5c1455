"""Everything released at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.services import notify_of_call
from funding.decisions.models import Decision
from funding.decisions.outcomes import OUTCOMES
from funding.decisions.services.letters import letter_context
from funding.decisions.services.notice import problems_of_notice, refuse_over_budget
from funding.decisions.services.verdicts import Proposal, _changed, hold_calls, seen_of
from funding.decisions.states import DecisionState, LetterState, Verdict
from funding.reviews.services import complete_decision, refuse_conflicted
from park_portal.core.audit.services import Actor
from park_portal.core.errors import Conflict, DomainError, Problem
from park_portal.core.workflow import advance, require

_TRANSITION_OF = {Verdict.APPROVE: "approve", Verdict.RESERVE: "reserve", Verdict.DECLINE: "decline"}
_NOTICE_OF = {
    Verdict.APPROVE: "decision.approved",
    Verdict.RESERVE: "decision.reserved",
    Verdict.DECLINE: "decision.declined",
}


def problems_of_release(decisions: Iterable[Decision]) -> list[Problem]:
    """Return why these pending decisions cannot be released yet: a letter missing or not checked, a notice not over."""
    decisions = list(decisions)
    problems = problems_of_notice(decisions)
    for decision in decisions:
        letter = getattr(decision, "letter", None)
        number = {"number": decision.application.number}
        if letter is None:
            problems.append(
                Problem(
                    _("%(number)s has no letter yet.") % number,
                    anchor=f"application-{decision.application_id}",
                )
            )
        elif letter.state != LetterState.CHECKED:
            problems.append(
                Problem(
                    _("The letter of %(number)s is not checked yet.") % number,
                    anchor=f"application-{decision.application_id}",
                )
            )
    return problems


def release_decisions(
    decisions: Iterable[Decision], *, actor: Actor, seen: Collection[str] | None = None
) -> list[Decision]:
    """Release these pending decisions together: states, letters, awards and notices in one transaction, or nothing.

    Decisions that are released already are left alone, so a second click changes nothing. Raises ``DomainError`` with a
    problem for each letter that is not checked and each public notice that is not over, when the approvals are above the
    budget, and ``Conflict`` with one for each verdict that is not among those
    ``seen`` (``seen_of`` each; None asks for no such look).
    """
    require(actor, "funding.release_decisions")
    ids = sorted({decision.pk for decision in decisions})
    with transaction.atomic():
        # The same lock order as everywhere: the call, then applications by id.
        hold_calls(Application.objects.filter(decisions__in=ids).values_list("pk", flat=True))
        list(
            Application.objects.select_for_update(of=("self",))
            .filter(decisions__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        waiting = list(
            Decision.objects.select_for_update(of=("self",))
            .filter(pk__in=ids, state=DecisionState.PENDING)
            .select_related(
                "letter",
                "decided_by",
                "application__call__fund",
                "application__organisation",
                "application__project",
            )
            .order_by("application_id")
        )
        if changed := [one for one in waiting if seen is not None and seen_of(one) not in seen]:
            raise Conflict(
                gettext_lazy("Nothing was released: someone has decided meanwhile. Look at the list again."),
                code="stale",
                problems=[_changed(Proposal(one.application, one.verdict), one) for one in changed],
            )
        refuse_conflicted([one.application for one in waiting], actor)
        if problems := problems_of_release(waiting):
            raise DomainError(
                gettext_lazy("Nothing was released: letters or public notices are not ready."),
                code="letters",
                problems=problems,
            )
        approved: dict[Call, int] = {}
        for one in waiting:
            if one.verdict == Verdict.APPROVE:
                call = one.application.call
                approved[call] = approved.get(call, 0) + (one.amount_fen or 0)
        for call, amount in approved.items():
            call.refresh_from_db(fields=["budget_fen"])
            refuse_over_budget(call, amount)
        for decision in waiting:
            _release(decision, actor)
    return waiting


def _release(decision: Decision, actor: Actor) -> None:
    now = timezone.now()
    application = decision.application
    verdict = Verdict(decision.verdict)
    from_review = application.state == ApplicationState.IN_REVIEW
    advance(
        application,
        _TRANSITION_OF[verdict],
        actor=actor,
        changes={"decided_at": now, "current_stage": None, "due_at": None},
        amount_fen=decision.amount_fen,
    )
    advance(decision, "release", actor=actor, changes={"released_at": now})
    advance(decision.letter, "release", actor=actor, changes={"released_at": now})
    if from_review:
        complete_decision(application, actor=actor)
    if verdict == Verdict.APPROVE:
        OUTCOMES[application.call.outcome].open(decision, actor=actor)
    context = letter_context(decision)
    notify_of_call(
        application.call,
        _NOTICE_OF[verdict],
        recipients=application.people(),
        key=str(decision.pk),
        link=reverse("decisions:outcome", args=[application.pk]),
        context=context,
    )
