"""Cap tables over rounds, and conversions into shares: whole shares and exact fractions, nothing of the portal.

column(rounds, upto=1)        who holds what after the second round; the percentages add up to 100
convert(...)                  into how many shares a convertible turns, at which price and why
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

# Kind of holder and its key or name: what tells one from another over all rounds.
Holder = tuple[str, str]
HUNDRED: Final = 10_000  # hundredths of a percent
YEAR: Final = 365


@dataclass(frozen=True)
class Issue:
    """Shares that a round gave to one holder."""

    holder: Holder
    shares: int


@dataclass(frozen=True)
class Held:
    """One holder after a round: shares, the exact part of all of them, and that part in hundredths of a percent."""

    holder: Holder
    shares: int
    part: Fraction
    hundredths: int

    @property
    def percent(self) -> str:
        """The part as a percentage with two decimals."""
        return f"{self.hundredths // 100}.{self.hundredths % 100:02d}"

    @property
    def grouped(self) -> str:
        """The shares with their thousands parted."""
        return f"{self.shares:,}"


def held_after(rounds: Sequence[Iterable[Issue]]) -> dict[Holder, int]:
    """Return the shares of each holder after all of ``rounds``, in the order in which they came in."""
    found: dict[Holder, int] = {}
    for issues in rounds:
        for issue in issues:
            if issue.shares <= 0:
                raise ValueError(f"{issue.holder} got {issue.shares} shares")
            found[issue.holder] = found.get(issue.holder, 0) + issue.shares
    return found


def parts_of(shares: Mapping[Holder, int]) -> list[Held]:
    """Return each holder's part, exactly, and in hundredths of a percent that add up to 100 % (largest remainders)."""
    total = sum(shares.values())
    if total == 0:
        return []
    exact = {holder: Fraction(count, total) for holder, count in shares.items()}
    rounded = {holder: int(part * HUNDRED) for holder, part in exact.items()}
    missing = HUNDRED - sum(rounded.values())
    order = sorted(exact, key=lambda holder: (rounded[holder] - exact[holder] * HUNDRED, holder))
    for holder in order[:missing]:
        rounded[holder] += 1
    return [Held(holder, shares[holder], exact[holder], rounded[holder]) for holder in shares]


def table(rounds: Sequence[Iterable[Issue]]) -> list[list[Held]]:
    """Return who holds what after each of ``rounds``."""
    whole = [list(issues) for issues in rounds]
    return [parts_of(held_after(whole[: number + 1])) for number in range(len(whole))]


@dataclass(frozen=True)
class Price:
    """What one share costs by one term, in fen: ``basis`` is round, cap or discount."""

    basis: str
    fen: Fraction


@dataclass(frozen=True)
class Converted:
    """A convertible turned into shares: what was converted, at the lowest of ``prices``, and what no whole share was left for."""

    principal_fen: int
    interest_fen: int
    days: int
    prices: tuple[Price, ...]
    price: Price
    shares: int

    @property
    def amount_fen(self) -> int:
        return self.principal_fen + self.interest_fen

    @property
    def rest_fen(self) -> Fraction:
        return self.amount_fen - self.shares * self.price.fen


def price_of(pre_money_fen: int, shares_before: int) -> Fraction:
    """Return the price of a share in fen: the valuation before the round over the shares there are before it."""
    if pre_money_fen <= 0 or shares_before <= 0:
        raise ValueError("a price needs a valuation and shares above zero")
    return Fraction(pre_money_fen, shares_before)


def convert(
    *,
    principal_fen: int,
    interest_bp: int,
    given_on: date,
    converted_on: date,
    cap_fen: int | None,
    discount_bp: int | None,
    pre_money_fen: int,
    shares_before: int,
) -> Converted:
    """Return what a convertible turns into in a round at ``pre_money_fen`` with ``shares_before`` shares before it.

    Interest is simple, ACT/365, whole fen rounded down. The price is the lowest of: that of the round; the cap over the
    shares before the round; that of the round less the discount (both in hundredths of a percent). Shares are rounded
    down. Conversions of the same round do not count among the shares before it. Raises ``ValueError`` when the round is
    earlier than the money, or a price cannot be told.
    """
    days = (converted_on - given_on).days
    if days < 0:
        raise ValueError("converted before it was given")
    interest = principal_fen * interest_bp * days // (HUNDRED * YEAR)
    whole = price_of(pre_money_fen, shares_before)
    prices = [Price("round", whole)]
    if cap_fen is not None:
        prices.append(Price("cap", price_of(cap_fen, shares_before)))
    if discount_bp is not None:
        prices.append(Price("discount", whole * (HUNDRED - discount_bp) / HUNDRED))
    lowest = min(prices, key=lambda price: price.fen)
    shares = int((principal_fen + interest) / lowest.fen)
    return Converted(principal_fen, interest, days, tuple(prices), lowest, shares)
