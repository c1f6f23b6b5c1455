"""Payments of the demo park: the first tranches paid in one batch, one sent back by the bank, one waiting at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.utils import timezone

from funding.awards.models import Award
from funding.awards.states import AwardState
from funding.payments.services import (
    ask_disbursement,
    book_statement,
    bounce_disbursement,
    check_disbursement,
    make_batch,
    release_batch,
    take_statement,
)
from park_portal.core.audit.services import SYSTEM
from park_portal.core.money import fen_to_yuan

if TYPE_CHECKING:
    from funding.management.demo.build import Demo
    from funding.payments.models import Disbursement

# How many first tranches are asked for, checked, put into the batch, and paid; the rest of the batch comes back.
ASKED, CHECKED, IN_BATCH, PAID = 8, 7, 6, 5
BANKS = ("中国银行上海青浦支行", "中国工商银行上海复旦支行", "上海银行徐泾支行")


def pay_tranches(demo: Demo) -> None:
    """Ask for first tranches, pay most of them as a batch, and take in the bank's statement."""
    awards = Award.objects.filter(fund=demo.fund_row, state=AwardState.RUNNING).order_by("pk")
    payments: list[Disbursement] = []
    for number, award in enumerate(awards[:ASKED]):
        people = award.application.people()
        tranche = award.tranches.order_by("number")[0]
        payments.append(
            ask_disbursement(
                tranche,
                actor=people[0] if people else SYSTEM,
                amount_fen=tranche.amount_fen,
                purpose="首批拨款",
                payee="复旦大学" if award.project else str(award.organisation),
                bank=BANKS[number % len(BANKS)],
                account_number=f"31006666101880{number:04d}",
            )
        )
    for payment in payments[:CHECKED]:
        check_disbursement(payment, actor=demo.officer)
    numbers = [payment.number for payment in payments[:IN_BATCH]]
    if not numbers:
        return
    batch = make_batch(actor=demo.finance, fund=demo.fund_row, numbers=numbers)
    release_batch(batch, actor=demo.finance2)
    day = timezone.localdate().isoformat()
    rows = ["交易日期,借方发生额,贷方发生额,对方户名,摘要,交易流水号"]
    rows += [
        f"{day},{fen_to_yuan(one.amount_fen)},,{one.payee},{one.number} {one.purpose},F{day}-{place}"
        for place, one in enumerate(payments[:PAID], 1)
    ]
    file = ContentFile(("\r\n".join(rows) + "\r\n").encode("gb18030"), name=f"对账单 {day}.csv")
    statement = take_statement(actor=demo.finance, fund=demo.fund_row, file=file)
    book_statement(statement, actor=demo.finance)
    for payment in payments[PAID:IN_BATCH]:
        payment.refresh_from_db()
        bounce_disbursement(payment, actor=demo.finance, reason="户名与账号不符")
