"""Money of the demo fund: who promised it, what came in, what it is meant for, and one mistake put right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from funding.awards.accounts import COMMITTED
from funding.funds.accounts import BANK, BUDGET, PLEDGED, UNALLOTTED
from funding.funds.models import BudgetLine
from funding.funds.services import add_budget_line, add_commitment, allot, note_contribution
from funding.management.demo.awards import run_awards, sign_awards
from funding.management.demo.payments import pay_tranches
from incubator.organisations.models import Organisation
from incubator.organisations.states import OrganisationKind
from park_portal.core.ledger.models import AccountCode
from park_portal.core.ledger.services import close_month, reverse_transfer
from park_portal.core.ledger.services.closing import next_to_close
from park_portal.core.money import wan_to_fen

if TYPE_CHECKING:
    from funding.management.demo.build import Demo

# What the accounting software calls the accounts: a park changes them to its own chart.
CODES = (
    (BANK, "1002", "银行存款"),
    (PLEDGED, "1212", "应收认缴款"),
    (UNALLOTTED, "3001", "专项基金"),
    (BUDGET, "3001", "专项基金"),
    (COMMITTED, "2305", "应付资助款"),
)


def open_money(demo: Demo) -> None:
    """Partners promise, the first part comes in, and each year has its budget line for concept validation."""
    district = Organisation.objects.create(
        name_zh_hans="青浦区科学技术委员会",
        name_en="Qingpu District Science and Technology Commission",
        kind=OrganisationKind.PUBLIC_BODY,
        district="青浦区",
    )
    today = timezone.localdate()
    promises = (
        (district, "district", 12_000, 9_000),
        (demo.fudan, "university", 6_000, 4_000),
    )
    for partner, source, wan, paid in promises:
        commitment = add_commitment(
            actor=demo.fund,
            fund=demo.fund_row,
            organisation=partner,
            source=source,
            amount_fen=wan_to_fen(wan),
            agreed_on=today - timedelta(days=20),
            note="概念验证专项",
        )
        note_contribution(
            commitment,
            actor=demo.finance,
            amount_fen=wan_to_fen(paid),
            on=today,
            bank_reference=f"B{today:%Y%m%d}-{source}",
        )
    now = demo.today.date().year
    for year in sorted({today.year, now - 1, now}):
        line = add_budget_line(
            actor=demo.fund, fund=demo.fund_row, year=year, track="ai_bt", purpose="validation"
        )
        allot(line, actor=demo.fund, amount_fen=wan_to_fen(5_000), reason=f"{year} 年度预算")
    AccountCode.objects.bulk_create(
        [AccountCode(kind=kind.name, code=code, name=name) for kind, code, name in CODES]
    )


def line_of(demo: Demo, year: int) -> BudgetLine | None:
    """Return the budget line of a year; None where it has none."""
    return BudgetLine.objects.filter(fund=demo.fund_row, year=year).first()


def run_money(demo: Demo) -> None:
    """The agreements of last year's awards are signed but one; a payment noted twice is reversed; old months are closed."""
    with demo.at(60):
        sign_awards(demo)
        commitment = demo.fund_row.commitments.order_by("pk")[0]
        wrong = note_contribution(
            commitment,
            actor=demo.finance,
            amount_fen=wan_to_fen(900),
            on=timezone.localdate(),
            bank_reference="B-0417",
        )
    with demo.at(58):
        reverse_transfer(wrong, actor=demo.finance2, reason="同一笔到账重复登记")
    with demo.at(52):
        pay_tranches(demo)
    with demo.at(45):
        run_awards(demo)
    with demo.at(40):
        book = demo.fund_row.book
        assert book is not None
        today = timezone.localdate()
        month = next_to_close(book)
        while month is not None and (month.year, month.month) < (today.year, today.month):
            close_month(book, month=month, actor=demo.finance)
            month = next_to_close(book)
