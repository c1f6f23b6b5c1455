"""Two market funds of the demo park: their mandates, deals in every state, rounds of three companies, and what is held."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from funding.awards.models import Award
from funding.deals import services
from funding.deals.models import Deal, Mandate, Round
from funding.deals.states import ItemState
from funding.funds.models import Fund
from park_portal.core.money import wan_to_fen

if TYPE_CHECKING:
    from funding.management.demo.build import Demo
    from incubator.organisations.models import Organisation

# Which company goes how far with the angel fund, and why it stops there.
WAY: Final = (
    ("screen", "赛道契合，团队有产业背景"),
    ("meet", "商业计划书完整，约谈创始人"),
    ("examine", "约谈后评分 4.2，进入尽调"),
    ("present", "尽调事项全部了结"),
    ("offer", "投委会 5 票同意，1 票保留意见"),
)


def deals_and_portfolio(demo: Demo) -> None:
    """Open the funds, close rounds, note valuations and cash, and bring deals on their way."""
    with demo.at(330):
        angel = _fund("angel", "青浦硬科技天使基金", "Qingpu Deep Tech Angel Fund")
        growth = _fund("growth", "长三角生物医药成长基金", "Yangtze Delta Biomedicine Growth Fund")
        early = _mandate(
            demo,
            angel,
            "青浦创业投资有限公司",
            ["ai", "bt", "ai_bt"],
            ["seed", "angel", "pre_a"],
            (100, 1_000, 30_000),
        )
        _mandate(
            demo,
            growth,
            "申江医疗基金管理有限公司",
            ["bt", "ai_bt"],
            ["pre_a", "a", "b"],
            (1_000, 5_000, 100_000),
        )
    companies = [company for company, _owner, _park in demo.companies]
    with demo.at(300):
        for company in companies[1:3]:
            _founders(demo, company)
    _first(demo, companies[1], angel)
    _second(demo, companies[2], angel, growth)
    with demo.at(25):
        for number in (3, 5, 6, 8, 9, 10):
            services.add_round(
                actor=demo.fund,
                company=companies[number],
                name="天使轮",
                stage="angel",
                target_fen=wan_to_fen(300 + 100 * number),
            )
    with demo.at(20):
        found = services.suggest_deals(angel)[:5]
        deals = services.take_up(early, actor=demo.fund, companies=[one.company.pk for one in found])
    with demo.at(10):
        for far, deal in enumerate(deals):
            _bring(demo, deal, far)
    _hand_over(demo, growth)


def _fund(code: str, name: str, name_en: str) -> Fund:
    return Fund.objects.create(code=code, kind="market", name_zh_hans=name, name_en=name_en)


def _mandate(
    demo: Demo, fund: Fund, manager: str, tracks: list[str], stages: list[str], wan: tuple[int, int, int]
) -> Mandate:
    least, most, capital = (wan_to_fen(one) for one in wan)
    return services.add_mandate(
        actor=demo.fund,
        fund=fund,
        manager_name=manager,
        tracks=tracks,
        stages=stages,
        regions=["青浦"] if fund.code == "angel" else [],
        ticket_from_fen=least,
        ticket_to_fen=most,
        capital_fen=capital,
    )


def _round(demo: Demo, company: Organisation, name: str, stage: str, pre_wan: int | None = None) -> Round:
    pre = None if pre_wan is None else wan_to_fen(pre_wan)
    return services.add_round(actor=demo.fund, company=company, name=name, stage=stage, pre_money_fen=pre)


def _founders(demo: Demo, company: Organisation) -> None:
    row = _round(demo, company, "设立", "seed")
    for name, shares in (("创始团队", 7_000_000), ("员工持股平台", 1_500_000), ("天使投资人", 1_500_000)):
        services.add_investment(
            row, actor=demo.fund, holder_name=name, instrument="equity", amount_fen=shares * 10, shares=shares
        )
    services.close_round(row, actor=demo.fund, on=timezone.localdate())


def _first(demo: Demo, company: Organisation, angel: Fund) -> None:
    """An angel round, a valuation above its cost, and a dividend."""
    with demo.at(280):
        row = _round(demo, company, "天使轮", "angel", 4_000)
        services.add_investment(
            row, actor=demo.fund, fund=angel, instrument="equity", amount_fen=wan_to_fen(500)
        )
        services.close_round(row, actor=demo.fund, on=timezone.localdate())
    with demo.at(30):
        today = timezone.localdate()
        services.add_distribution(
            actor=demo.fund, fund=angel, company=company, on=today, kind="dividend", amount_fen=wan_to_fen(12)
        )
        services.add_valuation(
            actor=demo.fund,
            fund=angel,
            company=company,
            on=today,
            method="comparables",
            value_fen=wan_to_fen(640),
            note="参照三家同阶段企业",
        )
        services.add_runway_figure(
            actor=demo.fund, company=company, on=today, cash_fen=wan_to_fen(820), burn_fen=wan_to_fen(55)
        )


def _second(demo: Demo, company: Organisation, angel: Fund, growth: Fund) -> None:
    """A convertible that became shares in the next round, beside a second fund; its cash is running out."""
    with demo.at(260):
        row = _round(demo, company, "过桥", "angel")
        note = services.add_investment(
            row,
            actor=demo.fund,
            fund=angel,
            instrument="convertible",
            amount_fen=wan_to_fen(300),
            cap_fen=wan_to_fen(6_000),
            discount_bp=2_000,
            interest_bp=600,
            matures_on=timezone.localdate() + timedelta(days=730),
        )
        services.close_round(row, actor=demo.fund, on=timezone.localdate())
    with demo.at(70):
        row = _round(demo, company, "Pre-A 轮", "pre_a", 10_000)
        services.add_investment(
            row, actor=demo.fund, fund=growth, instrument="equity", amount_fen=wan_to_fen(2_000)
        )
        services.add_investment(
            row, actor=demo.fund, holder_name="青溪资本", instrument="equity", amount_fen=wan_to_fen(500)
        )
        services.close_round(row, actor=demo.fund, on=timezone.localdate(), converting=[note])
    with demo.at(5):
        today = timezone.localdate()
        services.add_runway_figure(
            actor=demo.fund, company=company, on=today, cash_fen=wan_to_fen(310), burn_fen=wan_to_fen(70)
        )
        services.warn_of_runways()


def _bring(demo: Demo, deal: Deal, far: int) -> None:
    """Move a deal ``far`` steps on; the first is passed."""
    if far == 0:
        services.move_deal(deal, name="decline", actor=demo.fund, reason="与在投企业同质，暂不跟进")
        return
    for name, reason in WAY[:far]:
        if name == "present":
            for item in deal.items.filter(state=ItemState.OPEN):
                services.clear_item(item, actor=demo.fund, note="已核对原件")
        services.move_deal(deal, name=name, actor=demo.fund, reason=reason)
    if deal.state == "diligence":
        first = deal.items.order_by("pk").first()
        assert first is not None
        services.clear_item(first, actor=demo.fund, note="专利权属清晰，发明人协议齐备")


def _hand_over(demo: Demo, growth: Fund) -> None:
    """The last award of last year goes on to the growth fund."""
    with demo.at(8):
        award = Award.objects.filter(fund=demo.fund_row, organisation__isnull=False).order_by("pk").last()
        if award is not None:
            services.hand_over(
                award, actor=demo.fund, to=growth, note="技术与市场双验证均已通过，建议跟进 A 轮"
            )
