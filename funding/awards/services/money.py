"""What an award was promised, has been paid and still has: all of it read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from funding.awards import accounts
from funding.awards.models import Award
from funding.funds.services import book_of
from park_portal.core.audit.services import Actor
from park_portal.core.ledger.models import Account, Transfer
from park_portal.core.ledger.services import account_of, sums_by_code


@dataclass(frozen=True)
class AwardMoney:
    """An award's money in fen: what it was promised, what of it was paid, is on its way and is left, was given back to
    the budget, is claimed back, and has come back.
    """

    promised_fen: int = 0
    paid_fen: int = 0
    held_fen: int = 0
    left_fen: int = 0
    released_fen: int = 0
    claimed_fen: int = 0
    recovered_fen: int = 0

    @property
    def spent_fen(self) -> int:
        """What the grantee keeps of what it was paid."""
        return self.paid_fen - self.claimed_fen


def committed_account(award: Award, *, actor: Actor) -> Account:
    """Return the account that says what ``award`` was promised and is still owed."""
    return account_of(book_of(award.fund, actor=actor), accounts.COMMITTED, award, label=award.number)


def held_for(award: Award) -> Transfer | None:
    """Return the pending transfer that holds the award's money until its agreement is signed; None where there is none."""
    return (
        Transfer.objects.about(award)
        .waiting()
        .filter(code=accounts.COMMIT.name)
        .select_related("debit", "credit")
        .first()
    )


def money_of(award: Award) -> AwardMoney:
    """Return how the money of ``award`` stands now, in four queries."""
    account = Account.objects.filter(
        kind=accounts.COMMITTED.name, subject_type=award._meta.label_lower, subject_id=str(award.pk)
    ).first()
    if account is None:
        return AwardMoney()
    moved = sums_by_code(Transfer.objects.filter(Q(debit=account) | Q(credit=account)))
    claims = list(
        Account.objects.filter(
            kind=accounts.CLAWBACK.name,
            subject_type="funding.clawback",
            subject_id__in=[str(pk) for pk in award.clawbacks.values_list("pk", flat=True)],
        )
    )
    return AwardMoney(
        promised_fen=moved.get(accounts.COMMIT.name, 0) + moved.get(accounts.SUPPLEMENT.name, 0),
        paid_fen=moved.get(accounts.PAY.name, 0),
        held_fen=account.debits_pending_fen,
        left_fen=account.credits_posted_fen - account.debits_posted_fen - account.debits_pending_fen,
        released_fen=moved.get(accounts.RELEASE.name, 0),
        claimed_fen=sum(one.debits_posted_fen for one in claims),
        recovered_fen=sum(one.credits_posted_fen for one in claims),
    )
