"""Figures of a sitting: who is in the room, who has voted, what the votes say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from funding.panels.models import AgendaItem, Ballot, Meeting, PanelMember
from funding.panels.states import VOTERS, Choice, Movement
from funding.reviews.scoring import Spread, spread
from funding.reviews.states import Opinion


@dataclass(frozen=True)
class Seat:
    """One place on the panel as it is now: in the room or not, out for the item, has voted on it."""

    member: PanelMember
    is_present: bool
    is_recused: bool = False
    has_voted: bool = False

    @property
    def votes(self) -> bool:
        return self.member.role in VOTERS

    @property
    def is_expected(self) -> bool:
        """Whether a vote on the item is waited for from this person."""
        return self.votes and self.is_present and not self.is_recused and not self.has_voted


@dataclass(frozen=True)
class Room:
    """The panel of a meeting as it is now, for one item or for none in particular."""

    seats: Sequence[Seat]
    quorum: int

    @property
    def present(self) -> list[Seat]:
        """The voting members who are in the room and may stay there."""
        return [seat for seat in self.seats if seat.votes and seat.is_present and not seat.is_recused]

    @property
    def missing(self) -> list[Seat]:
        """The voting members who are not in the room."""
        return [seat for seat in self.seats if seat.votes and not seat.is_present]

    @property
    def recused(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.is_recused]

    @property
    def voted(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.has_voted]

    @property
    def expected(self) -> list[Seat]:
        return [seat for seat in self.seats if seat.is_expected]

    @property
    def has_quorum(self) -> bool:
        return len(self.present) >= self.quorum

    @property
    def vote_has_quorum(self) -> bool:
        return self.has_quorum and len(self.voted) >= self.quorum

    def seat_of(self, user_id: int | None) -> Seat | None:
        return next((seat for seat in self.seats if seat.member.user_id == user_id), None)


def room_of(meeting: Meeting, item: AgendaItem | None = None) -> Room:
    """Return the panel as it is now, in one query, or three where there is an ``item``."""
    members = list(meeting.members.seated().with_presence().select_related("user").order_by("id"))
    out: set[int] = set()
    voted: set[int] = set()
    if item is not None:
        out = set(item.recusals.values_list("member_id", flat=True))
        voted = set(item.turnout.filter(round=item.round).values_list("member_id", flat=True))
    seats = [
        Seat(one, getattr(one, "movement", None) == Movement.CAME, one.pk in out, one.pk in voted)
        for one in members
    ]
    seats.sort(key=lambda seat: (_RANK[seat.member.role], seat.member.pk))
    return Room(seats, meeting.quorum)


_RANK = {"chair": 0, "member": 1, "secretary": 2, "observer": 3}


@dataclass(frozen=True)
class Tally:
    """What the ballots of one vote say: scores out of 100, or how many said yes, no and abstained."""

    scores: Spread
    choices: Counter[str]
    ballots: Sequence[Ballot]

    @property
    def score(self) -> Decimal | None:
        """The panel's score: the mean of the ballots, to two places."""
        return self.scores.mean

    @property
    def yes(self) -> int:
        return self.choices[Choice.YES]

    @property
    def no(self) -> int:
        return self.choices[Choice.NO]

    @property
    def abstained(self) -> int:
        return self.choices[Choice.ABSTAIN]

    @property
    def is_carried(self) -> bool:
        """More said yes than no; a tie is no majority."""
        return self.yes > self.no


def tally_of(item: AgendaItem) -> Tally:
    """Return what the ballots of the vote that counts say, in one query."""
    ballots = list(item.ballots.filter(round=item.round).select_related("member__user"))
    scores = [Decimal(ballot.score) for ballot in ballots if ballot.score is not None]
    return Tally(spread(scores), Counter(ballot.choice for ballot in ballots if ballot.choice), ballots)


def allowed_opinions(meeting: Meeting, tally: Tally) -> tuple[Opinion, ...]:
    """Return the recommendations that the vote leaves: a vote by yes and no binds, scores are worded by the panel."""
    if meeting.vote_kind == "scores":
        return (Opinion.FUND, Opinion.FUND_WITH_CHANGES, Opinion.DO_NOT_FUND)
    return (Opinion.FUND, Opinion.FUND_WITH_CHANGES) if tally.is_carried else (Opinion.DO_NOT_FUND,)
