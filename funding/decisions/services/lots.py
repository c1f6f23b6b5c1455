"""What is put on record of a ranking: the calculation itself, and lots drawn among those who cannot be told apart."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from funding.calls.models import Call
from funding.calls.states import Scoring
from funding.decisions.services.ranking import Rank, draw_line, ranking
from funding.decisions.services.standing import Standing, standing_of
from funding.reviews.models import Calculation, fingerprint
from funding.reviews.services import (
    WEIGHTS,
    Hand,
    Ratings,
    in_words,
    kept_from,
    ratings_of,
    refuse_conflicted,
)
from funding.reviews.standing import lot, lottery
from funding.reviews.states import CalculationKind
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import DomainError
from park_portal.core.text import clean
from park_portal.core.workflow import require

MAY = "funding.propose_decisions"
LONGEST_SEED = 64


@dataclass(frozen=True)
class Table:
    """The ranked table of one call with all that is worked out for it."""

    ranks: list[Rank]
    ratings: Ratings
    standing: Standing

    @property
    def hands(self) -> tuple[Hand, ...]:
        """How each reviewer marks; nothing for whom a line is closed, who would learn there who reviewed it."""
        return () if any(rank.closed for rank in self.ranks) else self.ratings.hands

    @property
    def thin(self) -> list[str]:
        """Why some of these applications keep their plain mean where the call calibrates, a sentence each."""
        return in_words(rank.rating.reason for rank in self.ranks if rank.rating is not None)

    @property
    def groups(self) -> int:
        """How many groups that share no reviewer the calibrated ones of these applications fall into."""
        shown = {rank.application.pk for rank in self.ranks}
        if self.ratings.method != Scoring.CALIBRATED:
            return 0
        return sum(one.is_sound and not shown.isdisjoint(one.applications) for one in self.ratings.components)


def table_of(call: Call, viewer: User | None = None) -> Table:
    """Return the ranked table of ``call``, in a fixed number of queries.

    For a ``viewer`` the lines are closed from which a conflict of interest keeps that person.
    """
    ratings = ratings_of(call)
    ranks = ranking(call, ratings)
    standing = standing_of(call, ranks, ratings)
    for rank in standing.tied:
        rank.is_tied = True
    for rank in ranks:
        rank.chance = standing.chances.get(rank.application.pk)
    if viewer is not None:
        closed = kept_from(viewer, [rank.application.pk for rank in ranks])
        for rank in ranks:
            if rank.application.pk in closed:
                rank.close(closed[rank.application.pk])
        if closed:
            draw_line(ranks, call.budget_fen)
    return Table(ranks, ratings, standing)


# --- the calculation -----------------------------------------------------------------------------------------------


def record_ranking(call: Call, *, actor: User) -> list[Calculation]:
    """Put values and chances as they stand now on record, once for the same scores, amounts and budget.

    Raises ``DomainError`` where there is no score yet.
    """
    require(actor, MAY)
    with transaction.atomic():
        _lock(call)
        table = table_of(call)
        refuse_conflicted((rank.application for rank in table.ranks), actor)
        if table.ratings.calibration is None:
            raise DomainError(_("There is no score yet to work anything out from."), code="no_scores")
        numbers = {rank.application.pk: rank.application.number for rank in table.ranks}
        kept = [_keep(call, CalculationKind.RATING, _rating_facts(table.ratings, numbers), actor)]
        if table.standing.chances:
            kept.append(_keep(call, CalculationKind.CHANCES, _chance_facts(call, table, numbers), actor))
        return kept


def _keep(call: Call, kind: str, facts: dict[str, Any], actor: User) -> Calculation:
    last = Calculation.objects.filter(call=call, kind=kind).order_by("-pk").first()
    same = ("method", "seed", "inputs_sha256")
    if last is not None and all(getattr(last, name) == facts[name] for name in same):
        return last
    made = Calculation.objects.create(call=call, kind=kind, made_by_id=actor.pk, **facts)
    record("calculation.keep", made, actor=actor, after={name: facts[name] for name in same})
    return made


def _rating_facts(ratings: Ratings, numbers: dict[int, str | None]) -> dict[str, Any]:
    found = ratings.calibration
    assert found is not None
    return {
        "method": ratings.method,
        "seed": "",
        "inputs_sha256": fingerprint(ratings.inputs),
        "parameters": {"weights": {str(int(level)): weight for level, weight in WEIGHTS.items()}},
        "result": {
            "values": _named(found.values, numbers),
            "stderr": _named(found.stderr, numbers),
            "plain": _named(found.plain, numbers),
            "severity": _rounded(found.severity),
            "severity_stderr": _rounded(found.severity_stderr),
            "noise": found.noise,
            "spread": found.spread,
            "components": [
                {
                    "applications": len(one.applications),
                    "reviewers": len(one.reviewers),
                    "scores": one.scores,
                    "degrees": one.degrees,
                    "reason": one.reason,
                }
                for one in ratings.components
            ],
        },
    }


def _chance_facts(call: Call, table: Table, numbers: dict[int, str | None]) -> dict[str, Any]:
    amounts = {
        str(rank.application.number): rank.amount_fen
        for rank in table.ranks
        if rank.application.pk in table.standing.chances
    }
    line = {"budget_fen": call.budget_fen, "amounts_fen": amounts, "draws": table.standing.draws}
    return {
        "method": table.ratings.method,
        "seed": table.standing.seed,
        "inputs_sha256": fingerprint([table.ratings.inputs, line]),
        "parameters": line,
        "result": {
            "chances": _named(table.standing.chances, numbers),
            "cannot_be_told_apart": table.standing.numbers,
        },
    }


def _named(values: dict[Any, Any], numbers: dict[int, str | None]) -> dict[str, Any]:
    """By number of application, rounded; those that are no longer ranked are left out."""
    return _rounded({numbers[key]: value for key, value in values.items() if key in numbers})


def _rounded(values: dict[Any, Any]) -> dict[str, Any]:
    return {str(key): None if value is None else round(value, 6) for key, value in values.items()}


# --- lots ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lottery:
    """The last lottery of a call: announced, and perhaps drawn.

    ``numbers`` take part; ``source`` says where the seed comes from; ``lots`` are (number, its lot) in the order drawn.
    """

    announced: Calculation
    drawn: Calculation | None

    @property
    def numbers(self) -> list[str]:
        return list(self.announced.parameters["numbers"])

    @property
    def source(self) -> str:
        return str(self.announced.parameters["source"])

    @property
    def lots(self) -> list[tuple[str, str]]:
        return [(one["number"], one["lot"]) for one in self.drawn.result["order"]] if self.drawn else []

    @property
    def commands(self) -> list[str]:
        """Return what to type in a shell to see each lot."""
        if self.drawn is None:
            return []
        return [
            f"printf %s {shlex.quote(f'{self.drawn.seed}|{number}')} | sha256sum" for number in self.numbers
        ]

    @property
    def order(self) -> list[str]:
        return [number for number, _lot in self.lots]


def lottery_of(call: Call) -> Lottery | None:
    """Return the last lottery of ``call``, in one query."""
    rows = list(
        Calculation.objects.filter(call=call, kind=CalculationKind.LOTTERY)
        .select_related("made_by")
        .order_by("-pk")[:2]
    )
    if not rows:
        return None
    if "announced" in rows[0].parameters:
        return Lottery(rows[1], rows[0])
    return Lottery(rows[0], None)


def announce_lottery(call: Call, *, actor: User, source: str) -> Lottery:
    """Put on record who takes part in a lottery, and where its seed will come from, before anybody can know the seed.

    Raises ``DomainError`` when nobody needs one, without a ``source``, or when those were announced or drawn already.
    """
    require(actor, MAY)
    source = clean(source).strip()
    with transaction.atomic():
        _lock(call)
        numbers = _tied(call, actor)
        if not source:
            raise DomainError(_("Say where the seed will come from."), code="no_source", field="source")
        held = lottery_of(call)
        if held is not None and held.numbers == numbers:
            if held.drawn is not None:
                raise DomainError(_("Lots among these were drawn already."), code="drawn")
            raise DomainError(_("A lottery among these is announced already."), code="announced")
        made = Calculation.objects.create(
            call=call,
            kind=CalculationKind.LOTTERY,
            method="sha256(seed|number)",
            inputs_sha256=fingerprint([numbers, source]),
            parameters={"numbers": numbers, "source": source},
            made_by_id=actor.pk,
        )
        record("calculation.announce", made, actor=actor, after={"numbers": numbers, "source": source})
        return Lottery(made, None)


def draw_lottery(call: Call, *, actor: User, seed: str) -> Lottery:
    """Draw the lots that were announced: smallest sha256(seed|number) first.

    Raises ``DomainError`` when none is announced, without a ``seed``, when they were drawn, or when others than those
    announced cannot be told apart by now.
    """
    require(actor, MAY)
    seed = clean(seed).strip()
    with transaction.atomic():
        _lock(call)
        held = lottery_of(call)
        if held is None:
            raise DomainError(_("Announce the lottery first."), code="not_announced")
        if held.drawn is not None:
            raise DomainError(_("Lots among these were drawn already."), code="drawn")
        if not seed or len(seed) > LONGEST_SEED:
            raise DomainError(
                _("The seed has between 1 and %(most)d characters.") % {"most": LONGEST_SEED},
                code="no_seed",
                field="seed",
            )
        if _tied(call, actor) != held.numbers:
            raise DomainError(
                _(
                    "Since the announcement the ranking has changed: others cannot be told apart now. Announce anew."
                ),
                code="changed",
            )
        order = [{"number": number, "lot": lot(number, seed)} for number in lottery(held.numbers, seed)]
        made = Calculation.objects.create(
            call=call,
            kind=CalculationKind.LOTTERY,
            method=held.announced.method,
            seed=seed,
            inputs_sha256=fingerprint([held.numbers, seed]),
            parameters={"announced": held.announced.pk, "numbers": held.numbers},
            result={"order": order},
            made_by_id=actor.pk,
        )
        record(
            "calculation.draw",
            made,
            actor=actor,
            after={"seed": seed, "order": [one["number"] for one in order]},
        )
        return Lottery(held.announced, made)


def _tied(call: Call, actor: User) -> list[str]:
    """Return the sorted numbers of those who cannot be told apart at the line.

    Raises where nobody is tied, and for whom a conflict of interest keeps from any of the ranking.
    """
    table = table_of(call)
    refuse_conflicted((rank.application for rank in table.ranks), actor)
    numbers = table.standing.numbers
    if not numbers:
        raise DomainError(
            _("Nobody stands at the line who cannot be told apart: there is nothing to draw lots for."),
            code="no_ties",
        )
    return sorted(numbers)


def _lock(call: Call) -> None:
    """One at a time puts something on record for a call."""
    Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
