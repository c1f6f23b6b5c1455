"""Payments for tests: a running award with money in the bank, and payments in any step, each by its own person."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from funding.awards.models import Award
from funding.awards.services import start_award
from funding.funds.services import note_contribution
from funding.payments import services
from funding.payments.models import BankStatement, Disbursement, PaymentBatch, StatementLine
from incubator.organisations.models import Organisation
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import SYSTEM
from tests.factories import fill, list_page, make, makes, number
from tests.factories.calls import make_commitment, make_line
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import make_award
from tests.factories.reviews import make_review_call
from tests.personas import person

ACCOUNT = "310066661018800012345"


def put_in_bank(award: Award, amount_fen: int) -> None:
    """Let a partner promise and pay in this much to the award's fund."""
    promised = make_commitment(award.fund, amount_fen=amount_fen)
    note_contribution(
        promised, actor=SYSTEM, amount_fen=amount_fen, on=timezone.localdate(), bank_reference=f"B{number()}"
    )


def make_running(*, cash_fen: int = 500_000_000, line: Any = None) -> Award:
    """An award over ¥1,000,000 that is under way, of a fund with money in its bank."""
    line = line or make_line(allotted=10**10)
    award = make_award(make_review_call("decision", fund=line.fund, budget_line=line))
    start_award(award, actor=SYSTEM)
    if cash_fen:
        put_in_bank(award, cash_fen)
    return award


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
        "amount_fen": 10_000_000,
        "purpose": f"首期拨款 {number()}",
        "payee": "上海澄光生物科技有限公司",
        "bank": "中国银行上海青浦支行",
        "account_number": ACCOUNT,
        **values,
    }
    payment = services.ask_disbursement(award, actor=grantee_of(award), **asked)
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


def paid_row(payment: Disbursement, amount: str | float | None = None, *, reference: str = "", **more: Any) -> tuple[Any, ...]:
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
    award = values.pop("award", None) or make("funding.Award")
    made = {
        "number": f"P-{number()}",
        "amount_fen": 10_000,
        "account_number": ACCOUNT,
        "asked_by": None,
        **values,
    }
    return fill("funding.Disbursement", award=award, **made)


@makes("funding.PaymentBatch")
def batch(**values: Any) -> PaymentBatch:
    return fill("funding.PaymentBatch", **{"number": f"B-{number()}", **values})


@makes("funding.BankStatement")
def statement(**values: Any) -> BankStatement:
    day = date(2026, 11, 1)
    return fill("funding.BankStatement", **{"since": day, "until": day, **values})


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
    from funding.decisions.models import Decision
    from park_portal.core.workflow import advance
    from funding.awards.services import open_award
    from funding.decisions import services as decisions
    from tests.factories.reviews import make_application

    call = make_review_call("decision")
    application = make_application(call, organisation=organisation)
    (decision,) = decisions.propose_decisions(
        [decisions.Proposal(application, "approve", amount_fen=100_000_000)], actor=make_staff("lead")
    )
    assert isinstance(decision, Decision)
    advance(decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    return open_award(application, actor=SYSTEM, amount_fen=100_000_000)
