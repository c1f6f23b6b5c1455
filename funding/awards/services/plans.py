"""Plan and budget of an award: milestones, tranches, budget categories, and what may be shifted between those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from funding.awards.hooks import spent_of, stops_of_tranche
from funding.awards.models import (
    Agreement,
    Award,
    BudgetCategory,
    BudgetShift,
    Milestone,
    Tranche,
)
from funding.awards.states import AgreementState, AwardState, CategoryKind, MilestoneState
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.policies.services import policy
from park_portal.core.workflow import may, require

# What of a category's planned amount may be shifted out of it, in percent.
SHIFT = "award.category_shift"


def _drafting(award: Award, actor: Actor) -> Agreement:
    """Lock the agreement of ``award`` and return it; raises where it is none to be changed by hand."""
    require(actor, "funding.draft_agreement", award)
    held = Agreement.objects.select_for_update().filter(award=award).first()
    refuse_fixed(award, actor)
    assert held is not None
    return held


def refuse_fixed(thing: Any, actor: Actor) -> None:
    """Raise ``DomainError`` where the plan of ``thing`` (an award, a milestone or a tranche) is not to be changed by hand."""
    award = thing if isinstance(thing, Award) else thing.award
    held = Agreement.objects.filter(award=award).first()
    if held is None:
        raise DomainError(_("Draw the agreement up first."), code="no_agreement")
    if held.state != AgreementState.DRAFT:
        raise IllegalTransition(
            _("The agreement is issued. Take it back, or change it by an amendment once it is signed."),
            state=held.state,
        )


def set_categories(award: Award, *, actor: Actor, amounts: Mapping[str, int]) -> list[BudgetCategory]:
    """Make ``amounts`` ({kind: fen}) the whole budget of ``award`` by categories; those with nothing are left out."""
    with transaction.atomic():
        _drafting(award, actor)
        wanted = {kind: amounts[kind] for kind in CategoryKind.values if amounts.get(kind)}
        before = dict(award.categories.values_list("kind", "amount_fen"))
        award.categories.exclude(kind__in=wanted).delete()
        for kind, amount in wanted.items():
            BudgetCategory.objects.update_or_create(
                award=award, kind=kind, defaults={"amount_fen": amount, "planned_fen": amount}
            )
        record("award.budget", award, actor=actor, before=before, after=wanted)
    return list(award.categories.order_by("pk"))


def add_milestone(award: Award, *, actor: Actor, **values: Any) -> Milestone:
    """Add the next milestone to the plan of ``award``."""
    with transaction.atomic():
        _drafting(award, actor)
        milestone = Milestone(award=award, number=_next(award.milestones), **values)
        checked(milestone)
        milestone.save(force_insert=True)
        record("milestone.add", milestone, actor=actor, after={"title": milestone.title})
    return milestone


def edit_milestone(milestone: Milestone, *, actor: Actor, **values: Any) -> Milestone:
    """Change a milestone while its agreement is being drawn up."""
    return _edit(milestone, "milestone.edit", actor, values)


def refuse_waited_for(milestone: Milestone, actor: Actor) -> None:
    """Raise ``DomainError`` where the plan is fixed, or a tranche waits for ``milestone``."""
    refuse_fixed(milestone, actor)
    if tranche := milestone.tranches.first():
        raise DomainError(
            _("Tranche %(number)s waits for this milestone.") % {"number": tranche.number},
            code="tranche_waits",
        )


def remove_milestone(milestone: Milestone, *, actor: Actor) -> Award:
    """Take a milestone out of the plan; raises ``DomainError`` while a tranche waits for it."""
    with transaction.atomic():
        _drafting(milestone.award, actor)
        refuse_waited_for(milestone, actor)
        record("milestone.remove", milestone, actor=actor, before={"title": milestone.title})
        milestone.delete()
    return milestone.award


def add_tranche(award: Award, *, actor: Actor, **values: Any) -> Tranche:
    """Add the next tranche to the plan of ``award``."""
    with transaction.atomic():
        _drafting(award, actor)
        tranche = Tranche(award=award, number=_next(award.tranches), **values)
        _of_award(tranche)
        checked(tranche)
        tranche.save(force_insert=True)
        record("tranche.add", tranche, actor=actor, after={"amount_fen": tranche.amount_fen})
    return tranche


def edit_tranche(tranche: Tranche, *, actor: Actor, **values: Any) -> Tranche:
    """Change a tranche while its agreement is being drawn up."""
    return _edit(tranche, "tranche.edit", actor, values)


def remove_tranche(tranche: Tranche, *, actor: Actor) -> Award:
    """Take a tranche out of the plan."""
    with transaction.atomic():
        _drafting(tranche.award, actor)
        record("tranche.remove", tranche, actor=actor, before={"amount_fen": tranche.amount_fen})
        tranche.delete()
    return tranche.award


def _edit(thing: Any, action: str, actor: Actor, values: Mapping[str, Any]) -> Any:
    with transaction.atomic():
        _drafting(thing.award, actor)
        held = type(thing).objects.select_for_update().get(pk=thing.pk)
        before = {key: getattr(held, key) for key in values}
        for key, value in values.items():
            setattr(held, key, value)
        _of_award(held)
        checked(held)
        held.save()
        record(action, held, actor=actor, before=before, after=dict(values))
    return held


def _of_award(thing: Any) -> None:
    if isinstance(thing, Tranche):
        if thing.amount_fen is not None and thing.amount_fen <= 0:
            raise DomainError(_("An amount above zero, please."), code="amount", field="amount_fen")
        if thing.milestone is not None and thing.milestone.award_id != thing.award_id:
            raise DomainError(_("This milestone is of another award."), code="other_award", field="milestone")


def _next(rows: Any) -> int:
    last = rows.order_by("-number").values_list("number", flat=True).first()
    return int(last or 0) + 1


# --- what a tranche waits for


def stops_of(tranche: Tranche) -> list[Problem]:
    """Return why ``tranche`` cannot be paid yet: the award, its milestone, earlier reports."""
    award, problems = tranche.award, []
    if award.state != AwardState.RUNNING:
        problems.append(
            Problem(_("The award is not running: %(state)s.") % {"state": award.get_state_display()})
        )
    milestone = tranche.milestone
    if milestone is not None and milestone.state != MilestoneState.MET:
        problems.append(
            Problem(
                _("Milestone %(milestone)s is not met: %(state)s.")
                % {"milestone": milestone, "state": milestone.get_state_display()}
            )
        )
    return [*problems, *stops_of_tranche(tranche)]


def refuse_tranche(tranche: Tranche) -> None:
    """Raise ``DomainError`` with all problems while the conditions of ``tranche`` are not met."""
    if problems := stops_of(tranche):
        raise DomainError(
            _("The conditions of tranche %(number)s are not met.") % {"number": tranche.number},
            code="tranche_stopped",
            problems=problems,
        )


# --- shifting


def shift_categories(
    award: Award,
    *,
    actor: Actor,
    source: BudgetCategory,
    target: BudgetCategory,
    amount_fen: int,
    reason: str,
) -> BudgetShift:
    """Shift ``amount_fen`` fen of the budget from one category to another.

    Out of a category goes at most the share of its planned amount that policy allows; a fund manager may go beyond. To
    indirect costs nothing is shifted. Raises ``DomainError`` for what is not allowed.
    """
    require(actor, "funding.shift_categories", award)
    if source.award_id != award.pk or target.award_id != award.pk:
        raise DomainError(_("Both categories must be of this award."), code="other_award", field="target")
    if source.pk == target.pk:
        raise DomainError(_("Choose another category."), code="same_category", field="target")
    if target.kind == CategoryKind.INDIRECT:
        raise DomainError(_("Nothing may be shifted to indirect costs."), code="indirect", field="target")
    if amount_fen <= 0:
        raise DomainError(_("An amount above zero, please."), code="amount", field="amount_fen")
    with transaction.atomic():
        held = Award.objects.select_for_update().get(pk=award.pk)
        if held.state not in (AwardState.RUNNING, AwardState.SUSPENDED):
            raise IllegalTransition(state=held.state)
        rows = {
            row.pk: row
            for row in BudgetCategory.objects.select_for_update()
            .filter(pk__in=[source.pk, target.pk])
            .order_by("pk")
        }
        one, other = rows[source.pk], rows[target.pk]
        left = one.amount_fen - spent_of(one)
        if amount_fen > left:
            raise DomainError(
                _("%(category)s has %(amount)s left.")
                % {"category": one, "amount": format_yuan(max(0, left))},
                code="not_enough",
                field="amount_fen",
            )
        percent = policy(SHIFT).value
        allowed = int(one.planned_fen * percent / 100)
        before = BudgetShift.objects.filter(source=one).aggregate(sum=Sum("amount_fen"))["sum"] or 0
        if before + amount_fen > allowed and not may(actor, "funding.decide_amendment", held):
            raise DomainError(
                _(
                    "At most %(percent)s %% of what was planned may be shifted out of a category: %(allowed)s here, "
                    "%(before)s of it shifted already. Beyond that, a fund manager shifts."
                )
                % {
                    "percent": f"{percent.normalize():f}",
                    "allowed": format_yuan(allowed),
                    "before": format_yuan(before),
                },
                code="shift_limit",
                field="amount_fen",
            )
        one.amount_fen -= amount_fen
        other.amount_fen += amount_fen
        one.save(update_fields=["amount_fen"])
        other.save(update_fields=["amount_fen"])
        shift = BudgetShift.objects.create(
            award=held,
            source=one,
            target=other,
            amount_fen=amount_fen,
            reason=reason,
            actor_id=actor.pk,
        )
        record(
            "award.shift",
            held,
            actor=actor,
            after={"from": one.kind, "to": other.kind, "amount_fen": amount_fen},
            reason=reason,
        )
    return shift
