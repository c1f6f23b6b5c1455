"""Who is told of a payment: whose turn it is next, and who waits for the money."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from funding.payments.models import Disbursement, PaymentBatch
from funding.payments.states import DisbursementState
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.money import format_yuan
from park_portal.core.outbox.services import notify
from park_portal.core.text import both

# Who acts next on a payment in this state.
NEXT = {
    DisbursementState.ASKED: (StaffRole.OFFICER, StaffRole.LEAD),
    DisbursementState.CHECKED: (StaffRole.FINANCE,),
    DisbursementState.APPROVED: (StaffRole.FINANCE,),
}


def _tell(kind: str, payment: Disbursement, recipients: Iterable[Any], link: str, **context: Any) -> None:
    notify(
        kind,
        recipients=recipients,
        key=f"{payment.pk}:{payment.round}",
        link=link,
        context={
            "payment": payment.number,
            "title": both(lambda: payment.award.title),
            "amount": format_yuan(payment.amount_fen),
            **context,
        },
    )


def tell_next(kind: str, payment: Disbursement) -> None:
    """Tell the staff whose turn it is; nobody of those who have had theirs."""
    had = [payment.asked_by_id, payment.checked_by_id, payment.approved_by_id]
    people = User.objects.with_role(*NEXT[DisbursementState(payment.state)]).exclude(
        pk__in=[pk for pk in had if pk]
    )
    _tell(kind, payment, people, reverse("admin:funding_disbursement_change", args=[payment.pk]))


def tell_grantee(kind: str, payment: Disbursement, **context: Any) -> None:
    """Tell those who answer for the award."""
    people = payment.award.application.people()
    _tell(kind, payment, people, payment.get_absolute_url(), **context)


def tell_batch(batch: PaymentBatch, *, count: int, total_fen: int) -> None:
    """Tell the finance officers who may release a batch: everybody but who put it together."""
    notify(
        "payment.batch",
        recipients=User.objects.with_role(StaffRole.FINANCE).exclude(pk=batch.made_by_id),
        key=str(batch.pk),
        link=reverse("admin:funding_paymentbatch_change", args=[batch.pk]),
        context={"batch": batch.number, "count": str(count), "amount": format_yuan(total_fen)},
    )
