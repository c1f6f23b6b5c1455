"""What funds hold: valuations, what came back, returns on a day, and whose cash runs out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.deals.models import Distribution, Investment, RunwayFigure, Valuation
from funding.deals.returns import Flow, Returns, returns_of
from funding.deals.services.flow import person
from funding.deals.states import RoundState
from funding.funds.models import Fund
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError
from park_portal.core.outbox.services import notify
from park_portal.core.policies.services import policy
from park_portal.core.text import both
from park_portal.core.workflow import require

RUNWAY = "portfolio.runway_alert_months"


def _refuse_future(on: date) -> None:
    if on > timezone.localdate():
        raise DomainError(_("The day lies in the future."), code="future", field="on")


def _refuse_not_held(fund: Fund, company: Organisation, on: date) -> None:
    if not Investment.objects.filter(fund=fund, round__company=company, round__closed_on__lte=on).exists():
        raise DomainError(
            _("%(fund)s held nothing of %(company)s on that day.") % {"fund": fund, "company": company},
            code="not_held",
            field="company",
        )


def add_valuation(*, actor: Actor, fund: Fund, company: Organisation, **values: Any) -> Valuation:
    """Note what the holding of ``fund`` in ``company`` is worth on a day; a later note takes its place.

    Raises ``DomainError`` for a day in the future, or one on which the fund held nothing of it.
    """
    require(actor, "funding.keep_portfolio", company)
    row = Valuation(fund=fund, company=company, by=person(actor), **values)
    _refuse_future(row.on)
    _refuse_not_held(fund, company, row.on)
    checked(row)
    with transaction.atomic():
        row.save(force_insert=True)
        record("valuation.add", row, actor=actor, after={"value_fen": row.value_fen, "method": row.method})
    return row


def add_distribution(*, actor: Actor, fund: Fund, company: Organisation, **values: Any) -> Distribution:
    """Note what ``company`` paid to ``fund``; raises as ``add_valuation``."""
    require(actor, "funding.keep_portfolio", company)
    row = Distribution(fund=fund, company=company, by=person(actor), **values)
    _refuse_future(row.on)
    _refuse_not_held(fund, company, row.on)
    checked(row)
    with transaction.atomic():
        row.save(force_insert=True)
        record("distribution.add", row, actor=actor, after={"amount_fen": row.amount_fen, "kind": row.kind})
    return row


def refuse_reversed(distribution: Distribution) -> None:
    """Raise ``DomainError`` for a distribution that was taken back, or takes back another."""
    if distribution.reverses_id is not None or Distribution.objects.filter(reverses=distribution.pk).exists():
        raise DomainError(_("This was taken back already."), code="reversed")


def reverse_distribution(distribution: Distribution, *, actor: Actor, reason: str) -> Distribution:
    """Take back a distribution that was noted by mistake, by a row of its own on the same day.

    Raises ``DomainError`` for one that was taken back, or takes back another.
    """
    require(actor, "funding.keep_portfolio", distribution.company)
    with transaction.atomic():
        held = Distribution.objects.select_for_update().get(pk=distribution.pk)
        refuse_reversed(held)
        row = Distribution.objects.create(
            fund=held.fund,
            company=held.company,
            on=held.on,
            kind=held.kind,
            amount_fen=held.amount_fen,
            note=reason[:400],
            reverses=held,
            by=person(actor),
        )
        record("distribution.reverse", held, actor=actor, reason=reason, after={"by": row.pk})
    return row


# --- how a fund does


@dataclass(frozen=True)
class Holding:
    """What a fund has in one company on a day; amounts in fen."""

    company: Organisation
    returns: Returns
    valued: Valuation | None
    put_in: list[Flow] = field(repr=False)
    got_out: list[Flow] = field(repr=False)

    @property
    def is_at_cost(self) -> bool:
        """Whether nobody has valued it yet: it counts at what was paid for it."""
        return self.valued is None


@dataclass(frozen=True)
class Portfolio:
    """What a fund holds on a day, and how the whole of it has done, before the fund's own costs."""

    fund: Fund
    on: date
    holdings: list[Holding]
    returns: Returns


def portfolio_of(fund: Fund, on: date) -> Portfolio:
    """Return the holdings of ``fund`` at the end of ``on`` with their returns; three queries.

    A holding counts at its last valuation, with what was put in after it at cost, or wholly at cost while there is none.
    What was paid for is dated by the closing of its round.
    """
    put_in: dict[int, list[Flow]] = defaultdict(list)
    companies: dict[int, Organisation] = {}
    investments = Investment.objects.filter(
        fund=fund, round__state=RoundState.CLOSED, round__closed_on__lte=on
    ).select_related("round__company")
    for row in investments.order_by("round__closed_on", "pk"):
        companies[row.round.company_id] = row.round.company
        assert row.round.closed_on is not None
        put_in[row.round.company_id].append((row.round.closed_on, row.amount_fen))
    got_out: dict[int, list[Flow]] = defaultdict(list)
    for paid in Distribution.objects.filter(fund=fund, on__lte=on).order_by("on", "pk"):
        got_out[paid.company_id].append((paid.on, paid.signed_fen))
    valued = {
        row.company_id: row for row in Valuation.objects.filter(fund=fund, on__lte=on).order_by("on", "pk")
    }
    holdings = [
        _holding(company, put_in[pk], got_out[pk], valued.get(pk), on) for pk, company in companies.items()
    ]
    everything = returns_of(
        [flow for one in holdings for flow in one.put_in],
        [flow for one in holdings for flow in one.got_out],
        value_fen=sum(one.returns.value_fen for one in holdings),
        on=on,
    )
    return Portfolio(fund, on, holdings, everything)


def _holding(
    company: Organisation, put_in: list[Flow], got_out: list[Flow], valued: Valuation | None, on: date
) -> Holding:
    since = [fen for day, fen in put_in if valued is None or day > valued.on]
    value = (valued.value_fen if valued else 0) + sum(since)
    return Holding(company, returns_of(put_in, got_out, value_fen=value, on=on), valued, put_in, got_out)


# --- whose cash runs out


@dataclass(frozen=True)
class ShortRunway:
    """One company of a fund whose cash lasts less long than the limit."""

    fund: Fund
    figure: RunwayFigure
    tenths: int

    @property
    def months(self) -> str:
        return f"{self.tenths // 10}.{self.tenths % 10}"


def add_runway_figure(*, actor: Actor, company: Organisation, **values: Any) -> RunwayFigure:
    """Note the cash of a company on a day and what it uses up a month; raises ``DomainError`` for the future."""
    require(actor, "funding.keep_portfolio", company)
    row = RunwayFigure(company=company, by=person(actor), **values)
    _refuse_future(row.on)
    checked(row)
    with transaction.atomic():
        row.save(force_insert=True)
        after = {"on": row.on.isoformat(), "cash_fen": row.cash_fen, "burn_fen": row.burn_fen}
        record("runway.add", row, actor=actor, after=after)
    return row


def short_runways(fund: Fund | None = None, *, on: date | None = None) -> list[ShortRunway]:
    """Return the holdings, of one fund or of all, whose last figure says less months than the dated limit; shortest first."""
    day = on or timezone.localdate()
    limit = policy(RUNWAY, on=day).value
    held = Investment.objects.filter(
        fund__isnull=False, round__state=RoundState.CLOSED, round__closed_on__lte=day
    ).select_related("fund", "round")
    if fund is not None:
        held = held.filter(fund=fund)
    pairs = {(row.fund_id, row.round.company_id): row.fund for row in held}
    figures = RunwayFigure.objects.filter(on__lte=day, company__in={company for _fund, company in pairs})
    last = {row.company_id: row for row in figures.select_related("company").order_by("on", "pk")}
    found = []
    for (_fund, company), owner in pairs.items():
        figure = last.get(company)
        tenths = figure.tenths_left if figure is not None else None
        if figure is not None and owner is not None and tenths is not None and tenths < limit * 10:
            found.append(ShortRunway(owner, figure, tenths))
    return sorted(found, key=lambda one: (one.tenths, one.fund.code, one.figure.pk))


def warn_of_runways() -> int:
    """Tell fund managers of each holding whose cash runs out; once for each figure and fund. Returns how many there are."""
    found = short_runways()
    managers = list(User.objects.with_role(StaffRole.FUND_MANAGER))
    for one in found:
        notify(
            "deal.runway",
            recipients=managers,
            key=f"{one.fund.pk}-{one.figure.pk}",
            link=reverse("admin:funding_runwayfigure_change", args=[one.figure.pk]),
            context={
                "fund": both(lambda one=one: str(one.fund)),  # type: ignore[misc] # of this turn of the loop
                "company": both(lambda one=one: str(one.figure.company)),  # type: ignore[misc] # likewise
                "months": one.months,
                "day": f"{one.figure.on:%Y-%m-%d}",
            },
        )
    return len(found)
