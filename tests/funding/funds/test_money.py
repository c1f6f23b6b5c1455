"""Money of a fund: promised, paid in, allotted, held, promised to awards; on any date, and never more than there is."""

from datetime import date

import pytest
from django.urls import reverse
from django.utils import timezone

from funding.awards.models import Award
from funding.awards.services import held_for, lapse_award, open_award, reserve_award, start_award
from funding.decisions import services as decisions
from funding.funds.models import BudgetLine
from funding.funds.services import (
    allot,
    close_budget_year,
    figures_of,
    note_contribution,
    return_allotment,
    shift_allotment,
)
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import Conflict, DomainError, Forbidden
from park_portal.core.ledger.models import Account
from park_portal.core.ledger.services import NotEnough, verify_ledger
from tests.factories.awards import make_signed
from tests.factories.calls import make_commitment, make_fund, make_line
from tests.factories.core import make_staff
from tests.factories.decisions import make_award, make_decision
from tests.factories.reviews import make_review_call

pytestmark = pytest.mark.django_db

WAN = 10_000 * 100  # fen of 10,000 yuan


def shown(fund, on=date(2026, 12, 31)):
    figures = figures_of(fund, on)
    return {name.removesuffix("_fen"): fen // WAN for name, fen in figures.rows.items() if fen}


def test_commitment_is_owed_until_it_is_paid_in():
    fund = make_fund()
    promised = make_commitment(fund, amount_fen=500 * WAN, agreed_on=date(2026, 1, 10))
    finance = make_staff("finance")
    assert shown(fund) == {"promised": 500, "owed": 500, "unallotted": 500}
    values = {"amount_fen": 200 * WAN, "on": date(2026, 3, 1), "bank_reference": "CMB-77"}
    paid = note_contribution(promised, actor=finance, **values)
    assert note_contribution(promised, actor=finance, **values).pk == paid.pk  # the second click
    assert shown(fund) == {"promised": 500, "paid_in": 200, "owed": 300, "cash": 200, "unallotted": 500}
    assert shown(fund, date(2026, 2, 28)) == {"promised": 500, "owed": 500, "unallotted": 500}
    with pytest.raises(Conflict):
        note_contribution(promised, actor=finance, **{**values, "amount_fen": 1})
    with pytest.raises(NotEnough):
        note_contribution(
            promised, actor=finance, **{**values, "amount_fen": 301 * WAN, "bank_reference": "2"}
        )
    with pytest.raises(Forbidden):
        note_contribution(promised, actor=make_staff("fund_manager"), **{**values, "bank_reference": "3"})


def test_budget_lines_share_what_was_promised():
    fund, manager = make_fund(), make_staff("fund_manager")
    make_commitment(fund, amount_fen=500 * WAN)
    one, other = make_line(fund), make_line(fund, purpose="research")
    allot(one, actor=manager, amount_fen=300 * WAN, reason="2026 plan")
    with pytest.raises(NotEnough) as refused:
        allot(other, actor=manager, amount_fen=201 * WAN, reason="too much")
    assert "¥2,000,000.00" in str(refused.value)
    shift_allotment(one, to=other, actor=manager, amount_fen=100 * WAN, reason="council")
    return_allotment(one, actor=manager, amount_fen=50 * WAN, reason="not needed")
    assert [(row.line, row.free_fen // WAN) for row in figures_of(fund, date(2026, 12, 31)).lines] == [
        (other, 100),
        (one, 150),
    ]
    assert shown(fund) == {"promised": 500, "owed": 500, "unallotted": 250, "free": 250}
    with pytest.raises(DomainError):
        shift_allotment(one, to=make_line(), actor=manager, amount_fen=1, reason="another fund")
    with pytest.raises(Forbidden):
        allot(one, actor=make_staff("finance"), amount_fen=1, reason="not theirs")


@pytest.fixture
def line():
    return make_line(allotted=300 * WAN)


@pytest.fixture
def award(line):
    """An award over ¥1,000,000 under a call that names its budget line."""
    return make_award(make_review_call("decision", fund=line.fund, budget_line=line))


def test_money_of_an_award_is_held_then_promised(line, award):
    assert award.budget_line == line
    assert shown(line.fund) == {"promised": 300, "owed": 300, "free": 200, "reserved": 100}
    award = start_award(make_signed(award), actor=make_staff("fund_manager"))
    assert award.state == "running"
    assert shown(line.fund) == {"promised": 300, "owed": 300, "free": 200, "committed": 100}
    assert held_for(award) is None
    assert verify_ledger().findings == []


def test_award_that_lapses_gives_its_money_back(line, award):
    lapse_award(award, actor=make_staff("fund_manager"), reason="not signed")
    assert shown(line.fund) == {"promised": 300, "owed": 300, "free": 300}


def test_approval_beyond_the_budget_line_is_not_released():
    line = make_line(allotted=150 * WAN)
    lead = make_staff("lead")
    call = make_review_call("decision", fund=line.fund, budget_line=line)
    for_release = []
    for _number in range(2):
        decision = make_decision(call=call)
        (letter,) = decisions.write_letters([decision], actor=lead)
        decisions.check_letter(letter, actor=make_staff("lead"))
        for_release.append(decision)
    with pytest.raises(NotEnough):
        decisions.release_decisions(for_release, actor=lead)
    assert Award.objects.count() == 0
    assert shown(line.fund) == {"promised": 150, "owed": 150, "free": 150}
    decisions.release_decisions(for_release[:1], actor=lead)
    assert shown(line.fund) == {"promised": 150, "owed": 150, "free": 50, "reserved": 100}


def test_award_without_a_line_waits_for_one():
    award, manager = make_signed(make_award(held=False)), make_staff("fund_manager")
    with pytest.raises(DomainError) as refused:
        start_award(award, actor=manager)
    assert refused.value.code == "not_reserved"
    with pytest.raises(DomainError) as other:
        reserve_award(award, actor=manager, line=make_line(allotted=300 * WAN))
    assert other.value.code == "other_fund"
    poor = make_line(award.fund)
    with pytest.raises(NotEnough):
        reserve_award(award, actor=manager, line=poor)
    award.refresh_from_db()
    assert award.budget_line is None
    rich = make_line(award.fund, allotted=300 * WAN, purpose="research")
    reserve_award(award, actor=manager, line=rich)
    reserve_award(award, actor=manager, line=rich)  # the second click
    assert Account.objects.of(rich).get().held_fen == 100 * WAN
    with pytest.raises(DomainError) as moved:
        reserve_award(award, actor=manager, line=poor)
    assert moved.value.code == "reserved"
    start_award(award, actor=manager)
    assert Account.objects.of(award).get().balance_fen == 100 * WAN


def test_opening_an_award_twice_holds_its_money_once(line, award):
    assert open_award(award.application, actor=SYSTEM, amount_fen=award.amount_fen) == award
    assert shown(line.fund)["reserved"] == 100


def test_close_of_a_year_returns_what_is_free_and_nothing_else(award, line):
    other = make_line(line.fund, year=2025, allotted=80 * WAN)
    held = make_line(line.fund, year=2025, track="bt", allotted=120 * WAN)
    late = make_award(make_review_call("decision", fund=line.fund, budget_line=held))
    manager = make_staff("fund_manager")
    assert len(close_budget_year(line.fund, year=2025, actor=manager)) == 2
    assert close_budget_year(line.fund, year=2025, actor=manager) == []
    free = {
        row.line: (row.free_fen // WAN, row.reserved_fen // WAN)
        for row in figures_of(line.fund, date(2026, 12, 31)).lines
    }
    assert free == {line: (200, 100), other: (0, 0), held: (0, 100)}
    assert shown(line.fund)["unallotted"] == 100
    start_award(make_signed(late), actor=manager)
    with pytest.raises(DomainError):
        close_budget_year(line.fund, year=timezone.localdate().year, actor=manager)


def test_staff_run_a_fund_in_the_browser(client_of):
    """From a partner's promise to a budget line with money in it, and how the fund stands."""
    fund, manager = make_fund(), client_of(make_staff("fund_manager"))
    partner = make_commitment().organisation
    sent = manager.post(
        reverse("admin:funding_commitment_list_act", args=["commit"]),
        {
            "fund": fund.pk,
            "organisation": partner.pk,
            "source": "district",
            "amount_fen": "500 万",
            "agreed_on": "2026-01-10",
        },
    )
    assert sent.status_code == 302
    sent = manager.post(
        reverse("admin:funding_budgetline_list_act", args=["open"]),
        {"fund": fund.pk, "year": 2026, "track": "ai_bt", "purpose": "validation"},
    )
    assert sent.status_code == 302
    line = BudgetLine.objects.get(fund=fund)
    page = reverse("admin:funding_budgetline_act", args=[line.pk, "allot"])
    refused = manager.post(page, {"amount_fen": "600 万", "reason": "2026 plan"})
    assert refused.status_code in (200, 422)
    assert "¥5,000,000.00" in refused.content.decode()
    assert "600 万" in refused.content.decode()  # nothing typed is lost
    assert manager.post(page, {"amount_fen": "3,000,000", "reason": "2026 plan"}).status_code == 302
    standing = manager.get(reverse("admin:funding_fund_standing", args=[fund.pk])).content.decode()
    assert "¥3,000,000.00" in standing
    assert "¥2,000,000.00" in standing
    statement = client_of(make_staff("auditor")).get(
        reverse("admin:core_account_statement", args=[Account.objects.of(line).get().pk])
    )
    assert "¥3,000,000.00" in statement.content.decode()
    assert client_of(make_staff("administrator")).get(
        reverse("admin:funding_fund_standing", args=[fund.pk])
    ).status_code in (
        403,
        404,
    )
