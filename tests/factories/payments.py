"""Payments for tests: a running award with money in the bank, and payments in any step, each by its own person."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from funding.awards import services as awards
from funding.awards.models import Award, Tranche
from funding.decisions import services as decisions
from funding.funds.services import note_contribution
from funding.payments import services
from funding.payments.models import BankStatement, Disbursement, PaymentBatch, StatementLine
from funding.payments.states import DisbursementState
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import SYSTEM
from park_portal.core.workflow import advance
from tests.factories import fill, list_page, make, makes, number
from tests.factories.awards import make_agreement, sign
from tests.factories.calls import make_commitment, make_line
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import make_award
from tests.factories.reviews import make_application, make_review_call
from tests.personas import person

ACCOUNT = "310066661018800012345"


def put_in_bank(award: Award, amount_fen: int) -> None:
    """Let a partner promise and pay in this much to the award's fund."""
    promised = make_commitment(award.fund, amount_fen=amount_fen)
    note_contribution(
        promised, actor=SYSTEM, amount_fen=amount_fen, on=timezone.localdate(), bank_reference=f"B{number()}"
    )


# The parts of an award over ¥1,000,000 that no milestone keeps waiting, in per cent.
PARTS = (40, *[5] * 12)


def make_running(*, cash_fen: int = 500_000_000, line: Any = None) -> Award:
    """An award over ¥1,000,000 that is under way, of a fund with money in its bank; one tranche of 40 %, twelve of 5 %."""
    line = line or make_line(allotted=10**10)
    award = make_award(make_review_call("decision", fund=line.fund, budget_line=line))
    agreement = make_agreement(award, planned=False)
    share = award.amount_fen // 100
    for part in PARTS:
        awards.add_tranche(
            award, actor=make_staff("officer"), amount_fen=part * share, milestone=None, condition=""
        )
    awards.add_milestone(
        award,
        actor=make_staff("officer"),
        title="原型完成",
        due_on=agreement.ends_on,
        technical_goal="准确率不低于 85 %",
        market_goal="两家医院签署试用意向",
    )
    awards.set_categories(award, actor=make_staff("officer"), amounts={"materials": award.amount_fen})
    sign(awards.issue_agreement(agreement, actor=make_staff("fund_manager")))
    award = awards.start_award(award, actor=make_staff("fund_manager"))
    if cash_fen:
        put_in_bank(award, cash_fen)
    return award


def free_tranche(award: Award, amount_fen: int) -> Tranche:
    """The first tranche that nobody has asked for and that has this much."""
    rows = award.tranches.filter(amount_fen__gte=amount_fen).order_by("number")
    found = rows.exclude(
        disbursements__state__in=set(DisbursementState) - {DisbursementState.CANCELLED}
    ).first()
    assert found is not None
    return found


def grantee_of(award: Award) -> User:
    """An owner of who holds the award."""
    people = award.application.people()
    found = people.order_by("pk").first()
    if found is None:
        found = make_user()
        assert award.organisation is not None
        award.organisation.memberships.create(user=found, role="owner")
    return found


def make_payment(award: Award | None = None, *, to: str = "asked", **values: Any) -> Disbursement:
    """A payment in this state; each step by somebody else."""
    award = award or make_running()
    asked = {
        "amount_fen": 5_000_000,
        "purpose": f"首期拨款 {number()}",
        "payee": "上海澄光生物科技有限公司",
        "bank": "中国银行上海青浦支行",
        "account_number": ACCOUNT,
        **values,
    }
    tranche = free_tranche(award, int(asked["amount_fen"]))
    payment = services.ask_disbursement(tranche, actor=grantee_of(award), **asked)
    steps = {
        "asked": (),
        "checked": ("check",),
        "approved": ("check", "approve"),
        "released": ("check", "approve", "release"),
        "paid": ("check", "approve", "release", "pay"),
    }[to]
    for step in steps:
        if step == "check":
            payment = services.check_disbursement(payment, actor=make_staff("officer"))
        elif step == "approve":
            payment = services.approve_disbursement(payment, actor=make_staff("finance"))
        elif step == "release":
            payment = services.release_disbursement(payment, actor=make_staff("finance"))
        else:
            payment = services.settle_disbursement(
                payment, actor=make_staff("finance"), on=timezone.localdate(), bank_reference=f"F{number()}"
            )
    return payment


HEADINGS = ("交易日期", "借方发生额", "贷方发生额", "余额", "对方户名", "摘要", "交易流水号")


def csv_statement(
    rows: list[tuple[Any, ...]], *, encoding: str = "utf-8", headings: tuple[str, ...] = HEADINGS
) -> SimpleUploadedFile:
    """A bank's statement as CSV; the headings are its first line."""
    lines = [headings, *rows]
    text = "".join(",".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in lines)
    return SimpleUploadedFile("对账单.csv", text.encode(encoding))


def xlsx_statement(rows: list[tuple[Any, ...]]) -> SimpleUploadedFile:
    """The same as a workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [HEADINGS, *rows]:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return SimpleUploadedFile("对账单.xlsx", out.getvalue())


def paid_row(
    payment: Disbursement, amount: str | float | None = None, *, reference: str = "", **more: Any
) -> tuple[Any, ...]:
    """The line by which a bank says that it paid a payment."""
    told = f"{payment.amount_fen / 100:.2f}" if amount is None else amount
    return (
        more.get("on", timezone.localdate().isoformat()),
        told,
        None,
        more.get("balance"),
        payment.payee,
        f"{payment.number} {payment.purpose}",
        reference or f"B{number()}",
    )


# --- for the laws -------------------------------------------------------------------------------------------------


@makes("funding.Disbursement")
def payment(**values: Any) -> Disbursement:
    """Of a plan that is being drawn up: each with a tranche of its own."""
    if "tranche" not in values:
        award = values.pop("award", None) or make("funding.Award")
        values["tranche"] = Tranche.objects.create(
            award=award, number=award.tranches.count() + 1, amount_fen=20_000
        )
    values.setdefault("award", values["tranche"].award)
    made = {
        "number": f"P-{number()}",
        "amount_fen": 10_000,
        "account_number": ACCOUNT,
        "asked_by": None,
        **values,
    }
    return fill("funding.Disbursement", **made)


@makes("funding.PaymentBatch")
def batch(**values: Any) -> PaymentBatch:
    return fill("funding.PaymentBatch", **{"number": f"B-{number()}", **values})


@makes("funding.BankStatement")
def statement(**values: Any) -> BankStatement:
    made = {"since": date(2026, 11, 1), "until": date(2200, 1, 1), **values}
    return fill("funding.BankStatement", **made)


@makes("funding.StatementLine")
def line(**values: Any) -> StatementLine:
    made = {"place": number(), "verdict": "other", "amount_fen": 100, **values}
    return fill("funding.StatementLine", **made)


@list_page("payments:list", persona="founder")
def payments_of_a_founder(count: int) -> None:
    organisation = Organisation.objects.get(memberships__user=person("founder"))
    award = Award.objects.filter(organisation=organisation).first() or _award_of(organisation)
    for _number in range(count):
        make("funding.Disbursement", award=award)


def _award_of(organisation: Organisation) -> Award:

    call = make_review_call("decision")
    application = make_application(call, organisation=organisation)
    (decision,) = decisions.propose_decisions(
        [decisions.Proposal(application, "approve", amount_fen=100_000_000)], actor=make_staff("lead")
    )
    advance(decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    return awards.open_award(application, actor=SYSTEM, amount_fen=100_000_000)
