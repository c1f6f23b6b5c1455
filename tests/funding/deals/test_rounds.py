"""Rounds: terms by instrument, several funds at once, conversions, the cap table."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from funding.deals import services
from funding.deals.models import Conversion, Investment
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from tests.factories.core import make_staff
from tests.factories.deals import (
    WAN,
    convertible,
    founded,
    make_market_fund,
    make_round,
    make_startup,
)
from tests.factories.decisions import make_award

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager():
    return make_staff("fund_manager")


def shown(company):
    table = services.cap_table(company)
    return [
        (name, [(held.shares, held.percent) if held else None for held in cells])
        for name, cells in table.lines
    ]


def test_cap_table_over_three_rounds(manager):
    """1,000,000 founders' shares; ¥1,000,000 at 6 % with a cap of ¥10,000,000; a year later ¥20,000,000 before the round."""
    company, angels, growth = make_startup(), make_market_fund(name="天使"), make_market_fund(name="成长")
    founded(company)
    bridge = make_round(company, name="过桥")
    note = convertible(bridge, fund=angels, cap_fen=1_000 * WAN)
    services.close_round(bridge, actor=manager, on=date(2024, 6, 1))
    priced = make_round(company, name="A 轮", stage="a", pre_money_fen=2_000 * WAN)
    bought = services.add_investment(
        priced, actor=manager, fund=growth, instrument="equity", amount_fen=400 * WAN
    )
    services.add_investment(
        priced, actor=manager, holder_name="丙", instrument="equity", amount_fen=100 * WAN, shares=44_000
    )
    assert bought.shares == 200_000  # ¥4,000,000 at ¥20
    services.close_round(priced, actor=manager, on=date(2025, 6, 1), converting=[note])

    done = Conversion.objects.get()
    assert (done.shares, done.amount_fen, done.basis) == (106_000, 106 * WAN, "cap")  # ¥1,060,000 at ¥10
    with translation.override("en"):
        assert done.explained == (
            "¥1,000,000.00 and interest of ¥60,000.00 for 365 days; price of the round ¥20.000000; "
            "price by the cap ¥10.000000. The lowest counts: ¥1,060,000.00 / ¥10.000000 = 106,000 shares, rounded down."
        )
    # 1,350,000 shares in all.
    assert shown(company) == [
        ("甲", [(600_000, "60.00"), (600_000, "60.00"), (600_000, "44.44")]),
        ("乙", [(400_000, "40.00"), (400_000, "40.00"), (400_000, "29.63")]),
        ("成长", [None, None, (200_000, "14.82")]),
        ("丙", [None, None, (44_000, "3.26")]),
        ("天使", [None, None, (106_000, "7.85")]),
    ]
    assert services.cap_table(company).waiting == []


def test_what_has_not_converted_is_named():
    company = make_startup()
    founded(company)
    bridge = make_round(company)
    note = convertible(bridge)
    services.close_round(bridge, actor=SYSTEM, on=date(2024, 6, 1))
    assert services.cap_table(company).waiting == [note]


def test_convertible_grant_stands_beside_the_market_funds(manager):
    award = make_award()
    row = make_round(award.organisation)
    granted = convertible(row, fund=award.fund, award=award, amount_fen=award.amount_fen)
    other = services.add_investment(
        row, actor=manager, fund=make_market_fund(), instrument="safe", amount_fen=50 * WAN, discount_bp=2_000
    )
    assert {one.holder for one in row.investments.all()} == {str(award.fund), str(other.fund)}
    assert granted.award == award
    for wrong in (
        {"award": award, "fund": award.fund},  # a second time
        {"award": make_award(), "fund": make_market_fund()},
    ):
        with pytest.raises(Exception, match=r"award|investment_of_its_award"):
            convertible(row, **wrong)


@pytest.mark.parametrize(
    "terms",
    [
        {"instrument": "equity", "shares": 10, "cap_fen": 100},
        {"instrument": "safe"},
        {"instrument": "safe", "cap_fen": 100, "interest_bp": 1},
        {"instrument": "loan", "interest_bp": 400},
        {"instrument": "loan", "interest_bp": 400, "matures_on": date(2027, 1, 1), "cap_fen": 5},
        {"instrument": "convertible", "matures_on": date(2027, 1, 1)},
    ],
)
def test_terms_go_with_the_instrument(manager, terms):
    with pytest.raises(DomainError, match="do not go with the instrument"):
        services.add_investment(make_round(), actor=manager, holder_name="丁", amount_fen=100, **terms)
    assert Investment.objects.count() == 0


def test_one_holder_and_a_price(manager):
    row = make_round(pre_money_fen=100)
    with pytest.raises(DomainError, match="Name one investor"):
        services.add_investment(
            row,
            actor=manager,
            holder_name="丁",
            fund=make_market_fund(),
            instrument="safe",
            amount_fen=1,
            cap_fen=1,
        )
    with pytest.raises(DomainError, match="how many shares"):
        services.add_investment(row, actor=manager, holder_name="丁", instrument="equity", amount_fen=100)


def test_closed_round_takes_nothing_more(manager):
    company = make_startup()
    row = founded(company)
    with pytest.raises(IllegalTransition):
        convertible(row)
    with pytest.raises(IllegalTransition):
        services.remove_investment(row.investments.first(), actor=manager, reason="误录")
    with pytest.raises(IllegalTransition):
        services.close_round(row, actor=manager, on=date(2024, 2, 1))
    planned = make_round(company)
    with pytest.raises(DomainError, match="Nobody has invested"):
        services.close_round(planned, actor=manager, on=date(2024, 2, 1))
    money = convertible(planned)
    with pytest.raises(DomainError, match="later round"):
        services.close_round(planned, actor=manager, on=date(2023, 12, 31))
    with pytest.raises(DomainError, match="future"):
        services.close_round(planned, actor=manager, on=timezone.localdate() + timezone.timedelta(days=1))
    services.remove_investment(money, actor=manager, reason="投资人退出")
    assert planned.investments.count() == 0
    services.drop_round(planned, actor=manager, reason="暂缓融资")
    assert planned.state == "dropped"


def test_what_cannot_convert(manager):
    company = make_startup()
    founded(company)
    bridge = make_round(company)
    note = convertible(bridge)
    services.close_round(bridge, actor=manager, on=date(2024, 6, 1))
    unpriced = make_round(company)
    convertible(unpriced)
    with pytest.raises(DomainError, match="without a valuation"):
        services.close_round(unpriced, actor=manager, on=date(2024, 7, 1), converting=[note])
    assert (unpriced.state, Conversion.objects.count()) == ("planned", 0)
    other = make_round(make_startup(), pre_money_fen=2_000 * WAN)
    convertible(other)
    with pytest.raises(DomainError, match="cannot convert"):
        services.close_round(other, actor=manager, on=date(2024, 7, 1), converting=[note])


def test_others_keep_their_hands_off():
    row = make_round()
    for person in (make_staff("officer"), make_staff("finance"), make_staff("auditor")):
        with pytest.raises(Forbidden):
            services.add_investment(
                row, actor=person, holder_name="丁", instrument="safe", amount_fen=1, cap_fen=1
            )
        with pytest.raises(Forbidden):
            services.drop_round(row, actor=person, reason="x")


def test_cap_table_on_its_page_and_by_program(manager):
    row = founded()
    client = Client()
    client.force_login(manager)
    page = client.get(reverse("admin:funding_round_cap_table", args=[row.pk])).content.decode()
    assert "600,000" in page
    assert "60.00 %" in page
    assert client.get(f"/api/v1/rounds/{row.pk}/cap-table/").json() == {
        "company": row.company_id,
        "rounds": [
            {
                "round": row.pk,
                "closed_on": "2024-01-01",
                "holders": [
                    {"holder": "甲", "shares": 600_000, "percent": "60.00"},
                    {"holder": "乙", "shares": 400_000, "percent": "40.00"},
                ],
            }
        ],
    }
    client.force_login(make_staff("finance"))
    assert client.get(f"/api/v1/rounds/{row.pk}/cap-table/").status_code == 404
