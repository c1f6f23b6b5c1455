"""Verdicts, kept pending together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.applications.states import ApplicationState
from funding.calls.states import StageKind
from funding.decisions.models import Decision, Letter
from funding.decisions.states import DecisionState, Verdict
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import Conflict, DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.text import clean
from park_portal.core.workflow import require


@dataclass(frozen=True)
class Proposal:
    """One verdict to be kept pending; ``amount_fen`` only with an approval.

    ``seen`` is the ``seen_of`` the pending verdict that it replaces; None replaces whatever is there.
    """

    application: Application
    verdict: str
    amount_fen: int | None = None
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
    with transaction.atomic():
        ids = sorted({proposal.application.pk for proposal in proposals})
        if len(ids) != len(proposals):
            raise DomainError(_("One application has two verdicts."), code="two_verdicts")
        locked = {
            application.pk: application
            for application in Application.objects.select_for_update(of=("self",))
            .select_related("current_stage", "call")
            .filter(pk__in=ids)
            .order_by("pk")
        }
        problems = [
            problem for p in proposals if (problem := _problem_of(p, locked[p.application.pk])) is not None
        ]
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
        return [_keep(proposal, held.get(proposal.application.pk), actor) for proposal in proposals]


def _is_stale(proposal: Proposal, held: Decision | None) -> bool:
    """Whether someone else decided otherwise in between; the same verdict again (a second click) is no quarrel."""
    if proposal.seen is None or proposal.seen == seen_of(held):
        return False
    values = _values(proposal)
    return held is None or {key: getattr(held, key) for key in values} != values


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


def _problem_of(proposal: Proposal, application: Application) -> Problem | None:
    text = None
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
    return Problem(text % {"number": application.number}, anchor=anchor) if text else None


def _is_decidable(application: Application) -> bool:
    if application.state == ApplicationState.RESERVED:
        return True
    stage = application.current_stage
    return (
        application.state == ApplicationState.IN_REVIEW
        and stage is not None
        and stage.kind == StageKind.DECISION
    )


def _values(proposal: Proposal) -> dict[str, Any]:
    return {
        "verdict": proposal.verdict,
        "amount_fen": proposal.amount_fen if proposal.verdict == Verdict.APPROVE else None,
        "conditions": clean(proposal.conditions),
        "comment_applicant": clean(proposal.comment_applicant),
        "note": clean(proposal.note),
    }


def _keep(proposal: Proposal, decision: Decision | None, actor: User) -> Decision:
    values = _values(proposal)
    if decision is None:
        decision = Decision.objects.create(application=proposal.application, decided_by_id=actor.pk, **values)
        record("decision.propose", decision, actor=actor, after=values)
        return decision
    before = {key: getattr(decision, key) for key in values}
    if before == values:
        return decision
    for key, value in values.items():
        setattr(decision, key, value)
    decision.decided_by_id, decision.decided_at = actor.pk, timezone.now()
    # A letter says what the verdict was; after a change it has to be written and checked anew.
    Letter.objects.filter(decision=decision).delete()
    decision.save()
    record("decision.propose", decision, actor=actor, before=before, after=values)
    return decision


def drop_decision(decision: Decision, *, actor: Actor, seen: str | None = None) -> None:
    """Take a pending verdict back, with its letter; raises ``Conflict`` when it is no longer the one ``seen``."""
    require(actor, "funding.propose_decisions", decision)
    with transaction.atomic():
        held = (
            Decision.objects.select_for_update(of=("self",))
            .select_related("decided_by", "application")
            .filter(pk=decision.pk, state=DecisionState.PENDING)
            .first()
        )
        if held is None:
            raise IllegalTransition()
        if seen is not None and seen != seen_of(held):
            problem = _changed(Proposal(held.application, held.verdict), held)
            raise Conflict(problem.message, code="stale")
        record(
            "decision.drop",
            held,
            actor=actor,
            before={"verdict": held.verdict, "amount_fen": held.amount_fen},
        )
        Letter.objects.filter(decision=held).delete()
        held.delete()
