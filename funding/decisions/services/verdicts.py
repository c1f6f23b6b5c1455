"""Verdicts, kept pending together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.decisions.models import Decision, Letter
from funding.decisions.services.ranking import ON_THE_BOARD, ranking, reserves_of
from funding.decisions.states import DecisionState, Verdict
from funding.reviews.models import NoticeLine
from funding.reviews.services import on_taken_out, refuse_conflicted
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import Conflict, DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.text import clean
from park_portal.core.workflow import require


@dataclass(frozen=True)
class Proposal:
    """One verdict to be kept pending; ``amount_fen`` only with an approval.

    ``amount_reason`` says why it is less than what was asked for; ``reserve_place`` where a reserve stands on its list,
    counted from 1 (None: where it stands, or behind all others).

    ``seen`` is the ``seen_of`` the pending verdict that it replaces; None replaces whatever is there.
    """

    application: Application
    verdict: str
    amount_fen: int | None = None
    amount_reason: str = ""
    reserve_place: int | None = None
    conditions: str = ""
    comment_applicant: str = ""
    note: str = ""
    seen: str | None = None


def seen_of(decision: Decision | None) -> str:
    """Return what tells this verdict from the one before it and after it; an empty text for none."""
    return f"{decision.pk}-{decision.decided_at.isoformat()}" if decision is not None else ""


def propose_decisions(proposals: Sequence[Proposal], *, actor: User) -> list[Decision]:
    """Keep these verdicts pending, all or none; a pending verdict of an application is replaced.

    Raises ``DomainError`` with a problem for each application that cannot be decided now, and ``Conflict`` with one for
    each on which someone else decided since ``seen``.
    """
    require(actor, "funding.propose_decisions")
    refuse_conflicted([proposal.application for proposal in proposals], actor)
    with transaction.atomic():
        ids = sorted({proposal.application.pk for proposal in proposals})
        if len(ids) != len(proposals):
            raise DomainError(_("One application has two verdicts."), code="two_verdicts")
        hold_calls(ids)
        locked = {
            application.pk: application
            for application in Application.objects.select_for_update(of=("self",))
            .select_related("current_stage", "call")
            .filter(pk__in=ids)
            .order_by("pk")
        }
        lines = {
            line.application_id: line for line in NoticeLine.objects.standing().filter(application__in=ids)
        }
        problems = [
            problem
            for p in proposals
            if (problem := _problem_of(p, locked[p.application.pk], lines.get(p.application.pk))) is not None
        ]
        problems += _out_of_turn(proposals, locked)
        if problems:
            raise DomainError(
                _("Nothing was kept: some verdicts are not possible."), code="verdicts", problems=problems
            )
        held = {
            decision.application_id: decision
            for decision in Decision.objects.select_for_update(of=("self",))
            .filter(application__in=ids, state=DecisionState.PENDING)
            .select_related("decided_by")
            .order_by("pk")
        }
        if changed := [
            _changed(p, held.get(p.application.pk))
            for p in proposals
            if _is_stale(p, held.get(p.application.pk))
        ]:
            raise Conflict(
                _("Nothing was kept: someone else has decided meanwhile."), code="stale", problems=changed
            )
        kept = [_keep(proposal, held.get(proposal.application.pk), actor) for proposal in proposals]
        number_reserves(
            {application.call_id: application.call for application in locked.values()}.values(),
            {p.application.pk: p.reserve_place for p in proposals if p.reserve_place},
        )
        return kept


def hold_calls(applications: Iterable[int]) -> None:
    """Lock the calls of these applications, before the applications: whoever decides or publishes comes one by one."""
    list(
        Call.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=Application.objects.filter(pk__in=list(applications)).values("call_id"))
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def number_reserves(calls: Iterable[Call], chosen: Mapping[int, int]) -> None:
    """Number the pending reserves of each call on from those released; ``chosen`` is {application id: place}.

    Of those without a place the better ranked come first. The calls are locked.
    """
    for call in calls:
        pending = list(
            Decision.objects.select_for_update(of=("self",))
            .filter(application__call=call, state=DecisionState.PENDING, verdict=Verdict.RESERVE)
            .order_by("pk")
        )
        if not pending:
            continue
        first = (
            Decision.objects.filter(
                application__call=call, state=DecisionState.RELEASED, verdict=Verdict.RESERVE
            ).aggregate(last=Max("reserve_place"))["last"]
            or 0
        ) + 1
        ranks: dict[int, int] = {}
        if any(one.reserve_place is None for one in pending):
            ranks = {rank.application.pk: rank.place for rank in ranking(call)}

        def order(one: Decision, ranks: dict[int, int] = ranks) -> tuple[float, int, int]:
            key = one.application_id
            place = chosen.get(key) or one.reserve_place
            return (place or float("inf"), 0 if key in chosen else 1, ranks.get(key, 0))

        for place, one in enumerate(sorted(pending, key=order), first):
            if one.reserve_place != place:
                one.reserve_place = place
                one.save(update_fields=["reserve_place"])


def _out_of_turn(proposals: Sequence[Proposal], locked: Mapping[int, Application]) -> Iterator[Problem]:
    """The reserve list is taken in its order: nobody is approved past a reserve before them."""
    approved = {
        p.application.pk
        for p in proposals
        if p.verdict == Verdict.APPROVE and locked[p.application.pk].state == ApplicationState.RESERVED
    }
    if not approved:
        return
    for call in {locked[pk].call for pk in approved}:
        decided = approved | set(
            Decision.objects.filter(
                application__call=call,
                application__state=ApplicationState.RESERVED,
                state=DecisionState.PENDING,
            ).values_list("application_id", flat=True)
        )
        before: Application | None = None
        for reserve in reserves_of(call):
            if reserve.application_id in approved and before is not None:
                text = _("%(number)s: %(before)s stands before it on the reserve list.")
                numbers = {"number": reserve.application.number, "before": before.number}
                yield Problem(text % numbers, anchor=f"application-{reserve.application_id}")
            if reserve.application_id not in decided:
                before = before or reserve.application


def _is_stale(proposal: Proposal, held: Decision | None) -> bool:
    """Whether someone else decided otherwise in between; the same verdict again (a second click) is no quarrel."""
    if proposal.seen is None or proposal.seen == seen_of(held):
        return False
    return held is None or not _says(held, proposal)


def _says(held: Decision, proposal: Proposal) -> bool:
    values = _values(proposal)
    return {key: getattr(held, key) for key in values} == values and (
        not proposal.reserve_place or held.reserve_place == proposal.reserve_place
    )


def _changed(proposal: Proposal, held: Decision | None) -> Problem:
    number = {"number": proposal.application.number}
    anchor = f"application-{proposal.application.pk}"
    if held is None:
        return Problem(_("%(number)s: the pending verdict was taken back.") % number, anchor=anchor)
    facts = {**number, **decided_facts(held)}
    return Problem(
        _("%(number)s: %(person)s chose “%(verdict)s” on %(when)s.") % facts,
        anchor=anchor,
    )


def decided_facts(decision: Decision) -> dict[str, str]:
    """Return who chose what and when, in words."""
    verdict = decision.get_verdict_display()
    if decision.amount_fen:
        verdict = f"{verdict} · {format_yuan(decision.amount_fen)}"
    return {
        "person": str(decision.decided_by),
        "verdict": verdict,
        "when": f"{timezone.localtime(decision.decided_at):%Y-%m-%d %H:%M}",
    }


def _problem_of(proposal: Proposal, application: Application, line: NoticeLine | None) -> Problem | None:
    text = None
    approves, amount = proposal.verdict == Verdict.APPROVE, proposal.amount_fen or 0
    anchor = f"application-{application.pk}"
    if proposal.verdict not in Verdict.values:
        text = _("%(number)s: choose a verdict.")
    elif not _is_decidable(application):
        text = _("%(number)s is not waiting for a decision.")
    elif application.state == ApplicationState.RESERVED and proposal.verdict == Verdict.RESERVE:
        text = _("%(number)s is on the reserve list already.")
    elif proposal.verdict == Verdict.APPROVE and not proposal.amount_fen:
        text = _("%(number)s: an approval needs an amount above zero.")
    elif (
        proposal.verdict == Verdict.APPROVE
        and application.call.max_amount_fen is not None
        and (proposal.amount_fen or 0) > application.call.max_amount_fen
    ):
        text = _("%(number)s: the amount is above the largest of this call.")
    elif line is not None and not (approves and amount <= (line.amount_fen or amount)):
        text = _(
            "%(number)s stands in a public notice, to be approved with no more than was published. Take it out of the "
            "notice first."
        )
    elif approves and amount < (application.amount_fen or 0) and not clean(proposal.amount_reason).strip():
        text = _("%(number)s: say why it gets less than it asked for.")
    return Problem(text % {"number": application.number}, anchor=anchor) if text else None


def _is_decidable(application: Application) -> bool:
    if application.state == ApplicationState.RESERVED:
        return True
    stage = application.current_stage
    return (
        application.state == ApplicationState.IN_REVIEW and stage is not None and stage.kind in ON_THE_BOARD
    )


def _values(proposal: Proposal) -> dict[str, Any]:
    return {
        "verdict": proposal.verdict,
        "amount_fen": proposal.amount_fen if proposal.verdict == Verdict.APPROVE else None,
        "amount_reason": _reason_of(proposal),
        "conditions": clean(proposal.conditions),
        "comment_applicant": clean(proposal.comment_applicant),
        "note": clean(proposal.note),
    }


def _reason_of(proposal: Proposal) -> str:
    """Why less than asked for, where it is less."""
    asked = proposal.application.amount_fen or 0
    less = proposal.verdict == Verdict.APPROVE and (proposal.amount_fen or 0) < asked
    return clean(proposal.amount_reason).strip() if less else ""


def _keep(proposal: Proposal, decision: Decision | None, actor: User) -> Decision:
    values = _values(proposal)
    if decision is None:
        decision = Decision.objects.create(application=proposal.application, decided_by_id=actor.pk, **values)
        record("decision.propose", decision, actor=actor, after=values)
        return decision
    before = {key: getattr(decision, key) for key in values}
    if _says(decision, proposal):
        return decision
    if proposal.verdict != Verdict.RESERVE:
        decision.reserve_place = None
    for key, value in values.items():
        setattr(decision, key, value)
    decision.decided_by_id, decision.decided_at = actor.pk, timezone.now()
    if before != values:
        # A letter says what the verdict was; after a change it has to be written and checked anew.
        Letter.objects.filter(decision=decision).delete()
    decision.save()
    record("decision.propose", decision, actor=actor, before=before, after=values)
    return decision


def drop_decision(decision: Decision, *, actor: Actor, seen: str | None = None) -> None:
    """Take a pending verdict back, with its letter; raises ``Conflict`` when it is no longer the one ``seen``."""
    require(actor, "funding.propose_decisions", decision)
    with transaction.atomic():
        hold_calls([decision.application_id])
        held = (
            Decision.objects.select_for_update(of=("self",))
            .select_related("decided_by", "application__call")
            .filter(pk=decision.pk, state=DecisionState.PENDING)
            .first()
        )
        if held is None:
            raise IllegalTransition()
        if seen is not None and seen != seen_of(held):
            problem = _changed(Proposal(held.application, held.verdict), held)
            raise Conflict(problem.message, code="stale")
        if NoticeLine.objects.standing().filter(application=held.application_id).exists():
            raise DomainError(
                _("%(number)s stands in a public notice. Take it out of the notice first.")
                % {"number": held.application.number},
                code="under_notice",
            )
        _drop(held, actor=actor)


def drop_of_notice(application: Application, *, actor: Actor) -> None:
    """Take the pending approval of an application back that was taken out of its public notice."""
    held = (
        Decision.objects.select_for_update(of=("self",))
        .select_related("application__call")
        .filter(application=application, state=DecisionState.PENDING, verdict=Verdict.APPROVE)
        .first()
    )
    if held is not None:
        _drop(held, actor=actor)


on_taken_out.append(drop_of_notice)


def _drop(held: Decision, *, actor: Actor) -> None:
    record(
        "decision.drop",
        held,
        actor=actor,
        before={"verdict": held.verdict, "amount_fen": held.amount_fen},
    )
    Letter.objects.filter(decision=held).delete()
    call, reserved = held.application.call, held.verdict == Verdict.RESERVE
    held.delete()
    if reserved:
        number_reserves([call], {})
