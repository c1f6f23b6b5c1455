"""Returns of holdings and funds: MOIC, DPI, TVPI and IRR, from dated cash flows; nothing of the portal.

Flows are seen from the fund: money put in is below zero, money got out above. What is still held counts as got out on the
day asked for. The rate is that of r in  sum(flow / (1 + r) ** (days / 365)) = 0  (ACT/365). It need not exist, and need
not be the only one: then no rate is given, but the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

import pyxirr

Flow = tuple[date, int]

NO_FLOWS: Final = "no_flows"
NO_SIGN_CHANGE: Final = "no_sign_change"
ONE_DAY: Final = "one_day"
NO_ROOT: Final = "no_root"
SEVERAL_ROOTS: Final = "several_roots"

# Rates are looked for from −99.9999 % to 100,000,000 % a year, as logarithms of 1 + r.
_LOWEST: Final = math.log(1e-6)
_HIGHEST: Final = math.log(1e6)
_STEPS: Final = 200


@dataclass(frozen=True)
class Rate:
    """An internal rate of return a year: 0.25 is 25 %."""

    value: float


@dataclass(frozen=True)
class NoRate:
    """Why there is no internal rate of return: one of the codes above; ``roots`` are the rates where there are several."""

    reason: str
    roots: tuple[float, ...] = ()


@dataclass(frozen=True)
class Returns:
    """How money put in has done, in fen; the ratios are None where nothing was put in.

    ``moic`` and ``tvpi`` are (got out + still held) / put in, ``dpi`` is got out / put in. Of a holding, and of a fund
    before its own costs, the first two are the same.
    """

    cost_fen: int
    value_fen: int
    distributed_fen: int
    irr: Rate | NoRate

    @property
    def moic(self) -> Fraction | None:
        return Fraction(self.value_fen + self.distributed_fen, self.cost_fen) if self.cost_fen else None

    @property
    def tvpi(self) -> Fraction | None:
        return self.moic

    @property
    def dpi(self) -> Fraction | None:
        return Fraction(self.distributed_fen, self.cost_fen) if self.cost_fen else None


def returns_of(put_in: Iterable[Flow], got_out: Iterable[Flow], *, value_fen: int, on: date) -> Returns:
    """Return how money did until ``on``: amounts in fen, those put in above zero; later flows do not count."""
    paid = [(day, fen) for day, fen in put_in if day <= on]
    got = [(day, fen) for day, fen in got_out if day <= on]
    flows = [*((day, -fen) for day, fen in paid), *got, (on, value_fen)]
    return Returns(
        cost_fen=sum(fen for _day, fen in paid),
        value_fen=value_fen,
        distributed_fen=sum(fen for _day, fen in got),
        irr=irr(flows),
    )


def irr(flows: Iterable[Flow]) -> Rate | NoRate:
    """Return the rate at which ``flows`` are worth nothing today (ACT/365), or why there is none or not one."""
    sums: dict[date, int] = {}
    for day, fen in flows:
        sums[day] = sums.get(day, 0) + fen
    days = sorted(day for day, fen in sums.items() if fen)
    amounts = [sums[day] for day in days]
    if not amounts:
        return NoRate(NO_FLOWS)
    if len(amounts) == 1 and len(sums) == 1:
        return NoRate(ONE_DAY)
    if all(fen > 0 for fen in amounts) or all(fen < 0 for fen in amounts):
        return NoRate(NO_SIGN_CHANGE)
    years = [(day - days[0]).days / 365 for day in days]
    # In u = ln(1 + r) the worth is a sum of exponentials.
    found = _roots([float(fen) for fen in amounts], [-year for year in years])
    if not found:
        return NoRate(NO_ROOT)
    rates = tuple(math.expm1(root) for root in found)
    if len(rates) > 1:
        return NoRate(SEVERAL_ROOTS, rates)
    rate = pyxirr.xirr(days, amounts, guess=rates[0], day_count=pyxirr.DayCount.ACT_365F, silent=True)
    return Rate(
        round(rate if rate is not None and math.isclose(rate, rates[0], abs_tol=1e-6) else rates[0], 12)
    )


def _roots(factors: Sequence[float], powers: Sequence[float]) -> list[float]:
    """Return all u, in order, at which  sum(factor * exp(power * u))  is zero, from ``_LOWEST`` to ``_HIGHEST``.

    Divided by its first term, the sum has a derivative with one term less, whose roots are found in the same way: between
    two of them the sum goes one way only, and has one root or none (Rolle's theorem; this is how Descartes' rule of signs
    is proved for such sums).
    """
    if len(factors) < 2:
        return []
    moved = [power - powers[0] for power in powers]

    def worth(u: float) -> float:
        return math.fsum(f * math.exp(p * u) for f, p in zip(factors, moved, strict=True))

    def size(u: float) -> float:
        return math.fsum(abs(f) * math.exp(p * u) for f, p in zip(factors, moved, strict=True))

    turns = _roots([f * p for f, p in zip(factors[1:], moved[1:], strict=True)], moved[1:])
    ends = [_LOWEST, *turns, _HIGHEST]
    # A turning point that touches zero is a root, twice over but one rate.
    values = [0.0 if abs(worth(u)) < 1e-12 * size(u) else worth(u) for u in ends]
    found = [u for u, value in zip(ends, values, strict=True) if value == 0.0]
    for low, high, left, right in zip(ends, ends[1:], values, values[1:], strict=False):
        if left * right < 0:
            found.append(_bisected(worth, low, high, left))
    return sorted(found)


def _bisected(worth: Callable[[float], float], low: float, high: float, left: float) -> float:
    for _step in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (worth(middle) < 0) == (left < 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2
