"""Awards: what an approved application is given."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.awards import accounts
from funding.awards.hooks import tell_started
from funding.awards.models import Agreement, Award
from funding.awards.services.money import committed_account, held_for
from funding.awards.states import AgreementState, AwardState
from funding.funds.models import BudgetLine
from funding.funds.services import account_of_line
from park_portal.core.accounts.models import User
from park_portal.core.accounts.states import StaffRole
from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import DomainError, IllegalTransition
from park_portal.core.ledger.services import hold_transfer, post_held, void_held
from park_portal.core.money import format_yuan
from park_portal.core.outbox.services import notify
from park_portal.core.text import both
from park_portal.core.workflow import advance, require


def open_award(application: Application, *, actor: Actor, amount_fen: int) -> Award:
    """Open the award of an approved application over ``amount_fen`` fen; a second call returns the same award.

    Its money is held in the call's budget line, where the call names one. Raises ``NotEnough`` when less is free there.
    The caller has checked the right to decide.
    """
    with transaction.atomic():
        call = application.call
        award, created = Award.objects.get_or_create(
            application=application,
            defaults={
                "number": f"{application.number}-A",
                "fund_id": call.fund_id,
                "organisation_id": application.organisation_id,
                "project_id": application.project_id,
                "title": application.title,
                "amount_fen": amount_fen,
            },
        )
        if not created:
            return award
        record("award.open", award, actor=actor, after={"number": award.number, "amount_fen": amount_fen})
        if call.budget_line is not None:
            _reserve(award, call.budget_line, actor)
        notify(
            "award.opened",
            recipients=User.objects.with_role(StaffRole.FUND_MANAGER, StaffRole.FINANCE),
            key=str(award.pk),
            link=reverse("admin:funding_award_change", args=[award.pk]),
            context={
                "award": award.number,
                "title": award.title,
                "holder": both(lambda: str(application.applicant)),
                "amount": format_yuan(amount_fen),
            },
        )
    return award


def reserve_award(award: Award, *, actor: Actor, line: BudgetLine) -> Award:
    """Hold the award's amount in ``line`` until its agreement is signed; a second call with the same line changes nothing.

    Raises ``NotEnough`` when less is free there, ``DomainError`` for a line of another fund or once another one was chosen.
    """
    with transaction.atomic():
        held = Award.objects.select_for_update().get(pk=award.pk)
        require(actor, "funding.start_award", held)
        if held.state != AwardState.AGREEMENT:
            raise IllegalTransition(state=held.state)
        if held.budget_line_id not in (None, line.pk):
            raise DomainError(
                _("The amount is held in another budget line already."), code="reserved", field="line"
            )
        if line.fund_id != held.fund_id:
            raise DomainError(
                _("This budget line is of another fund than the award."), code="other_fund", field="line"
            )
        _reserve(held, line, actor)
    award.budget_line = line
    return award


def _reserve(award: Award, line: BudgetLine, actor: Actor) -> None:
    if award.budget_line_id is None:
        award.budget_line = line
        award.save(update_fields=["budget_line"])
        record("award.reserve", award, actor=actor, after={"budget_line": line.pk}, line=str(line))
    hold_transfer(
        debit=account_of_line(line, actor=actor),
        credit=committed_account(award, actor=actor),
        amount_fen=award.amount_fen,
        code=accounts.COMMIT,
        key=f"award/{award.pk}/commit",
        about=award,
        actor=actor,
        memo=f"{award.number} {award.title}"[:300],
    )


def refuse_held(award: Award, actor: Actor) -> None:
    """Raise ``DomainError`` where the award's money is held already."""
    if award.budget_line_id is not None:
        raise DomainError(_("The amount is held in a budget line already."), code="reserved", field="line")


def refuse_unheld(award: Award, actor: Actor) -> None:
    """Raise ``DomainError`` while no money is held for ``award`` or its agreement is not signed by all."""
    if held_for(award) is None:
        raise DomainError(
            _("No money is held for this award. Choose the budget line that it is paid from first."),
            code="not_reserved",
        )
    if not Agreement.objects.filter(award=award, state=AgreementState.SIGNED).exists():
        raise DomainError(_("The agreement is not signed by all."), code="not_signed")


def start_award(award: Award, *, actor: Actor) -> Award:
    """Let an award run whose agreement all have signed: what was held for it is promised to it.

    Raises ``DomainError`` while nothing is held for it or a signature is missing.
    """
    with transaction.atomic():
        Award.objects.select_for_update().get(pk=award.pk)
        held = held_for(award)
        if award.state == AwardState.AGREEMENT:
            require(actor, "funding.start_award", award)
            refuse_unheld(award, actor)
        if held is not None:
            post_held(held, actor=actor)
        award = advance(award, "start", actor=actor)
        tell_started(award, actor)
    return award


def lapse_award(award: Award, *, actor: Actor, reason: str) -> Award:
    """Let an award lapse whose agreement was not signed: what was held for it is free again."""
    with transaction.atomic():
        award = advance(award, "lapse", actor=actor, reason=reason)
        if held := held_for(award):
            void_held(held, actor=actor, memo=reason[:300])
    return award
