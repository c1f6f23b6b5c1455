"""How an award goes on and ends: suspended, called to acceptance, accepted or terminated, closed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.applications.models import Application
from funding.awards import accounts
from funding.awards.hooks import stops_of_acceptance, stops_of_close
from funding.awards.models import Award
from funding.awards.services.money import committed_account, money_of
from funding.awards.services.people import tell_grantee
from funding.awards.states import AwardState, ClawbackState
from funding.calls.models import Call
from funding.calls.states import ApplicantKind, CallState, Outcome
from funding.funds.services import account_of_line
from park_portal.core.audit.services import Actor
from park_portal.core.errors import DomainError, Problem
from park_portal.core.ledger.services import post_transfer
from park_portal.core.money import format_yuan
from park_portal.core.workflow import advance, require


def suspend_award(award: Award, *, actor: Actor, reason: str) -> Award:
    """Stop an award for a time: nothing is paid until it is resumed."""
    return _say(award, "suspend", actor, reason, {"zh-hans": "已中止", "en": "suspended"})


def resume_award(award: Award, *, actor: Actor) -> Award:
    """Let a suspended award go on."""
    return _say(award, "resume", actor, "", {"zh-hans": "已恢复执行", "en": "resumed"})


def terminate_award(award: Award, *, actor: Actor, reason: str) -> Award:
    """End an award before its time: nothing more is paid; what was paid may be claimed back, the rest goes back at close."""
    return _say(award, "terminate", actor, reason, {"zh-hans": "已终止", "en": "terminated"})


def continue_award(award: Award, *, actor: Actor, reason: str) -> Award:
    """Send an award that was not accepted back to work; it can be called to acceptance again."""
    return _say(
        award,
        "continue",
        actor,
        reason,
        {"zh-hans": "未通过验收，需整改", "en": "not accepted: more work is needed"},
    )


def _say(award: Award, name: str, actor: Actor, reason: str, standing: dict[str, str]) -> Award:
    with transaction.atomic():
        changes: dict[str, object] = {"state_reason": reason[:400]}
        if name == "continue":
            changes["acceptance_call"] = None
        done = advance(award, name, actor=actor, reason=reason, changes=changes)
        tell_grantee(
            "award.stands",
            done,
            key=f"{done.pk}/{name}/{timezone.now():%Y%m%d%H%M%S}",
            standing=standing,
            reason=reason,
        )
    return done


# --- acceptance


def refuse_unready(award: Award, actor: Actor) -> None:
    """Raise ``DomainError`` with all problems while ``award`` is not ready for acceptance."""
    if problems := list(stops_of_acceptance(award)):
        raise DomainError(_("This award is not ready for acceptance."), code="not_ready", problems=problems)


def call_to_acceptance(award: Award, *, actor: Actor, call: Call) -> Award:
    """Ask the grantee to apply for acceptance in ``call``, where a panel looks at it like at any application.

    Raises ``DomainError`` with all problems while reports or milestones are missing, and where the call does not fit.
    """
    with transaction.atomic():
        held = Award.objects.select_for_update().get(pk=award.pk)
        require(actor, "funding.call_to_acceptance", held)
        kind = ApplicantKind.ORGANISATION if held.organisation_id else ApplicantKind.PROJECT
        if call.outcome != Outcome.ACCEPTANCE or call.state != CallState.OPEN or kind not in call.applicants:
            raise DomainError(
                _("Choose a call for acceptance that is open and takes this kind of applicant."),
                code="call",
                field="call",
            )
        others = Award.objects.filter(state=AwardState.ACCEPTANCE, acceptance_call=call).exclude(pk=held.pk)
        if other := others.filter(organisation=held.organisation, project=held.project).first():
            raise DomainError(
                _("%(award)s of the same grantee is under acceptance in this call.")
                % {"award": other.number},
                code="another",
                field="call",
            )
        refuse_unready(held, actor)
        done = advance(
            held, "call_to_acceptance", actor=actor, changes={"acceptance_call": call, "state_reason": ""}
        )
        tell_grantee(
            "award.acceptance",
            done,
            key=f"{done.pk}/acceptance/{call.pk}",
            call={
                language: getattr(call, f"title_{language.replace('-', '_')}") or call.title
                for language in ("zh-hans", "en")
            },
            until=timezone.localtime(call.closes_at).strftime("%Y-%m-%d %H:%M"),
        )
    return done


def accept_award(application: Application, *, actor: Actor, recognised_fen: int) -> Award:
    """Accept the award that ``application`` was made for, with the costs that the panel recognised; once.

    The caller has checked the right to decide. Raises ``DomainError`` where no award, or more than was paid, is meant.
    """
    with transaction.atomic():
        award = (
            Award.objects.select_for_update(of=("self",))
            .filter(
                acceptance_call=application.call,
                organisation=application.organisation_id,
                project=application.project_id,
            )
            .filter(state__in=[AwardState.ACCEPTANCE, AwardState.ACCEPTED])
            .first()
        )
        if award is None:
            raise DomainError(
                _("%(application)s: the applicant has no award under acceptance in this call.")
                % {"application": application.number},
                code="no_award",
            )
        if award.state == AwardState.ACCEPTED and award.acceptance_id == application.pk:
            return award
        paid = money_of(award).paid_fen
        if recognised_fen > paid:
            raise DomainError(
                _("%(application)s: %(amount)s is more than the %(paid)s that was paid.")
                % {
                    "application": application.number,
                    "amount": format_yuan(recognised_fen),
                    "paid": format_yuan(paid),
                },
                code="more_than_paid",
            )
        done = advance(
            award,
            "accept",
            actor=actor,
            changes={"acceptance": application, "recognised_fen": recognised_fen},
        )
        tell_grantee(
            "award.stands",
            done,
            key=f"{done.pk}/accepted",
            standing={"zh-hans": "已通过验收", "en": "accepted"},
            reason="",
        )
    return done


# --- closing


def problems_of_close(award: Award) -> list[Problem]:
    """Return what keeps ``award`` from being closed: money on its way, claims, costs not recognised."""
    problems, money = list(stops_of_close(award)), money_of(award)
    if money.held_fen:
        problems.append(
            Problem(_("%(amount)s is on its way to the grantee.") % {"amount": format_yuan(money.held_fen)})
        )
    open_claims = award.clawbacks.filter(state=ClawbackState.CLAIMED)
    problems += [
        Problem(_("%(amount)s is still to be paid back.") % {"amount": format_yuan(claim.amount_fen)})
        for claim in open_claims
    ]
    if award.state == AwardState.ACCEPTED and award.recognised_fen is not None:
        too_much = money.paid_fen - money.claimed_fen - award.recognised_fen
        if too_much > 0:
            problems.append(
                Problem(
                    _("%(amount)s was paid above the costs recognised at acceptance. Claim it back first.")
                    % {"amount": format_yuan(too_much)}
                )
            )
    return problems


def refuse_unclosable(award: Award, actor: Actor) -> None:
    """Raise ``DomainError`` with all problems while ``award`` cannot be closed."""
    if problems := problems_of_close(award):
        raise DomainError(_("This award cannot be closed yet."), code="open_ends", problems=problems)


def close_award(award: Award, *, actor: Actor) -> Award:
    """Close an award that was accepted or terminated: what is left of its money goes back to its budget line."""
    with transaction.atomic():
        held = Award.objects.select_for_update(of=("self",)).select_related("budget_line").get(pk=award.pk)
        require(actor, "funding.close_award", held)
        if held.state in (AwardState.ACCEPTED, AwardState.TERMINATED):
            refuse_unclosable(held, actor)
            left = money_of(held).left_fen
            if left and held.budget_line is not None:
                post_transfer(
                    debit=committed_account(held, actor=actor),
                    credit=account_of_line(held.budget_line, actor=actor),
                    amount_fen=left,
                    code=accounts.RELEASE,
                    key=f"award/{held.pk}/close",
                    about=held,
                    actor=actor,
                    memo=held.number,
                )
        done = advance(held, "close", actor=actor)
        tell_grantee(
            "award.stands",
            done,
            key=f"{done.pk}/closed",
            standing={"zh-hans": "已结清关闭", "en": "closed"},
            reason="",
        )
    return done
