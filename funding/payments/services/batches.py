"""Batches: all payments of a file for the bank, approved by one and released by another, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from funding.funds.models import Fund
from funding.payments.models import Disbursement, PaymentBatch
from funding.payments.services.common import problems_of, same_person, who
from funding.payments.services.holding import hold_all, look_at_keys
from funding.payments.services.telling import tell_batch
from funding.payments.states import BatchState, DisbursementState, FileForm
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.documents import formats
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.ledger.files import csv_cell
from park_portal.core.money import fen_to_yuan
from park_portal.core.workflow import advance, advance_all, may, require

MOST: Final = 10_000
# What the bank's software looks for is Chinese, whatever language the portal is read in.
COLUMNS: Final = ("收款人", "开户行", "收款账号", "金额", "用途")
_ENCODINGS: Final = {FileForm.CSV: "utf-8-sig", FileForm.CSV_GBK: "gb18030"}
_KINDS: Final = {FileForm.CSV: "bank_file", FileForm.CSV_GBK: "bank_file_gbk"}


def make_batch(*, actor: User, fund: Fund, numbers: Sequence[str] = ()) -> PaymentBatch:
    """Approve the checked payments of ``fund`` and put them into a batch: all of them, or those of these ``numbers``.

    All or none: raises ``DomainError`` with a problem for each payment that is not in order, and ``NotEnough`` where the
    bank account or an award has less; then nothing is approved.
    """
    require(actor, "funding.make_payment_batch")
    with transaction.atomic():
        rows = (
            Disbursement.objects.select_for_update(of=("self",))
            .filter(award__fund=fund, state=DisbursementState.CHECKED)
            .select_related("award")
            .order_by("pk")
        )
        if numbers:
            rows = rows.filter(number__in=numbers)
        payments = list(rows[: MOST + 1])
        found = {payment.number for payment in payments}
        problems = [
            Problem(_("%(payment)s: no checked payment of this fund.") % {"payment": number}, anchor=number)
            for number in numbers
            if number not in found
        ]
        problems += _in_the_way(payments, actor, "asked_by", "checked_by")
        if problems:
            raise _refused(problems)
        if not payments:
            raise DomainError(_("No payment of this fund waits for approval."), code="nothing", field="fund")
        if len(payments) > MOST:
            raise DomainError(
                _("A batch has at most %(most)d payments. Name those of the first batch.") % {"most": MOST},
                code="too_many",
                field="numbers",
            )
        batch = _open_batch(fund, actor)
        hold_all(payments, fund, actor=actor)
        look_at_keys()
        advance_all(
            payments,
            "approve",
            actor=actor,
            changes={"approved_by": who(actor), "approved_at": timezone.now(), "batch": batch},
        )
        tell_batch(batch, count=len(payments), total_fen=sum(one.amount_fen for one in payments))
    return batch


def _open_batch(fund: Fund, actor: User) -> PaymentBatch:
    Fund.objects.select_for_update().get(pk=fund.pk)  # so that two get two numbers
    today = f"{fund.code}-{timezone.localdate():%Y%m%d}"
    count = PaymentBatch.objects.filter(number__startswith=f"{today}-").count() + 1
    batch = PaymentBatch.objects.create(fund=fund, number=f"{today}-{count}", made_by=actor)
    record("payment_batch.make", batch, actor=actor, after={"number": batch.number})
    return batch


def _in_the_way(payments: Sequence[Disbursement], actor: User, *steps: str) -> list[Problem]:
    own = [problem for payment in payments if (problem := same_person(payment, actor, *steps))]
    return [*own, *problems_of(payments)]


def _refused(problems: Sequence[Problem]) -> DomainError:
    count = len({problem.anchor for problem in problems})
    said = ngettext(
        "%(count)d payment is not in order, so none was approved or released: %(first)s",
        "%(count)d payments are not in order, so none was approved or released. The first: %(first)s",
        count,
    )
    return DomainError(
        said % {"count": count, "first": problems[0].message}, code="not_payable", problems=problems
    )


def problems_of_release(batch: PaymentBatch, actor: User) -> list[Problem]:
    """Return what stands against releasing ``batch`` by ``actor``, by the numbers of its payments."""
    payments = list(batch.payments.select_related("award").order_by("pk"))
    return _in_the_way(payments, actor, "asked_by", "checked_by", "approved_by")


def refuse_release(batch: PaymentBatch, actor: User) -> None:
    """Raise ``DomainError`` where a payment of the batch may not be released by ``actor``."""
    if problems := problems_of_release(batch, actor):
        raise _refused(problems)


def release_batch(batch: PaymentBatch, *, actor: User) -> PaymentBatch:
    """Release all payments of a batch by a second finance officer and write the files for the bank; a second click does
    nothing again.

    All or none: raises ``DomainError`` with a problem for each payment that is not in order; then nothing is released.
    """
    with transaction.atomic():
        held = PaymentBatch.objects.select_for_update(of=("self",)).select_related("fund").get(pk=batch.pk)
        if held.state == BatchState.RELEASED and held.released_by_id == actor.pk:
            return held
        if held.state != BatchState.OPEN:
            raise IllegalTransition(state=held.state)
        require(actor, "funding.release_disbursement", held)
        payments = list(
            Disbursement.objects.select_for_update(of=("self",))
            .filter(batch=held)
            .select_related("award")
            .order_by("pk")
        )
        if not payments:
            raise DomainError(_("The batch has no payments any longer."), code="nothing")
        if problems := _in_the_way(payments, actor, "asked_by", "checked_by", "approved_by"):
            raise _refused(problems)
        now = timezone.now()
        changes: dict[str, Any] = {"released_by": actor, "released_at": now}
        released = advance_all(payments, "release", actor=actor, changes=changes)
        held = advance(held, "release", actor=actor, changes=changes)
        for form in FileForm:
            store_document(
                file_of(released, form),
                actor=actor,
                subject=held,
                kind=_KINDS[form],
                name=f"{held.number}{'-gbk' if form == FileForm.CSV_GBK else ''}.csv",
                allowed=frozenset({formats.TEXT}),
            )
    return held


def file_of(payments: Sequence[Disbursement], form: FileForm) -> bytes:
    """Return the file for the bank: one line a payment, whose number stands first in what it is for."""
    rows = [COLUMNS]
    rows += [
        (
            payment.payee,
            payment.bank,
            payment.account_number,
            str(fen_to_yuan(payment.amount_fen)),
            f"{payment.number} {payment.purpose}",
        )
        for payment in payments
    ]
    text = "".join(",".join(csv_cell(cell) for cell in row) + "\r\n" for row in rows)
    return text.encode(_ENCODINGS[form])


def files_of(batch: PaymentBatch) -> list[tuple[FileForm, Document]]:
    """Return the files that were written when the batch was released: always the same bytes."""
    kept = {
        document.kind: document
        for document in Document.objects.filter(
            subject_type=batch._meta.label_lower, subject_id=str(batch.pk), kind__in=_KINDS.values()
        )
    }
    return [(form, kept[kind]) for form, kind in _KINDS.items() if kind in kept]


@readable("funding.paymentbatch")
def _reads_bank_files(user: Any, document: Document) -> bool:
    return may(user, "funding.see_bank_files")
