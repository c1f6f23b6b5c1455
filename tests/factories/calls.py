"""Calls and funds for tests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from funding.calls.models import Call, CallQuestion, Question, Section, Stage
from funding.calls.services import cancel_call, close_call, open_call, publish_call
from funding.calls.standard import standard_call
from funding.calls.states import CallState
from funding.funds.models import BudgetLine, Commitment, Fund
from funding.funds.services import add_budget_line, add_commitment, allot
from park_portal.core.workflow import SYSTEM
from tests.factories import fill, list_page, make, makes, number
from tests.personas import person


def make_fund(name: str = "“AI+BT”概念验证基金", **fields: Any) -> Fund:
    """Returns a dedicated fund in use."""
    fields.setdefault("code", f"fund-{number()}")
    fields.setdefault("name_en", "“AI + BT” Concept Validation Fund")
    return Fund.objects.create(name_zh_hans=name, **fields)


def make_call(*, state: str = CallState.DRAFT, opens_in: int = -7, days: int = 30, **fields: Any) -> Call:
    """Returns the standard call in any state; it opens in ``opens_in`` days (ago when negative) for ``days`` days."""
    opens_at = fields.pop("opens_at", timezone.now() + timedelta(days=opens_in))
    closes_at = fields.pop("closes_at", opens_at + timedelta(days=days))
    call = standard_call(
        actor=fields.pop("actor", SYSTEM),
        code=fields.pop("code", f"AIBT-T{number()}"),
        fund=fields.pop("fund", None) or make_fund(),
        lead=fields.pop("lead", None) or person("lead"),
        opens_at=opens_at,
        closes_at=closes_at,
        **fields,
    )
    return bring(call, state)


def bring(call: Call, state: str) -> Call:
    """Moves a draft to ``state`` through its services and returns it."""
    if state in (CallState.PUBLISHED, CallState.OPEN, CallState.CLOSED):
        publish_call(call, actor=SYSTEM)
    if state in (CallState.OPEN, CallState.CLOSED):
        open_call(call, actor=SYSTEM)
    if state == CallState.CLOSED:
        close_call(call, actor=SYSTEM)
    if state == CallState.CANCELLED:
        cancel_call(call, actor=SYSTEM, reason="withdrawn")
    return call


def answer_values(call: Call) -> dict[str, Any]:
    """Returns complete answers to the standard form, as they are stored, by key."""
    return {
        "title": "基于大模型的抗体亲和力优化平台验证",
        "summary": "本项目面向抗体药物早期研发中亲和力优化周期长、成本高的问题，验证自研蛋白语言模型在真实靶点上的预测能力，并与两家药企开展联合测试。"
        * 2,
        "fields": ["ai_drug", "biologics"],
        "amount": 100_000_000,
        "start_date": (timezone.localdate() + timedelta(days=90)).isoformat(),
        "duration": "18",
        "technical_basis": "我们已完成模型训练，并在三个公开数据集和一个内部靶点上验证，亲和力提升五倍以上。"
        * 5,
        "trl_now": 4,
        "trl_target": 6,
        "ip": [
            {
                "type": "invention",
                "title": "一种抗体序列优化方法",
                "number": "CN202510000001.X",
                "owner": "复旦大学",
                "status": "filed",
                "date": "2025-03-01",
            }
        ],
        "ownership": "university",
        "market_need": "国内在研抗体项目超过八百个，亲和力优化外包单价约三十至八十万元，周期三至六个月。" * 5,
        "market_evidence": [
            {
                "type": "intent",
                "party": "上海某生物医药有限公司",
                "finding": "愿意提供两个靶点联合测试",
                "date": "2025-12-01",
            }
        ],
        "route": "licence",
        "team": [
            {"name": "陈思远", "role": "pi", "employer": "复旦大学", "task": "总体负责", "share": "40"},
            {"name": "李嘉禾", "role": "manager", "employer": "复旦大学", "task": "项目推进", "share": "60"},
        ],
        "milestones": [
            {"task": "两个靶点预测", "side": "technical", "deliverable": "预测报告", "month": "6"},
            {"task": "药企联合测试", "side": "market", "deliverable": "测试报告两份", "month": "15"},
        ],
        "budget": [
            {"category": "testing", "purpose": "表达与亲和力测试", "amount": 60_000_000},
            {"category": "computing", "purpose": "算力租用", "amount": 40_000_000},
        ],
        "compliance": ["none"],
        "consent": True,
    }


@makes("funding.Fund")
def fund(**values: Any) -> Fund:
    return make_fund(**values)


@makes("funding.Call")
def call(**values: Any) -> Call:
    """A draft with no form, so that what belongs to a form may be added."""
    opens_at = values.pop("opens_at", timezone.now() - timedelta(days=1))
    values.setdefault("code", f"AIBT-T{number()}")
    values.setdefault("title_zh_hans", "概念验证基金申报通知")
    values.setdefault("title_en", "Concept Validation Fund")
    if "fund" not in values and "fund_id" not in values:
        values["fund"] = make_fund()
    if "lead" not in values and "lead_id" not in values:
        values["lead"] = person("lead")
    values.setdefault("closes_at", opens_at + timedelta(days=30))
    return fill("funding.Call", opens_at=opens_at, **values)


@makes("funding.CallQuestion")
def call_question(**values: Any) -> CallQuestion:
    if "section" not in values:
        values["section"] = fill("funding.Section", **({"call": values["call"]} if "call" in values else {}))
    values.setdefault("call", values["section"].call)
    return fill("funding.CallQuestion", **values)


@makes("funding.Question")
def question(**values: Any) -> Question:
    values.setdefault("kind", "short_text")
    values.setdefault("key", f"question_{number()}")
    return fill("funding.Question", **values)


@list_page("calls:list", persona="stranger")
def calls(count: int) -> list[Call]:
    """Announced calls, as many as asked for."""
    fund_ = make_fund()
    found = []
    for place in range(count):
        row = call(
            fund=fund_,
            code=f"LIST-{number()}",
            title_zh_hans=f"第{place}批申报通知",
            opens_at=timezone.now() + timedelta(days=place + 1),
        )
        Section.objects.create(call=row, title_zh_hans="项目概况", title_en="The project")
        Stage.objects.create(
            call=row, position=1, kind="decision", name_zh_hans="决定", acts="lead", completion="staff"
        )
        Call.objects.filter(pk=row.pk).update(state=CallState.PUBLISHED)
        found.append(row)
    return found


def make_line(fund: Fund | None = None, *, allotted: int = 0, **fields: Any) -> BudgetLine:
    """Returns a budget line with ``allotted`` fen, which a partner has promised to its fund."""
    fund = fund or make_fund()
    values = {"year": 2026, "track": "ai_bt", "purpose": "validation", **fields}
    line = add_budget_line(actor=SYSTEM, fund=fund, **values)
    if allotted:
        make_commitment(fund, amount_fen=allotted)
        allot(line, actor=SYSTEM, amount_fen=allotted, reason="年度预算")
    return line


def make_commitment(fund: Fund | None = None, **fields: Any) -> Commitment:
    """Returns what a partner promised to a fund."""
    values = {"amount_fen": 100, "source": "district", "agreed_on": date(2026, 1, 1), **fields}
    if "organisation" not in values:
        values["organisation"] = make("incubator.Organisation")
    return add_commitment(actor=SYSTEM, fund=fund or make_fund(), **values)


makes("funding.BudgetLine")(
    lambda fund=None, **values: make_line(fund, **{"year": 2020 + number() % 80, **values})
)
makes("funding.Commitment")(lambda fund=None, **values: make_commitment(fund, **values))
