"""What members say: that they have no conflict, or have one; their ballot, remarks, how useful a review was."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.panels.models import (
    AgendaItem,
    Ballot,
    PanelComment,
    PanelMember,
    PanelPledge,
    Recusal,
    Turnout,
    UsefulnessRating,
)
from funding.panels.services.common import (
    is_present,
    lock_item,
    note_standing,
    recuse,
    refuse_unless_in_session,
    refuse_unless_under_way,
    seat_of,
    show,
    tidy,
)
from funding.panels.states import STILL_OPEN, Choice, ItemState, RecusalSource, VoteKind
from funding.reviews.models import Review
from funding.reviews.services import DERIVED, write_tie
from funding.reviews.states import ConflictKind, ConflictSource, ReviewState
from park_portal.core.accounts.models import User
from park_portal.core.audit.services import record
from park_portal.core.errors import Conflict as SomebodyElse
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.text import both
from park_portal.core.workflow import require

LONGEST_COMMENT = 1000
LONGEST_REMARK = 2000


def pledge_on(item: AgendaItem, *, actor: User) -> PanelPledge:
    """Take a member's word that no conflict is known to them and the text stays confidential: now they may read it.

    Raises ``DomainError`` where the portal knows better; they are recused then.
    """
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.declare_in_panel", held)
        member = _seat(held, actor)
        pledge = PanelPledge.objects.filter(item=held, member=member).first()
        if pledge is not None:
            return pledge
        refuse_unless_under_way(held.meeting)
        new = note_standing(held.meeting, [held], [member])
        recusal = Recusal.objects.filter(item=held, member=member).first()
        if recusal is None:
            pledge = PanelPledge.objects.create(item=held, member=member)
            record("agenda_item.pledge", held, actor=actor, pledge=True)
        if new or pledge is not None:
            show(held.meeting)
    if pledge is None:
        # What was found stays written down: it was true before they said otherwise.
        raise DomainError(
            format_lazy(
                gettext_lazy("You cannot take part in {number}: {reason}. You leave the room for it."),
                number=held.application.number,
                reason=recusal.reason if recusal is not None else "",
            ),
            code="conflict_of_interest",
        )
    return pledge


def declare_conflict(
    item: AgendaItem, *, actor: User, kind: str = ConflictKind.DECLARED, note: str = ""
) -> Recusal:
    """Declare a conflict of interest with ``item``: it is kept for the applicant, and the member leaves the room for it."""
    if kind not in ConflictKind.values or kind in DERIVED:
        raise DomainError(_("Choose what kind of conflict it is."), code="unknown_kind", field="kind")
    text = tidy(note)
    if kind in (ConflictKind.DECLARED, ConflictKind.OTHER) and not text:
        raise DomainError(_("Say in a few words what the conflict is."), code="required", field="note")
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.declare_in_panel", held)
        member = _seat(held, actor)
        known = Recusal.objects.filter(item=held, member=member).first()
        if known is not None:
            return known
        refuse_unless_under_way(held.meeting)
        if held.state not in (*STILL_OPEN, ItemState.POSTPONED):
            raise IllegalTransition(_("The panel is done with this item."), code="item_over")
        if Turnout.objects.filter(item=held, member=member, round=held.round).exists() and held.round:
            raise DomainError(
                _("You have voted on this item. Tell the chair, who has the vote held again."), code="voted"
            )
        write_tie(
            actor,
            actor=actor,
            kind=kind,
            source=ConflictSource.PERSON,
            ends={"application": held.application},
            values={"note": text},
        )
        reason = text or " / ".join(both(lambda: ConflictKind(kind).label).values())
        recusal = recuse(held, member, source=RecusalSource.DECLARED, reason=reason, actor=actor)
        show(held.meeting)
    return recusal


def cast_ballot(
    item: AgendaItem,
    *,
    actor: User,
    score: int | None = None,
    choice: str = "",
    comment: str = "",
) -> AgendaItem:
    """Vote on ``item`` and return it: ``score`` from 0 to 100 or ``choice`` (yes, no, abstain), as the meeting votes.

    A ballot that was cast is not changed. Of a secret one neither the audit trail nor any table says whose it is.
    """
    with transaction.atomic():
        held = lock_item(item)
        require(actor, "funding.vote_in_panel", held)
        member = _seat(held, actor)
        if held.state != ItemState.VOTING:
            raise IllegalTransition(_("This item is not being voted on."), code="not_voting")
        refuse_unless_in_session(held.meeting)
        _refuse_recused(held, member)
        _refuse_unpledged(held, member)
        if not is_present(member):
            raise DomainError(
                _("You are not noted as being in the room. Say that you are here, then vote."), code="absent"
            )
        values = _vote(held, score, choice)
        values["comment"] = tidy(comment, LONGEST_COMMENT)
        if Turnout.objects.filter(item=held, member=member, round=held.round).exists():
            mine = Ballot.objects.filter(item=held, member=member, round=held.round).first()
            if mine is not None and (mine.score, mine.choice) == (values["score"], values["choice"]):
                return held
            raise SomebodyElse(
                _("Your ballot is in already, and one that was cast is not changed."), code="voted"
            )
        Turnout.objects.create(item=held, member=member, round=held.round)
        Ballot.objects.create(
            item=held, round=held.round, member=None if held.meeting.secret else member, **values
        )
        told = (
            {}
            if held.meeting.secret
            else {key: value for key, value in values.items() if value not in ("", None)}
        )
        record("agenda_item.vote", held, actor=actor, after=told, round=held.round)
        show(held.meeting)
    return held


def _vote(item: AgendaItem, score: int | None, choice: str) -> dict[str, object]:
    if item.meeting.vote_kind == VoteKind.SCORES:
        if isinstance(score, bool) or not isinstance(score, int) or not 0 <= score <= 100 or choice:
            raise DomainError(_("A whole number from 0 to 100, please."), code="score_range", field="score")
        return {"score": score, "choice": ""}
    if choice not in Choice.values or score is not None:
        raise DomainError(_("Yes, no, or abstain?"), code="unknown_choice", field="choice")
    return {"score": None, "choice": choice}


def comment_on(item: AgendaItem, *, actor: User, text: str) -> PanelComment:
    """Add a remark to ``item``, which everyone in the room for it reads at once; the same again is not added twice."""
    said = tidy(text, LONGEST_REMARK + 1)
    if not said:
        raise DomainError(_("Write something first."), code="required", field="text")
    if len(said) > LONGEST_REMARK:
        raise DomainError(
            _("At most %(most)d characters.") % {"most": LONGEST_REMARK}, code="too_long", field="text"
        )
    with transaction.atomic():
        held = lock_item(item)
        _refuse_recused(held, seat_of(held.meeting, actor))
        require(actor, "funding.speak_in_panel", held)
        member = _seat(held, actor)
        refuse_unless_in_session(held.meeting)
        _refuse_unpledged(held, member)
        last = held.comments.filter(member=member).order_by("-id").first()
        if last is not None and last.text == said:
            return last
        comment = PanelComment.objects.create(item=held, member=member, text=said)
        record("agenda_item.comment", held, actor=actor, comment=comment.pk)
        show(held.meeting)
    return comment


def rate_review(item: AgendaItem, review: Review, *, actor: User, value: int) -> UsefulnessRating:
    """Say how useful one review of ``item`` was, from 1 to 5; until the meeting is closed it can be changed."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        raise DomainError(_("A number from 1 to 5, please."), code="rating_range", field="value")
    with transaction.atomic():
        held = lock_item(item)
        _refuse_recused(held, seat_of(held.meeting, actor))
        require(actor, "funding.speak_in_panel", held)
        member = _seat(held, actor)
        refuse_unless_under_way(held.meeting)
        _refuse_unpledged(held, member)
        if review.application_id != held.application_id or review.state != ReviewState.SUBMITTED:
            raise DomainError(
                _("This review is not one of the item's."), code="unknown_review", field="review"
            )
        if review.reviewer_id == actor.pk:
            raise DomainError(_("Your own review is rated by the others."), code="own_review", field="review")
        rating = UsefulnessRating.objects.filter(review=review, member=member).first()
        if rating is None:
            rating = UsefulnessRating.objects.create(review=review, item=held, member=member, value=value)
        elif rating.value != value:
            rating.value, rating.rated_at = value, timezone.now()
            rating.save(update_fields=["value", "rated_at"])
        else:
            return rating
        record("review.rate", review, actor=actor, after={"value": value}, item=held.pk)
    return rating


def _seat(item: AgendaItem, actor: User) -> PanelMember:
    member = seat_of(item.meeting, actor)
    if member is None:
        raise Forbidden()
    return member


def _refuse_recused(item: AgendaItem, member: PanelMember | None) -> None:
    if member is not None and Recusal.objects.filter(item=item, member=member).exists():
        raise Forbidden(_("You have left the room for this item."), code="recused")


def _refuse_unpledged(item: AgendaItem, member: PanelMember) -> None:
    if not PanelPledge.objects.filter(item=item, member=member).exists():
        raise DomainError(
            _("Declare first whether you have a conflict of interest with this application."),
            code="not_declared",
        )
