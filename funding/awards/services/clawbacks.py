"""Money claimed back from an award, and what of it comes in."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from funding.awards import accounts
from funding.awards.models import Award, Clawback
from funding.awards.services.money import money_of
from funding.awards.services.people import tell_grantee
from funding.awards.states import AwardState
from funding.funds.services import account_of_line, bank_of, book_of
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.ledger.models import Account
from park_portal.core.ledger.services import account_of, post_transfer
from park_portal.core.money import format_yuan
from park_portal.core.workflow import advance, require


def _owed(clawback: Clawback, actor: Actor) -> Account:
    book = book_of(clawback.award.fund, actor=actor)
    return account_of(book, accounts.CLAWBACK, clawback, label=clawback.award.number)


def claim_back(award: Award, *, actor: Actor, amount_fen: int, reason: str, due_on: date) -> Clawback:
    """Claim ``amount_fen`` fen of what ``award`` was paid back; raises beyond what was paid and not claimed before."""
    require(actor, "funding.claim_back", award)
    with transaction.atomic():
        held = Award.objects.select_for_update(of=("self",)).select_related("fund").get(pk=award.pk)
        if held.state not in (AwardState.SUSPENDED, AwardState.ACCEPTED, AwardState.TERMINATED):
            raise IllegalTransition(
                _("Money is claimed back from awards that are suspended, accepted or terminated."),
                state=held.state,
            )
        money = money_of(held)
        if amount_fen > money.spent_fen:
            raise DomainError(
                _("Only %(amount)s was paid and not claimed back.")
                % {"amount": format_yuan(money.spent_fen)},
                code="more_than_paid",
                field="amount_fen",
            )
        clawback = Clawback(
            award=held, amount_fen=amount_fen, reason=reason, due_on=due_on, claimed_by_id=actor.pk
        )
        checked(clawback)
        clawback.save(force_insert=True)
        post_transfer(
            debit=_owed(clawback, actor),
            credit=account_of(book_of(held.fund, actor=actor), accounts.RECOVERABLE),
            amount_fen=amount_fen,
            code=accounts.CLAIM,
            key=f"clawback/{clawback.pk}",
            about=held,
            actor=actor,
            memo=f"{held.number} {reason}"[:300],
        )
        record("award.claim_back", held, actor=actor, after={"amount_fen": amount_fen}, reason=reason)
        tell_grantee(
            "award.claimed_back",
            held,
            key=f"clawback/{clawback.pk}",
            amount=format_yuan(amount_fen),
            until=due_on.isoformat(),
            reason=reason,
        )
    return clawback


def note_recovery(
    clawback: Clawback, *, actor: Actor, amount_fen: int, on: date, bank_reference: str
) -> Clawback:
    """Note that ``amount_fen`` fen came back to the bank on ``on``; the same reference counts once.

    It is free again in the award's budget line. Raises ``NotEnough`` when more came than is owed.
    """
    with transaction.atomic():
        held = (
            Clawback.objects.select_for_update(of=("self",))
            .select_related("award__fund", "award__budget_line__fund")
            .get(pk=clawback.pk)
        )
        require(actor, "funding.claim_back", held)
        award, key = held.award, f"clawback/{held.pk}/{bank_reference}"[:90]
        assert award.budget_line is not None  # an award that was paid has one
        post_transfer(
            debit=bank_of(award.fund, actor=actor),
            credit=_owed(held, actor),
            amount_fen=amount_fen,
            code=accounts.RECOVER,
            key=key,
            about=award,
            actor=actor,
            memo=f"{award.number} {bank_reference}"[:300],
            on=on,
        )
        post_transfer(
            debit=account_of(book_of(award.fund, actor=actor), accounts.RECOVERABLE),
            credit=account_of_line(award.budget_line, actor=actor),
            amount_fen=amount_fen,
            code=accounts.RESTORE,
            key=f"{key}/free",
            about=award,
            actor=actor,
            memo=f"{award.number} {bank_reference}"[:300],
            on=on,
        )
        record(
            "award.recovery",
            award,
            actor=actor,
            after={"amount_fen": amount_fen, "reference": bank_reference},
        )
        owed = _owed(held, actor)
        owed.refresh_from_db()
        if owed.debits_posted_fen == owed.credits_posted_fen:
            held = advance(held, "recover", actor=actor)
    return held
