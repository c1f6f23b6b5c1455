"""Attempts on the rules of panels."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.utils import timezone

from tests.laws.violations import Breach, breaks, changed, repeated
from tests.laws.violations.generated import below_zero, signature
from tests.laws.violations.rows import in_session, row, update, voting

MEETING, MEMBER, ITEM = "funding.Meeting", "funding.PanelMember", "funding.AgendaItem"


def cancelled(meeting: Any) -> Any:
    update(meeting, state="cancelled")
    return meeting


# --- meetings

breaks("meeting_has_quorum")(changed(MEETING, quorum=0))
breaks("meeting_has_length")(changed(MEETING, minutes_planned=0))
breaks("funding_meeting_quorum_check", behind=("meeting_has_quorum",))(below_zero(MEETING, "quorum"))
breaks("funding_meeting_minutes_planned_check", behind=("meeting_has_length",))(
    below_zero(MEETING, "minutes_planned")
)
breaks("meeting_signed_whole")(changed(MEETING, signed_at=timezone.now()))
breaks("panel_member_once")(repeated(MEMBER, "meeting", "user"))
breaks("panel_one_chair")(repeated(MEMBER, "meeting", role="chair"))


@breaks("meeting_of_its_call")
def meeting_on_another_calls_stage() -> dict[str, Breach]:
    call = row("funding.Call")
    stage = row("funding.Stage", kind="panel")
    return {"insert": lambda: row(MEETING, call=call, stage=stage)}


@breaks("meeting_terms_fixed")
def terms_of_a_meeting_in_session() -> dict[str, Breach]:
    meeting = in_session().meeting
    return {
        f"update: {name}": lambda name=name, value=value: update(meeting, **{name: value})
        for name, value in (("quorum", 9), ("vote_kind", "yes_no"), ("secret", True))
    }


@breaks("meeting_signed_fixed")
def meeting_that_is_signed() -> dict[str, Breach]:
    meeting = row(MEETING)
    with pgtrigger.ignore():
        update(meeting, state="signed", **signature())
    return {"update": lambda: update(meeting, place="elsewhere")}


@breaks("panel_member_under_way")
def panel_of_a_meeting_that_is_over() -> dict[str, Breach]:
    member = row(MEMBER)
    cancelled(member.meeting)
    return {
        "insert": lambda: row(MEMBER, meeting=member.meeting),
        "update": lambda: update(member, role="observer"),
    }


# --- who is in the room


@breaks("attendance_names_its_item")
def attendance_of_nothing() -> dict[str, Breach]:
    member = in_session()
    item = row(ITEM, meeting=member.meeting)
    return {
        "insert: out of no item": lambda: row("funding.Attendance", member=member, kind="stepped_out"),
        "insert: came to an item": lambda: row("funding.Attendance", member=member, kind="came", item=item),
    }


@breaks("attendance_of_one_meeting")
def attendance_of_two_meetings() -> dict[str, Breach]:
    member, item = in_session(), row(ITEM)
    return {"insert": lambda: row("funding.Attendance", member=member, kind="stepped_out", item=item)}


@breaks("attendance_in_session")
def attendance_before_the_meeting() -> dict[str, Breach]:
    member = row(MEMBER)
    return {"insert": lambda: row("funding.Attendance", member=member, kind="came")}


# --- the agenda

breaks("agenda_item_score_in_range")(changed(ITEM, score=101))


@breaks("agenda_item_once")
def item_twice() -> dict[str, Breach]:
    item = row(ITEM)
    update(item, state="postponed")
    return {"insert": lambda: row(ITEM, meeting=item.meeting, run=item.run)}


@breaks("agenda_item_in_one_meeting")
def item_of_two_meetings() -> dict[str, Breach]:
    item = row(ITEM)
    other = row(MEETING, stage=item.meeting.stage, call=item.meeting.call)
    return {"insert": lambda: row(ITEM, meeting=other, run=item.run)}


@breaks("agenda_item_one_at_a_time")
def two_items_on_the_table() -> dict[str, Breach]:
    first = row(ITEM)
    second = row(ITEM, meeting=first.meeting)
    update(first, state="current")
    return {"update": lambda: update(second, state="current")}


@breaks("agenda_item_closed_with_result")
def item_without_result() -> dict[str, Breach]:
    item = row(ITEM)
    with pgtrigger.ignore():
        update(item, state="counted")
    return {"update": lambda: update(item, state="closed", closed_at=timezone.now())}


@breaks("agenda_item_of_its_run")
def item_of_another_run() -> dict[str, Breach]:
    meeting, run = row(MEETING), row("funding.StageRun")
    mine, other = row("funding.StageRun", stage=meeting.stage), row("funding.StageRun", stage=meeting.stage)
    return {
        "insert: of another stage": lambda: row(ITEM, meeting=meeting, run=run),
        "insert: of another application": lambda: row(
            ITEM, meeting=meeting, run=mine, application=other.application
        ),
    }


@breaks("agenda_item_under_way")
def agenda_of_a_meeting_that_is_over() -> dict[str, Breach]:
    item = row(ITEM)
    cancelled(item.meeting)
    return {
        "insert": lambda: row(ITEM, meeting=item.meeting),
        "update": lambda: update(item, position=9),
    }


@breaks("agenda_item_quorum")
def count_without_quorum() -> dict[str, Breach]:
    item = voting(in_session())
    alone = row("funding.Ballot", member=in_session(quorum=2)).item
    return {
        "update: nobody voted": lambda: update(item, state="counted"),
        "update: too few": lambda: update(alone, state="counted"),
    }


@breaks("agenda_item_ballots")
def count_of_other_ballots() -> dict[str, Breach]:
    item = row("funding.Turnout", member=in_session()).item
    barred = row("funding.Ballot", member=in_session())
    other = row(MEMBER, meeting=barred.item.meeting)
    row("funding.Attendance", member=other, kind="came")
    row("funding.Recusal", item=barred.item, member=barred.member)
    return {
        "update: voted without a ballot": lambda: update(item, state="counted"),
        "update: voted in spite of a conflict": lambda: update(barred.item, state="counted"),
    }


@breaks("agenda_item_closed_fixed")
def item_that_is_closed() -> dict[str, Breach]:
    item = row(ITEM)
    with pgtrigger.ignore():
        update(item, state="closed", opinion="fund", summary="x", closed_at=timezone.now())
    return {"update": lambda: update(item, summary="y")}


# --- declarations and recusals

breaks("panel_pledge_once")(repeated("funding.PanelPledge", "item", "member"))
breaks("recusal_once")(repeated("funding.Recusal", "item", "member"))
breaks("recusal_source_known")(lambda: {"insert": lambda: row("funding.Recusal", source="x")})


def _of_two_meetings(name: str, label: str, **more: Any) -> None:
    @breaks(name)
    def prepare() -> dict[str, Breach]:
        item, member = row(ITEM), row(MEMBER)
        return {"insert": lambda: row(label, item=item, member=member, **more)}


_of_two_meetings("panel_pledge_of_one_meeting", "funding.PanelPledge")
_of_two_meetings("recusal_of_one_meeting", "funding.Recusal")
_of_two_meetings("panel_comment_of_one_meeting", "funding.PanelComment")


@breaks("recusal_under_way")
def recusal_after_the_meeting() -> dict[str, Breach]:
    item = row(ITEM)
    member = row(MEMBER, meeting=item.meeting)
    cancelled(item.meeting)
    return {"insert": lambda: row("funding.Recusal", item=item, member=member)}


# --- votes


@breaks("turnout_once")
def voted_twice() -> dict[str, Breach]:
    vote = row("funding.Turnout")
    return {"insert": lambda: row("funding.Turnout", item=vote.item, member=vote.member)}


@breaks("turnout_of_one_meeting")
def voted_elsewhere() -> dict[str, Breach]:
    item, stranger = voting(in_session()), in_session()
    return {"insert": lambda: row("funding.Turnout", item=item, member=stranger)}


@breaks("turnout_of_who_may_vote")
def voted_without_right() -> dict[str, Breach]:
    member = in_session()
    item = voting(member)
    waiting = row(ITEM, meeting=member.meeting)
    absent = row(MEMBER, meeting=member.meeting)
    observer, barred, gone = (row(MEMBER, meeting=member.meeting) for _number in range(3))
    for one in (observer, barred, gone):
        row("funding.Attendance", member=one, kind="came")
    update(observer, role="observer")
    update(gone, removed_at=timezone.now())
    row("funding.Recusal", item=item, member=barred)

    def vote(of: Any, on: Any = item, number: int = 1) -> Breach:
        return lambda: row("funding.Turnout", item=on, member=of, round=number)

    return {
        "insert: absent": vote(absent),
        "insert: observer": vote(observer),
        "insert: in spite of a conflict": vote(barred),
        "insert: removed": vote(gone),
        "insert: not open": vote(member, waiting),
        "insert: another vote": vote(member, number=2),
    }


@breaks("ballot_once")
def ballot_twice() -> dict[str, Breach]:
    ballot = row("funding.Ballot")
    return {"insert": lambda: row("funding.Ballot", item=ballot.item, member=ballot.member)}


@breaks("ballot_says_one_thing")
def ballot_of_two_minds() -> dict[str, Breach]:
    vote = row("funding.Turnout")
    return {
        "insert: above the highest": lambda: row(
            "funding.Ballot", item=vote.item, member=vote.member, score=101
        ),
        "insert: score and choice": lambda: row(
            "funding.Ballot", item=vote.item, member=vote.member, choice="yes"
        ),
    }


@breaks("ballot_fits_the_vote")
def ballot_of_another_kind() -> dict[str, Breach]:
    member = in_session()
    item, waiting = voting(member), row(ITEM, meeting=member.meeting)
    row("funding.Turnout", member=member, item=item)
    hidden = row("funding.Turnout", member=in_session(secret=True))
    choice = row("funding.Turnout", member=in_session(vote_kind="yes_no"))
    other = row(MEMBER, meeting=member.meeting)

    def ballot(**values: Any) -> Breach:
        return lambda: row("funding.Ballot", **values)

    return {
        "insert: a choice for a score": ballot(item=item, member=member, score=None, choice="yes"),
        "insert: a score for a choice": ballot(item=choice.item, member=choice.member, score=5),
        "insert: without a name in an open vote": ballot(item=item, member=None),
        "insert: with a name in a secret one": ballot(item=hidden.item, member=hidden.member),
        "insert: of who has not voted": ballot(item=item, member=other),
        "insert: not open": ballot(item=waiting, member=member),
        "insert: another vote": ballot(item=item, member=member, round=2),
    }


# --- what was said

breaks("usefulness_once")(repeated("funding.UsefulnessRating", "review", "member", "item"))
breaks("usefulness_in_range")(changed("funding.UsefulnessRating", value=6))
breaks("funding_usefulnessrating_value_check", behind=("usefulness_in_range",))(
    below_zero("funding.UsefulnessRating", "value")
)


@breaks("panel_comment_by_who_is_there")
def remark_from_outside() -> dict[str, Breach]:
    recusal = row("funding.Recusal")
    return {"insert": lambda: row("funding.PanelComment", item=recusal.item, member=recusal.member)}


@breaks("usefulness_of_its_item")
def rating_of_another_review() -> dict[str, Breach]:
    item, review, stranger = row(ITEM), row("funding.Review"), row(MEMBER)
    return {
        "insert: another application's": lambda: row("funding.UsefulnessRating", item=item, review=review),
        "insert: another panel's": lambda: row("funding.UsefulnessRating", item=item, member=stranger),
    }


@breaks("usefulness_by_who_is_there")
def rating_from_outside() -> dict[str, Breach]:
    rating = row("funding.UsefulnessRating")
    row("funding.Recusal", item=rating.item, member=rating.member)
    recusal = row("funding.Recusal")
    return {
        "insert": lambda: row("funding.UsefulnessRating", item=recusal.item, member=recusal.member),
        "update": lambda: update(rating, value=5),
    }
