"""What funds hold: valuations, distributions, returns on a day, runway alerts."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from funding.deals import services
from funding.deals.tasks import warn_of_runways
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from park_portal.core.policies.services import replace_policy
from tests.factories.core import make_staff
from tests.factories.deals import WAN, invest, make_mandate, make_market_fund, make_startup

pytestmark = pytest.mark.django_db

Y0, Y1, Y2 = date(2024, 1, 2), date(2025, 1, 1), date(2026, 1, 1)  # 365 days each


@pytest.fixture
def manager():
    return make_staff("fund_manager")


@pytest.fixture
def held():
    """A fund that put ¥1,000,000 into a company on the first day."""
    return invest(on=Y0, amount_fen=100 * WAN)


def test_holding_counts_at_cost_until_it_is_valued(manager, held):
    fund, company = held.fund, held.round.company
    (one,) = services.portfolio_of(fund, Y1).holdings
    assert (one.company, one.is_at_cost, one.returns.value_fen, one.returns.moic) == (
        company,
        True,
        100 * WAN,
        1,
    )
    values = {"fund": fund, "company": company, "actor": manager, "method": "last_round"}
    services.add_valuation(on=Y1, value_fen=150 * WAN, **values)
    services.add_valuation(on=Y1, value_fen=125 * WAN, **values)  # puts the other right
    (one,) = services.portfolio_of(fund, Y1).holdings
    assert (one.returns.value_fen, one.returns.moic) == (125 * WAN, Fraction(5, 4))
    assert one.returns.irr.value == pytest.approx(0.25)
    (before,) = services.portfolio_of(fund, Y1 - timedelta(days=1)).holdings
    assert before.is_at_cost
    assert services.portfolio_of(fund, Y0 - timedelta(days=1)).holdings == []


def test_returns_of_a_fund_add_up_its_holdings(manager, held):
    """1,000,000 + 1,000,000 put in; 500,000 came back after a year; after two years 1,100,000 and 1,650,000 are held."""
    fund, company = held.fund, held.round.company
    other = invest(fund, on=Y1, amount_fen=100 * WAN).round.company
    services.add_distribution(
        actor=manager, fund=fund, company=company, on=Y1, kind="dividend", amount_fen=50 * WAN
    )
    wrong = services.add_distribution(
        actor=manager, fund=fund, company=company, on=Y1, kind="sale", amount_fen=7 * WAN
    )
    services.reverse_distribution(wrong, actor=manager, reason="属于另一基金")
    for row, value in ((company, 110 * WAN), (other, 165 * WAN)):
        services.add_valuation(
            actor=manager, fund=fund, company=row, on=Y2, method="comparables", value_fen=value
        )
    found = services.portfolio_of(fund, Y2)
    whole = found.returns
    assert (whole.cost_fen, whole.distributed_fen, whole.value_fen) == (200 * WAN, 50 * WAN, 275 * WAN)
    assert (whole.moic, whole.dpi, whole.tvpi) == (Fraction(325, 200), Fraction(1, 4), Fraction(13, 8))
    # −100 − 50x + 275x² = 0: x = (50 + √112500) / 550.
    assert whole.irr.value == pytest.approx(550 / (50 + 112_500**0.5) - 1)
    # −100 + 50x + 110x² = 0: x = (−50 + √46500) / 220.
    assert found.holdings[0].returns.irr.value == pytest.approx(220 / (46_500**0.5 - 50) - 1)
    assert found.holdings[1].returns.irr.value == pytest.approx(0.65)


def test_written_off_holding_has_no_rate(manager, held):
    services.add_valuation(
        actor=manager, fund=held.fund, company=held.round.company, on=Y1, method="written_off", value_fen=0
    )
    (one,) = services.portfolio_of(held.fund, Y1).holdings
    assert (one.returns.moic, one.returns.irr.reason) == (0, "no_sign_change")
    with pytest.raises(DomainError, match="written off"):
        services.add_valuation(
            actor=manager,
            fund=held.fund,
            company=held.round.company,
            on=Y1,
            method="written_off",
            value_fen=1,
        )


def test_money_after_a_valuation_counts_at_cost(manager, held):
    fund, company = held.fund, held.round.company
    services.add_valuation(
        actor=manager, fund=fund, company=company, on=Y1, method="last_round", value_fen=150 * WAN
    )
    invest(fund, company, on=Y1 + timedelta(days=1), amount_fen=30 * WAN)
    (one,) = services.portfolio_of(fund, Y2).holdings
    assert (one.returns.cost_fen, one.returns.value_fen) == (130 * WAN, 180 * WAN)


def test_only_what_is_held_is_valued_and_by_whom_it_may(manager, held):
    values = {"method": "last_round", "value_fen": 1, "on": Y1}
    with pytest.raises(DomainError, match="held nothing"):
        services.add_valuation(actor=manager, fund=make_market_fund(), company=held.round.company, **values)
    with pytest.raises(DomainError, match="future"):
        services.add_valuation(
            actor=manager,
            fund=held.fund,
            company=held.round.company,
            **{**values, "on": timezone.localdate() + timedelta(days=1)},
        )
    with pytest.raises(Forbidden):
        services.add_valuation(
            actor=make_staff("officer"), fund=held.fund, company=held.round.company, **values
        )


def test_distribution_is_taken_back_once(manager, held):
    paid = services.add_distribution(
        actor=manager, fund=held.fund, company=held.round.company, on=Y1, kind="sale", amount_fen=5
    )
    back = services.reverse_distribution(paid, actor=manager, reason="重复")
    for row in (paid, back):
        with pytest.raises(DomainError, match="taken back already"):
            services.reverse_distribution(row, actor=manager, reason="重复")
    assert services.portfolio_of(held.fund, Y1).returns.distributed_fen == 0


def figure(company, cash, burn, on=None):
    return services.add_runway_figure(
        actor=SYSTEM, company=company, on=on or timezone.localdate(), cash_fen=cash, burn_fen=burn
    )


def test_companies_short_of_cash_are_told_of_once_a_figure(manager, held):
    company = held.round.company
    yesterday = timezone.localdate() - timedelta(days=1)
    figure(company, 599, 100, yesterday)
    figure(make_startup(), 1, 100)  # nobody holds a part of it
    figure(invest(on=Y0).round.company, 600, 100)  # just enough
    figure(invest(on=Y0).round.company, 5, 0)  # lives on what it earns
    (short,) = services.short_runways()
    assert (short.fund, short.figure.company, short.months) == (held.fund, company, "5.9")
    assert warn_of_runways() == 1
    assert warn_of_runways() == 1
    rows = Message.objects.filter(key__startswith="deal.runway:")
    (message,) = rows
    assert message.payload["recipients"] == [manager.pk]
    assert message.payload["context"]["months"] == "5.9"
    figure(company, 450, 100)
    warn_of_runways()
    assert rows.all().count() == 2
    figure(company, 1_200, 100)
    assert services.short_runways() == []


def test_limit_is_a_dated_rule(held):
    figure(held.round.company, 800, 100)
    assert services.short_runways() == []
    replace_policy(
        "portfolio.runway_alert_months",
        value=9,
        effective_from=timezone.localdate(),
        source="投委会决议",
        actor=SYSTEM,
    )
    assert [one.months for one in services.short_runways()] == ["8.0"]


def test_portfolio_on_its_page_and_by_program(manager, held):
    mandate = make_mandate(held.fund)
    services.add_valuation(
        actor=manager,
        fund=held.fund,
        company=held.round.company,
        on=Y1,
        method="last_round",
        value_fen=125 * WAN,
    )
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(manager)
    page = client.get(
        reverse("admin:funding_mandate_portfolio", args=[mandate.pk]), {"on": "2025-01-01"}
    ).content.decode()
    assert "1.25×" in page
    assert "25.0%" in page
    found = client.get(f"/api/v1/mandates/{mandate.pk}/portfolio/", {"on": "2025-01-01"}).json()
    (line,) = found.pop("holdings")
    assert found == {
        "on": "2025-01-01",
        "cost_fen": 100 * WAN,
        "value_fen": 125 * WAN,
        "distributed_fen": 0,
        "moic": 1.25,
        "dpi": 0.0,
        "tvpi": 1.25,
        "irr": pytest.approx(0.25),
        "irr_reason": None,
    }
    assert (line["company"], line["valued_on"]) == (held.round.company_id, "2025-01-01")
    none = client.get(f"/api/v1/mandates/{mandate.pk}/portfolio/", {"on": "2023-01-01"}).json()
    assert (none["irr"], none["irr_reason"], none["moic"]) == (None, "no_flows", None)
    assert client.get(f"/api/v1/mandates/{mandate.pk}/portfolio/", {"on": "x"}).status_code == 400
    client.force_login(make_staff("finance"))
    assert client.get(f"/api/v1/mandates/{mandate.pk}/portfolio/").status_code == 404
