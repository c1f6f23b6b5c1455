"""Rounds of investment: what comes in, what converts, who holds what afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.deals.captable import Converted, Held, Holder, Issue, convert, held_after, price_of, table
from funding.deals.models import Conversion, Investment, Round
from funding.deals.services.flow import person
from funding.deals.states import CONVERTS, Instrument, RoundState
from incubator.organisations.models import Organisation
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.money import format_yuan
from park_portal.core.text import both
from park_portal.core.workflow import advance, require


def add_round(*, actor: Actor, company: Organisation, **values: Any) -> Round:
    """Put a planned round of ``company`` on record."""
    require(actor, "funding.keep_portfolio", company)
    row = Round(company=company, **values)
    checked(row)
    with transaction.atomic():
        row.save(force_insert=True)
        record("funding_round.add", row, actor=actor, after={"name": row.name, "stage": row.stage})
    return row


def add_investment(round_: Round, *, actor: Actor, **values: Any) -> Investment:
    """Note what one investor puts into a planned round, by ``holder`` and terms.

    Where shares are not given for equity, they follow from the valuation before the round, rounded down. Raises
    ``DomainError`` when the terms do not go with the instrument, or the round is not planned any more.
    """
    require(actor, "funding.keep_portfolio", round_)
    row = Investment(round=round_, **values)
    with transaction.atomic():
        held = _planned(round_)
        if row.instrument == Instrument.EQUITY and row.shares is None:
            row.shares = int(row.amount_fen / _price(held)) or None
        checked(row)
        row.save(force_insert=True)
        after = {"holder": row.holder, "instrument": row.instrument, "amount_fen": row.amount_fen}
        record("investment.add", row, actor=actor, after=after)
    return row


def remove_investment(investment: Investment, *, actor: Actor, reason: str) -> None:
    """Take an investment out of a round that is still planned."""
    require(actor, "funding.keep_portfolio", investment.round)
    with transaction.atomic():
        _planned(investment.round)
        before = {"holder": investment.holder, "amount_fen": investment.amount_fen}
        record("investment.remove", investment, actor=actor, before=before, reason=reason)
        investment.delete()


def refuse_closed(investment: Investment) -> None:
    """Raise ``IllegalTransition`` for an investment whose round is not planned any more."""
    if investment.round.state != RoundState.PLANNED:
        raise IllegalTransition(state=investment.round.state)


def refuse_empty(round_: Round) -> None:
    """Raise ``DomainError`` for a round that nobody has invested in."""
    if not round_.investments.exists():
        raise DomainError(_("Nobody has invested in this round yet."), code="empty")


def drop_round(round_: Round, *, actor: Actor, reason: str) -> Round:
    """Give up a planned round."""
    return advance(round_, "drop", actor=actor, reason=reason)


def _planned(round_: Round) -> Round:
    held = Round.objects.select_for_update().get(pk=round_.pk)
    if held.state != RoundState.PLANNED:
        raise IllegalTransition(state=held.state)
    return held


def _price(round_: Round) -> Fraction:
    """Return the price of a share in the round, in fen; raises ``DomainError`` where it cannot be told."""
    shares = sum(held_after([one.issues for one in _closed(round_.company)]).values())
    if round_.pre_money_fen is None or not shares:
        raise DomainError(
            _("Say how many shares: without a valuation and earlier shares there is no price."),
            code="no_price",
            field="shares",
        )
    return price_of(round_.pre_money_fen, shares)


def close_round(round_: Round, *, actor: Actor, on: date, converting: Iterable[Investment] = ()) -> Round:
    """Close a round on ``on``; the convertibles named in ``converting`` become shares in it.

    Raises ``DomainError`` for a round without investments, a day in the future or before an earlier round of the company,
    and for what cannot convert: no valuation, another company's, or converted already.
    """
    if on > timezone.localdate():
        raise DomainError(_("The day lies in the future."), code="future", field="on")
    with transaction.atomic():
        held = Round.objects.select_for_update().select_related("company").get(pk=round_.pk)
        require(actor, "funding.keep_portfolio", held)
        Organisation.objects.select_for_update().get(pk=held.company_id)  # One round of a company at a time.
        earlier = _closed(held.company)
        if held.state == RoundState.PLANNED:
            refuse_empty(held)
            last = earlier[-1].round.closed_on if earlier else None
            if last is not None and last > on:
                raise DomainError(
                    _("A later round was closed on %(day)s.") % {"day": last},
                    code="order",
                    field="on",
                )
            for investment in converting:
                _convert(investment, held, earlier, actor=actor, on=on)
        done = advance(held, "close", actor=actor, changes={"closed_on": on})
    round_.state, round_.closed_on = done.state, done.closed_on
    return done


def _convert(investment: Investment, round_: Round, earlier: list[Closed], *, actor: Actor, on: date) -> None:
    source = investment.round
    if (
        investment.instrument not in CONVERTS
        or source.company_id != round_.company_id
        or source.state != RoundState.CLOSED
        or Conversion.objects.filter(investment=investment).exists()
    ):
        raise DomainError(
            _("%(investment)s cannot convert in this round.") % {"investment": investment},
            code="cannot_convert",
            field="converting",
        )
    shares = sum(held_after([one.issues for one in earlier]).values())
    if round_.pre_money_fen is None or not shares:
        raise DomainError(
            _("Nothing converts without a valuation before the round and shares there were before it."),
            code="no_price",
            field="converting",
        )
    assert source.closed_on is not None
    done = convert(
        principal_fen=investment.amount_fen,
        interest_bp=investment.interest_bp or 0,
        given_on=source.closed_on,
        converted_on=on,
        cap_fen=investment.cap_fen,
        discount_bp=investment.discount_bp,
        pre_money_fen=round_.pre_money_fen,
        shares_before=shares,
    )
    if done.shares == 0:
        raise DomainError(
            _("%(investment)s is less than one share is worth.") % {"investment": investment},
            code="cannot_convert",
            field="converting",
        )
    row = Conversion.objects.create(
        investment=investment,
        round=round_,
        amount_fen=done.amount_fen,
        shares=done.shares,
        basis=done.price.basis,
        worked_out=both(lambda: explain(done)),
        by=person(actor),
    )
    record("conversion.make", row, actor=actor, after={"shares": done.shares, "amount_fen": done.amount_fen})


def explain(done: Converted) -> str:
    """Return in words, in the language being read, how a conversion was worked out."""
    names = {
        "round": _("price of the round"),
        "cap": _("price by the cap"),
        "discount": _("price by the discount"),
    }
    prices = "; ".join(f"{names[price.basis]} {_four(price.fen)}" for price in done.prices)
    return _(
        "%(principal)s and interest of %(interest)s for %(days)s days; %(prices)s. "
        "The lowest counts: %(amount)s / %(price)s = %(shares)s shares, rounded down."
    ) % {
        "principal": format_yuan(done.principal_fen),
        "interest": format_yuan(done.interest_fen),
        "days": done.days,
        "prices": prices,
        "amount": format_yuan(done.amount_fen),
        "price": _four(done.price.fen),
        "shares": f"{done.shares:,}",
    }


def _four(fen: Fraction) -> str:
    """Return a price in yuan with six decimals."""
    return f"¥{float(fen / 100):,.6f}"


# --- who holds what


@dataclass(frozen=True)
class Closed:
    """One closed round with the shares that it gave."""

    round: Round
    investments: list[Investment]
    conversions: list[Conversion]

    @property
    def issues(self) -> list[Issue]:
        bought = [Issue(one.holder_key, one.shares) for one in self.investments if one.shares]
        return bought + [Issue(one.investment.holder_key, one.shares) for one in self.conversions]


@dataclass(frozen=True)
class CapTable:
    """Who holds what of a company after each of its closed rounds, and what may still convert."""

    rounds: list[Closed]
    columns: list[list[Held]]
    names: dict[Holder, str]
    waiting: list[Investment]

    @property
    def lines(self) -> list[tuple[str, list[Held | None]]]:
        """One line a holder: the name, and what is held after each round."""
        after = [{held.holder: held for held in column} for column in self.columns]
        holders = [held.holder for held in self.columns[-1]] if self.columns else []
        return [(self.names[holder], [column.get(holder) for column in after]) for holder in holders]

    @property
    def totals(self) -> list[str]:
        """All shares after each round, with their thousands parted."""
        return [f"{sum(held.shares for held in column):,}" for column in self.columns]


def _closed(company: Organisation) -> list[Closed]:
    rounds = Round.objects.filter(company=company, state=RoundState.CLOSED).order_by("closed_on", "pk")
    rounds = rounds.prefetch_related(
        "investments__fund",
        "investments__organisation",
        "conversions__investment__fund",
        "conversions__investment__organisation",
    )
    return [
        Closed(
            one,
            sorted(one.investments.all(), key=lambda row: row.pk),
            sorted(one.conversions.all(), key=lambda row: row.pk),
        )
        for one in rounds
    ]


def cap_table(company: Organisation) -> CapTable:
    """Return who holds what of ``company`` after each closed round; a fixed number of queries."""
    rounds = _closed(company)
    everything = [row for one in rounds for row in one.investments]
    converted = {row.investment_id for one in rounds for row in one.conversions}
    return CapTable(
        rounds=rounds,
        columns=table([one.issues for one in rounds]),
        names={row.holder_key: row.holder for row in everything},
        waiting=[row for row in everything if row.instrument in CONVERTS and row.pk not in converted],
    )
