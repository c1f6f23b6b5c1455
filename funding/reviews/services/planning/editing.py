"""Changing a plan by hand: who reads one application, and what that does to the whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.models import AssignmentPlan, PlannedPair, PlanPool, StageRun
from funding.reviews.models.assignment import CONFLICT
from funding.reviews.services.conflicts import conflicts_for, refuse_conflicted
from funding.reviews.services.planning.outcome import Quality, quality_of
from funding.reviews.services.planning.plans import lock_plan
from funding.reviews.states import PairOrigin, PlanState, ReviewerKind
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError, IllegalTransition, Problem, Text
from park_portal.core.workflow import Actor, require


@dataclass(frozen=True)
class Effect:
    """What a change by hand does: the whole plan before and after, the loads that change, what to think of."""

    before: Quality
    after: Quality
    added: tuple[int, ...]
    removed: tuple[int, ...]
    warnings: tuple[Text, ...] = ()

    @property
    def total_change(self) -> float:
        return round(self.after.total - self.before.total, 4)

    @property
    def worst_change(self) -> float:
        return round(self.after.worst - self.before.worst, 4)


def effect_of(plan: AssignmentPlan, run: StageRun, people: Collection[int], *, actor: Actor) -> Effect:
    """Return what it would do to the plan if ``people`` (ids, those asked already left out) read ``run``."""
    refuse_conflicted([run.application], actor)
    pool = PlanPool.objects.get(plan=plan)
    return _effect(plan, pool, run, set(people))


def _effect(plan: AssignmentPlan, pool: PlanPool, run: StageRun, people: set[int]) -> Effect:
    pairs = list(PlannedPair.objects.filter(plan=plan).values_list("run_id", "person_id", "origin"))
    kept = {who for of, who, origin in pairs if of == run.pk and origin == PairOrigin.KEPT}
    held = {who for of, who, _origin in pairs if of == run.pk}
    wanted = people | kept
    before = quality_of(pool, [(of, who) for of, who, _origin in pairs])
    others = [(of, who) for of, who, _origin in pairs if of != run.pk]
    after = quality_of(pool, [*others, *((run.pk, who) for who in sorted(wanted))])
    row = pool.row_of.get(run.pk)
    need = pool.terms["need"][row] if row is not None else plan.asked.per_application
    warnings: list[Text] = []
    if len(wanted) < need:
        warnings.append(
            format_lazy(
                gettext_lazy("The application has {have} reviewers and is to have {need}."),
                have=len(wanted),
                need=need,
            )
        )
    for who in sorted(wanted - held):
        column = pool.column_of.get(who)
        limit = pool.terms["limit"][column] if column is not None else 0
        if after.loads[who] > limit:
            name = User.objects.filter(pk=who).values_list("name", flat=True).first() or ""
            warnings.append(
                format_lazy(
                    gettext_lazy("{person} would read {load} applications; the criteria allow {limit}."),
                    person=name,
                    load=after.loads[who],
                    limit=limit,
                )
            )
    if wanted != held:
        warnings += _beyond_the_options(plan, pool, wanted)
    return Effect(before, after, tuple(sorted(wanted - held)), tuple(sorted(held - wanted)), tuple(warnings))


def _beyond_the_options(plan: AssignmentPlan, pool: PlanPool, wanted: set[int]) -> list[Text]:
    """Return what the criteria asked of each application's reviewers that these do not keep."""
    columns = [pool.column_of[who] for who in wanted if who in pool.column_of]
    found: list[Text] = []
    if plan.asked.one_per_institution:
        at = defaultdict(list)
        for column in columns:
            if (institution := pool.terms["institutions"][column]) is not None:
                at[institution].append(pool.people[column])
        names = dict(
            User.objects.filter(pk__in=[who for some in at.values() if len(some) > 1 for who in some])
            .order_by("pk")
            .values_list("pk", "name")
        )
        for some in at.values():
            if len(some) > 1:
                people = " · ".join(names[who] for who in sorted(some))
                text = gettext_lazy("Of one institution: {people}. The criteria allow one of each.")
                found.append(format_lazy(text, people=people))
    kinds = Counter(pool.terms["kinds"][column] for column in columns)
    for kind, least in plan.asked.mix.items():
        if kinds[kind] < least:
            text = gettext_lazy("{kind}: {have} instead of at least {least}.")
            label = capfirst(ReviewerKind(kind).label)
            found.append(format_lazy(text, kind=label, have=kinds[kind], least=least))
    return found


def change_pairs(
    plan: AssignmentPlan, run: StageRun, people: Sequence[User], *, actor: Actor, revision: int
) -> Effect:
    """Let ``people`` read ``run``, beside those asked already, and return the effect.

    What is chosen by hand may go beyond the loads of the criteria, never across a conflict of interest. Raises
    ``Conflict`` when the plan is no longer what ``revision`` was; then nothing is stored.
    """
    require(actor, "funding.assign_reviews", plan)
    refuse_conflicted([run.application], actor)
    with transaction.atomic():
        held = lock_plan(plan, revision)
        if held.state != PlanState.READY:
            raise IllegalTransition()
        pool = PlanPool.objects.get(plan=held)
        if run.pk not in pool.row_of:
            raise DomainError(_("This application is not part of the assignment."), code="not_in_plan")
        effect = _effect(held, pool, run, {person.pk for person in people})
        _refuse_barred(pool, run, [person for person in people if person.pk in effect.added])
        if not effect.added and not effect.removed:
            return effect
        PlannedPair.objects.filter(plan=held, run=run, person__in=effect.removed).delete()
        row = pool.row_of[run.pk]
        PlannedPair.objects.bulk_create(
            PlannedPair(
                plan=held,
                run=run,
                person_id=who,
                affinity=round(float(pool.matches[row, pool.column_of[who]]), 4),
                origin=PairOrigin.HAND,
            )
            for who in effect.added
        )
        held.figures = {**held.figures, **effect.after.as_json()}
        held.revision += 1
        held.save(update_fields=["figures", "revision"])
        record(
            "assignment_plan.edit",
            held,
            actor=actor,
            before={"run": run.pk, "reviewers": list(effect.removed)},
            after={"run": run.pk, "reviewers": list(effect.added)},
        )
    plan.revision, plan.figures = held.revision, held.figures
    return effect


def _refuse_barred(pool: PlanPool, run: StageRun, added: Sequence[User]) -> None:
    row = pool.row_of[run.pk]
    outside = [person for person in added if person.pk not in pool.column_of]
    if outside:
        raise DomainError(
            _("%(person)s is not in the pool of this assignment.") % {"person": outside[0]},
            code="not_in_pool",
        )
    found = conflicts_for(run.application, added)
    for person in added:
        if person.pk in found or pool.closed[row, pool.column_of[person.pk]] == CONFLICT:
            reasons = found.get(person.pk, [])
            raise DomainError(
                _("%(person)s has a conflict of interest with %(number)s.")
                % {"person": person, "number": run.application.number},
                code="conflict_of_interest",
                problems=[Problem(reason) for reason in reasons],
            )
