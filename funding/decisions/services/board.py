"""The board: the order by hand, the budget, the reserve list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from funding.calls.models import Call
from funding.decisions.models import Decision, Placement
from funding.decisions.order import moved
from funding.decisions.services.ranking import Rank, budget_of, mark_of, ranking, reserves_of
from funding.decisions.services.verdicts import Proposal, propose_decisions
from funding.decisions.states import DecisionState, Verdict
from funding.reviews.services import refuse_conflicted
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import Actor, record
from park_portal.core.errors import Conflict, DomainError
from park_portal.core.money import format_yuan
from park_portal.core.text import clean
from park_portal.core.workflow import require

LONGEST_REASON: Final = 1000


def place_applications(
    call: Call, wanted: Sequence[int], *, actor: User, reason: str, seen: str | None = None
) -> list[Placement]:
    """Put the ranked table of ``call`` in this order (application ids) and return what now stands there by hand.

    As few as possible are placed; the rest keep the order of their ratings. ``reason`` is kept with each that was moved
    now; one that was moved before and only made room keeps its own. ``seen`` is the ``mark_of`` the order that was
    changed: raises ``Conflict`` when it is another by now, or other applications have come.
    """
    require(actor, "funding.propose_decisions", call)
    reason = clean(reason).strip()[:LONGEST_REASON]
    with transaction.atomic():
        _hold(call)
        ranks = ranking(call)
        current = [rank.application.pk for rank in ranks]
        if list(wanted) == current:
            return [rank.placement for rank in ranks if rank.placement is not None]
        if sorted(wanted) != sorted(current) or (seen is not None and seen != mark_of(ranks)):
            raise Conflict(_last_hand(ranks), code="stale")
        refuse_conflicted((rank.application for rank in ranks), actor)
        computed = [rank.application.pk for rank in sorted(ranks, key=lambda rank: rank.computed_place)]
        held = {rank.application.pk: rank.placement for rank in ranks if rank.placement is not None}
        by_hand = moved(current, wanted).keys()
        places = moved(computed, wanted, placed=held.keys() | by_hand)
        anew = {key for key in places if key in by_hand or key not in held}
        if anew and not reason:
            raise DomainError(
                _("Say why the order departs from the ratings."), code="reason", field="order_reason"
            )
        for key in held.keys() - places.keys():
            held[key].delete()
        kept = [
            _place(call, key, place, held.get(key), reason if key in anew else "", actor)
            for key, place in places.items()
        ]
        numbers = {rank.application.pk: rank.application.number for rank in ranks}
        record(
            "ranking.place",
            call,
            actor=actor,
            before={"order": [numbers[key] for key in current]},
            after={"order": [numbers[key] for key in wanted]},
            reason=reason,
        )
    return kept


def _place(call: Call, key: int, place: int, held: Placement | None, reason: str, actor: User) -> Placement:
    row = held or Placement(call=call, application_id=key)
    row.place = place
    if reason:
        row.reason, row.placed_by_id, row.placed_at = reason, actor.pk, timezone.now()
    row.save()
    return row


def reset_order(call: Call, *, actor: Actor, seen: str | None = None) -> int:
    """Go back to the order of the ratings and return how many had been placed by hand."""
    require(actor, "funding.propose_decisions", call)
    with transaction.atomic():
        _hold(call)
        ranks = ranking(call)
        if seen is not None and seen != mark_of(ranks):
            raise Conflict(_last_hand(ranks), code="stale")
        refuse_conflicted((rank.application for rank in ranks), actor)
        count, _by_model = Placement.objects.filter(call=call).delete()
        if count:
            record(
                "ranking.reset",
                call,
                actor=actor,
                before={"order": [rank.application.number for rank in ranks]},
            )
    return count


def _hold(call: Call) -> None:
    Call.objects.select_for_update(of=("self",), no_key=True).get(pk=call.pk)


def _last_hand(ranks: Sequence[Rank]) -> str:
    hands = [rank.placement for rank in ranks if rank.placement is not None]
    if not hands:
        return _("The order was not changed: the list is another by now. Look at it again.")
    last = max(hands, key=lambda one: one.placed_at)
    return _(
        "The order was not changed: it is another by now (%(person)s placed %(number)s on %(when)s). Look at it again."
    ) % {
        "person": last.placed_by,
        "number": last.application.number,
        "when": f"{timezone.localtime(last.placed_at):%Y-%m-%d %H:%M}",
    }


# --- the budget ----------------------------------------------------------------------------------------------------


def change_budget(call: Call, *, actor: Actor, budget_fen: int | None, reason: str) -> Call:
    """Give the call another budget (fen; None for no limit), with a reason; never less than what is granted already."""
    require(actor, "funding.change_budget", call)
    reason = clean(reason).strip()
    if not reason:
        raise DomainError(_("Say why the budget is changed."), code="required", field="reason")
    with transaction.atomic():
        locked = Call.objects.select_for_update(of=("self",), no_key=True).get(pk=call.pk)
        if locked.budget_fen == budget_fen:
            return locked
        released = budget_of(locked).released
        if budget_fen is not None and budget_fen < released:
            raise DomainError(
                _("%(released)s are granted already: the budget cannot be less.")
                % {"released": format_yuan(released)},
                code="below_granted",
                field="budget_fen",
            )
        before, locked.budget_fen = locked.budget_fen, budget_fen
        locked.save(update_fields=["budget_fen"])
        record(
            "call.budget",
            locked,
            actor=actor,
            before={"budget_fen": before},
            after={"budget_fen": budget_fen},
            reason=reason,
        )
    call.budget_fen = budget_fen
    return locked


# --- the reserve list ----------------------------------------------------------------------------------------------


def promote_reserve(
    call: Call,
    *,
    actor: User,
    amount_fen: int | None = None,
    amount_reason: str = "",
    seen: int | None = None,
) -> Decision:
    """Propose the first reserve of ``call`` for approval within what the budget has left, and return the verdict.

    ``amount_fen`` is what was asked for, unless told. It is kept pending like any verdict: letter, notice and release
    follow. ``seen`` is the application that was first when the page was read. Raises ``DomainError`` when the list is
    empty or the money does not reach.
    """
    require(actor, "funding.propose_decisions", call)
    with transaction.atomic():
        _hold(call)
        call.refresh_from_db(fields=["budget_fen"])
        waiting = _without_verdict(call)
        if not waiting:
            raise DomainError(_("Nobody waits on the reserve list."), code="no_reserve")
        # Who decides whether the first reserve gets something decides about all that wait behind.
        refuse_conflicted((one.application for one in waiting), actor)
        first = waiting[0].application
        if seen is not None and seen != first.pk:
            raise Conflict(
                _("%(number)s is the first on the reserve list by now.") % {"number": first.number},
                code="stale",
            )
        amount = amount_fen or first.amount_fen
        if not amount:
            raise DomainError(_("An amount above zero, please."), code="required", field="amount_fen")
        left = budget_of(call).left
        if left is not None and amount > left:
            raise DomainError(
                _("The budget has %(left)s left, %(number)s would get %(amount)s.")
                % {
                    "left": format_yuan(max(left, 0)),
                    "number": first.number,
                    "amount": format_yuan(amount),
                },
                code="over_budget",
                field="amount_fen",
            )
        proposal = Proposal(first, Verdict.APPROVE, amount_fen=amount, amount_reason=amount_reason, seen="")
        (decision,) = propose_decisions([proposal], actor=actor)
    return decision


def _without_verdict(call: Call) -> list[Decision]:
    pending = Decision.objects.filter(application__call=call, state=DecisionState.PENDING)
    decided = set(pending.values_list("application_id", flat=True))
    return [one for one in reserves_of(call) if one.application_id not in decided]


def reserve_list(call: Call, viewer: User | None = None) -> list[dict[str, Any]]:
    """Return the reserve list as a page shows it: place, application, what was pending of it since. Two queries.

    For a ``viewer`` without what is pending of applications that a conflict of interest keeps that person from.
    """
    decisions = Decision.objects.all() if viewer is None else Decision.objects.visible_to(viewer)
    pending = {
        one.application_id: one
        for one in decisions.filter(application__call=call, state=DecisionState.PENDING).select_related(
            "decided_by"
        )
    }
    return [
        {
            "place": place,
            "application": one.application,
            "pending": pending.get(one.application_id),
        }
        for place, one in enumerate(reserves_of(call), 1)
    ]
