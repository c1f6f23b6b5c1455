"""Panel meetings with members, agenda and votes for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from funding.models import (
    AgendaItem,
    Call,
    Meeting,
    PanelComment,
    PanelMember,
    Recusal,
    Reviewer,
    UsefulnessRating,
)
from funding.panels import services
from funding.panels.states import VoteKind
from park_portal.core.accounts.models import User
from tests.factories import fill, makes
from tests.factories.core import make_staff
from tests.factories.reviews import make_application, make_expert, make_review_call, shared_call
from tests.personas import make_person, persona


def make_meeting(
    items: int = 2,
    *,
    members: int = 3,
    chair: User | None = None,
    secretary: User | None = None,
    people: list[User] | None = None,
    call: Call | None = None,
    actor: User | None = None,
    **values: Any,
) -> Meeting:
    """Returns a planned meeting with this many applications and, beside the chair, this many members."""
    call = call or make_review_call("panel", "decision")
    for number in range(items):
        make_application(call, title=f"类器官药筛{number + 1}")
    return services.plan_meeting(
        call.stages.get(kind="panel"),
        actor=actor or make_staff("officer"),
        chair=chair or make_expert("主持人"),
        members=people if people is not None else [make_expert(f"委员{n + 1}") for n in range(members)],
        secretary=secretary,
        **{
            "starts_at": timezone.now() + timedelta(days=7),
            "place": "A 座 301",
            "quorum": 2,
            "vote_kind": VoteKind.SCORES,
            **values,
        },
    )


def chair_of(meeting: Meeting) -> User:
    return meeting.members.seated().get(role="chair").user


def members_of(meeting: Meeting) -> list[User]:
    """Returns those who vote, the chair first."""
    rest = meeting.members.voting().filter(role="member").order_by("id")
    return [chair_of(meeting), *(one.user for one in rest)]


def pledge_all(meeting: Meeting) -> None:
    """Everyone on the panel declares on every item that they may read."""
    for member in meeting.members.seated():
        for item in meeting.items.exclude(recusals__member=member):
            services.pledge_on(item, actor=member.user)


def open_session(meeting: Meeting, *, present: int | None = None) -> Meeting:
    """Returns the meeting in session, everyone declared, everyone (or the first ``present`` of those who vote) in the room."""
    pledge_all(meeting)
    meeting = services.open_meeting(meeting, actor=chair_of(meeting))
    voters = members_of(meeting)
    here = voters if present is None else voters[:present]
    for member in meeting.members.seated():
        wanted = member.user in here or (present is None)
        services.note_attendance(member, actor=chair_of(meeting), present=wanted)
    return meeting


def session(items: int = 2, **values: Any) -> Meeting:
    return open_session(make_meeting(items, **values))


def voting_item(meeting: Meeting) -> AgendaItem:
    """Returns the first item that waits, with its vote open."""
    item = meeting.items.filter(state="waiting").first()
    item = services.call_item(item, actor=chair_of(meeting))
    return services.open_vote(item, actor=chair_of(meeting))


def vote_all(item: AgendaItem, *scores: int, **votes: Any) -> AgendaItem:
    """Everyone who may vote votes: the scores in turn, the last one for the rest; or ``choices``."""
    choices = votes.pop("choices", None)
    for number, user in enumerate(members_of(item.meeting)):
        member = item.meeting.members.get(user=user)
        if item.recusals.filter(member=member).exists():
            continue
        if choices:
            services.cast_ballot(item, actor=user, choice=choices[min(number, len(choices) - 1)])
        else:
            services.cast_ballot(
                item, actor=user, score=(scores or (80,))[min(number, len(scores or (80,)) - 1)]
            )
    return item


def concluded(item: AgendaItem, opinion: str = "fund", summary: str = "专家组同意支持。") -> AgendaItem:
    """Returns the item after its vote was counted and the result written."""
    chair = chair_of(item.meeting)
    services.count_votes(item, actor=chair)
    return services.conclude_item(item, actor=chair, opinion=opinion, summary=summary)


def finished(meeting: Meeting | None = None) -> Meeting:
    """Returns a meeting that is closed, its first item voted on."""
    meeting = meeting or session()
    concluded(vote_all(voting_item(meeting)))
    return services.close_meeting(meeting, actor=chair_of(meeting))


def signed(meeting: Meeting | None = None) -> Meeting:
    """Returns a meeting whose minutes the chair has signed."""
    meeting = meeting or finished()
    return services.sign_minutes(meeting, actor=chair_of(meeting), sha256=meeting.minutes.sha256)


@makes("funding.Meeting")
def meeting(**values: Any) -> Meeting:
    if values.get("state") == "signed":
        return signed()
    call = values.pop("call", None) or shared_call("panel", "decision")
    return make_meeting(0, members=2, call=call, **values)


@makes("funding.AgendaItem")
def agenda_item(**values: Any) -> AgendaItem:
    return make_meeting(1, members=2, call=make_review_call("panel", "decision")).items.get()


makes("funding.PanelMember")(lambda **values: make_meeting(0, members=1, quorum=1).members.get(role="member"))


@persona("panel_member")
def panel_member() -> User:
    """An expert who sits on panels."""
    user = make_person("panel_member")
    Reviewer.objects.create(user=user, institution="独立研究院")
    return user


@persona("panel_chair")
def panel_chair() -> User:
    """An expert who chairs panels."""
    user = make_person("panel_chair")
    Reviewer.objects.create(user=user, institution="另一研究院")
    return user


def in_the_room() -> PanelMember:
    """Returns a member who is present at a meeting in session, with one application on its agenda."""
    return session(1, members=1, quorum=1).members.get(role="member")


def the_item(member: PanelMember) -> AgendaItem:
    return member.meeting.items.get()


def ballot_box() -> AgendaItem:
    """Returns an item on which everyone has voted."""
    return vote_all(voting_item(in_the_room().meeting))


def comment() -> PanelComment:
    member = in_the_room()
    services.call_item(the_item(member), actor=chair_of(member.meeting))
    return services.comment_on(the_item(member), actor=member.user, text="建议资助。")


def rating() -> UsefulnessRating:
    member = in_the_room()
    run = the_item(member).run
    values = {"run": run, "application": run.application, "reviewer": make_expert()}
    return UsefulnessRating.objects.create(
        member=member, item=the_item(member), review=fill("funding.Review", **values), value=4
    )


def recusal() -> Recusal:
    meeting = make_meeting(1, members=1)
    member = meeting.members.get(role="member")
    services.declare_conflict(the_item(member), actor=member.user, kind="coauthor")
    return Recusal.objects.get(member=member)


makes("funding.Attendance")(lambda **values: in_the_room().movements.first())
makes("funding.PanelPledge")(lambda **values: in_the_room().pledges.get())
makes("funding.Turnout")(lambda **values: ballot_box().turnout.first())
makes("funding.Ballot")(lambda **values: ballot_box().ballots.first())
makes("funding.PanelComment")(lambda **values: comment())
makes("funding.UsefulnessRating")(lambda **values: rating())
makes("funding.Recusal")(lambda **values: recusal())
