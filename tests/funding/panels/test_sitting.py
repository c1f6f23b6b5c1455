"""A meeting from its first minute to its last, by the services that pages and API call."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import override

from funding.applications.services import withdraw_application
from funding.models import (
    AgendaItem,
    Attendance,
    Ballot,
    Calculation,
    Conflict,
    PanelComment,
    PanelPledge,
    Recusal,
    Review,
    Turnout,
)
from funding.panels import services
from funding.reviews.services import on_withdrawn, record_conflict
from park_portal.core.audit.models import Entry
from park_portal.core.errors import Conflict as SomebodyElse
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.panels import (
    chair_of,
    concluded,
    finished,
    make_meeting,
    members_of,
    open_session,
    pledge_all,
    session,
    vote_all,
    voting_item,
)
from tests.factories.reviews import (
    expert_run,
    make_application,
    make_expert,
    make_review_call,
    submitted_review,
)

pytestmark = pytest.mark.django_db


def first(meeting):
    return meeting.items.order_by("position").first()


# --- the whole way


def test_item_goes_from_call_to_result_and_its_application_moves_on():
    meeting = session(items=2)
    item = concluded(vote_all(voting_item(meeting), 80, 70, 90, 61))
    assert (item.state, item.opinion, item.score) == ("closed", "fund", Decimal("75.25"))
    application = item.application
    application.refresh_from_db()
    assert application.current_stage.kind == "decision"
    review = Review.objects.get(run=item.run)
    assert (review.reviewer, review.opinion, review.score) == (chair_of(meeting), "fund", Decimal("75.25"))
    assert review.comment_committee == "专家组同意支持。"
    item.run.refresh_from_db()
    assert item.run.state == "passed"


def test_vote_by_yes_and_no_binds_the_recommendation():
    meeting = session(items=2, vote_kind="yes_no")
    item = services.count_votes(
        vote_all(voting_item(meeting), choices=["yes", "no", "abstain", "no"]), actor=chair_of(meeting)
    )
    with pytest.raises(DomainError) as refused:
        services.conclude_item(item, actor=chair_of(meeting), opinion="fund", summary="支持。")
    assert refused.value.code == "unknown_opinion"
    item = services.conclude_item(
        item, actor=chair_of(meeting), opinion="do_not_fund", summary="多数不同意。"
    )
    assert (item.opinion, item.score) == ("do_not_fund", None)
    tie = vote_all(voting_item(meeting), choices=["yes", "no", "abstain", "abstain"])
    assert not services.tally_of(services.count_votes(tie, actor=chair_of(meeting))).is_carried


def test_negative_result_ends_the_application_where_the_stage_says_so():
    call = make_review_call("panel", "decision", changes={"panel": {"on_negative": "reject"}})
    meeting = session(items=1, call=call)
    item = concluded(vote_all(voting_item(meeting), 20), opinion="do_not_fund", summary="证据不足。")
    item.application.refresh_from_db()
    assert item.application.state == "rejected"


def test_second_click_on_every_act_changes_nothing():
    meeting = session(items=1)
    chair, item = chair_of(meeting), first(meeting)
    for act, more in (
        (services.call_item, {}),
        (services.open_vote, {}),
    ):
        act(item, actor=chair, **more)
        before = Entry.objects.count()
        act(item, actor=chair, **more)
        assert Entry.objects.count() == before
    vote_all(item)
    before = Entry.objects.count()
    services.cast_ballot(item, actor=chair, score=80)
    assert Entry.objects.count() == before
    for _twice in range(2):
        services.count_votes(item, actor=chair)
    for _twice in range(2):
        services.conclude_item(item, actor=chair, opinion="fund", summary="支持。")
    assert Review.objects.filter(run__agenda_items=item).count() == 1
    for _twice in range(2):
        meeting = services.close_meeting(meeting, actor=chair)
    minutes = meeting.minutes
    for _twice in range(2):
        meeting = services.sign_minutes(meeting, actor=chair, sha256=minutes.sha256)
    assert (meeting.state, meeting.signed_by, meeting.signed_sha256) == ("signed", chair, minutes.sha256)


# --- quorum


def test_vote_cannot_be_opened_without_a_quorum_and_says_who_is_missing():
    meeting = open_session(make_meeting(1, members=2, quorum=3), present=2)
    item = services.call_item(first(meeting), actor=chair_of(meeting))
    with pytest.raises(DomainError) as refused:
        services.open_vote(item, actor=chair_of(meeting))
    assert refused.value.code == "no_quorum"
    assert "2" in str(refused.value)
    assert "3" in str(refused.value)
    assert str(refused.value.problems[0].message).endswith("委员2")
    item.refresh_from_db()
    assert item.state == "current"


def test_vote_without_enough_ballots_is_not_counted():
    meeting = session(items=1, quorum=3)
    item = voting_item(meeting)
    for person in members_of(meeting)[:2]:
        services.cast_ballot(item, actor=person, score=50)
    with pytest.raises(DomainError) as refused:
        services.count_votes(item, actor=chair_of(meeting))
    assert refused.value.code == "no_quorum"
    services.cast_ballot(item, actor=members_of(meeting)[2], score=50)
    assert services.count_votes(item, actor=chair_of(meeting)).state == "counted"


def test_database_refuses_a_count_without_quorum_whatever_the_service_thinks():
    meeting = session(items=1, quorum=3)
    item = voting_item(meeting)
    services.cast_ballot(item, actor=chair_of(meeting), score=50)
    with pytest.raises(DatabaseError, match="no quorum"), transaction.atomic():
        AgendaItem.objects.filter(pk=item.pk).update(state="counted")


def test_who_left_the_room_for_the_item_does_not_count_for_the_quorum():
    meeting = make_meeting(1, members=2, quorum=3)
    person = members_of(meeting)[2]
    services.declare_conflict(first(meeting), actor=person, kind="coauthor")
    meeting = open_session(meeting)
    item = services.call_item(first(meeting), actor=chair_of(meeting))
    with pytest.raises(DomainError) as refused:
        services.open_vote(item, actor=chair_of(meeting))
    assert refused.value.code == "no_quorum"


def test_quorum_above_those_who_vote_is_refused_when_planning():
    with pytest.raises(DomainError) as refused:
        make_meeting(0, members=1, quorum=3)
    assert (refused.value.code, refused.value.field) == ("quorum", "quorum")


# --- voting


def test_ballot_once_cast_is_not_changed():
    meeting = session(items=1)
    item = voting_item(meeting)
    services.cast_ballot(item, actor=chair_of(meeting), score=50)
    with pytest.raises(SomebodyElse):
        services.cast_ballot(item, actor=chair_of(meeting), score=60)
    assert list(Ballot.objects.values_list("score", flat=True)) == [50]


def test_no_vote_before_the_vote_is_open_nor_after_it_is_closed():
    meeting = session(items=1)
    item = services.call_item(first(meeting), actor=chair_of(meeting))
    with pytest.raises(IllegalTransition):
        services.cast_ballot(item, actor=chair_of(meeting), score=50)
    services.open_vote(item, actor=chair_of(meeting))
    for person in members_of(meeting)[:2]:
        services.cast_ballot(item, actor=person, score=50)
    services.count_votes(item, actor=chair_of(meeting))
    with pytest.raises(IllegalTransition):
        services.cast_ballot(item, actor=members_of(meeting)[2], score=50)
    assert Turnout.objects.count() == Ballot.objects.count() == 2


@pytest.mark.parametrize(
    "given", [{}, {"score": -1}, {"score": 101}, {"score": True}, {"score": "50"}, {"choice": "yes"}]
)
def test_ballot_that_is_no_score_is_refused(given):
    meeting = session(items=1)
    with pytest.raises(DomainError) as refused:
        services.cast_ballot(voting_item(meeting), actor=chair_of(meeting), **given)
    assert refused.value.code == "score_range"
    assert not Turnout.objects.exists()


@pytest.mark.parametrize("given", [{}, {"choice": "perhaps"}, {"choice": "yes", "score": 4}])
def test_ballot_that_is_neither_yes_nor_no_is_refused(given):
    meeting = session(items=1, vote_kind="yes_no")
    with pytest.raises(DomainError) as refused:
        services.cast_ballot(voting_item(meeting), actor=chair_of(meeting), **given)
    assert refused.value.code == "unknown_choice"


def test_secret_ballot_is_nobodys_in_the_database_and_in_the_trail():
    meeting = session(items=1, secret=True)
    item = vote_all(voting_item(meeting), 80, 20, 30, 40)
    assert {ballot.member_id for ballot in Ballot.objects.all()} == {None}
    assert Turnout.objects.count() == 4
    for entry in Entry.objects.filter(action="agenda_item.vote"):
        assert (entry.after, entry.facts) == ({}, {"round": 1})
    with pytest.raises(SomebodyElse):
        services.cast_ballot(item, actor=chair_of(meeting), score=80)


def test_secret_ballot_with_a_name_and_open_one_without_are_refused_by_the_database():
    for secret in (True, False):
        meeting = session(items=1, secret=secret)
        item = voting_item(meeting)
        member = meeting.members.get(role="chair")
        Turnout.objects.create(item=item, member=member, round=item.round)
        with pytest.raises(DatabaseError, match="no ballot"), transaction.atomic():
            Ballot.objects.create(item=item, round=1, member=member if secret else None, score=5)


def test_observers_secretaries_staff_and_strangers_do_not_vote():
    officer = make_staff("officer")
    meeting = make_meeting(1, secretary=officer)
    observer = make_expert("列席")
    services.seat_members(meeting, [observer], actor=officer, role="observer")
    item = voting_item(open_session(meeting))
    for person in (officer, observer, make_staff("lead"), make_user()):
        with pytest.raises(Forbidden):
            services.cast_ballot(item, actor=person, score=50)
    assert not Turnout.objects.exists()


def test_who_is_not_in_the_room_or_has_not_declared_does_not_vote():
    meeting = open_session(make_meeting(1, quorum=2), present=3)
    item = voting_item(meeting)
    away = members_of(meeting)[3]
    with pytest.raises(DomainError) as refused:
        services.cast_ballot(item, actor=away, score=50)
    assert refused.value.code == "absent"
    late = make_expert("迟到")
    (member,) = services.seat_members(meeting, [late], actor=make_staff("officer"))
    services.note_attendance(member, actor=late, present=True)
    with pytest.raises(DomainError) as refused:
        services.cast_ballot(item, actor=late, score=50)
    assert refused.value.code == "not_declared"


def test_member_removed_while_the_vote_is_open_votes_no_more_and_the_quorum_counts_without_them():
    meeting = session(items=1, members=2, quorum=3)
    item = voting_item(meeting)
    chair, kept, gone = members_of(meeting)
    services.cast_ballot(item, actor=chair, score=60)
    services.cast_ballot(item, actor=kept, score=60)
    services.remove_member(meeting.members.get(user=gone), actor=make_staff("officer"))
    with pytest.raises(Forbidden):
        services.cast_ballot(item, actor=gone, score=0)
    with pytest.raises(DomainError) as refused:
        services.count_votes(item, actor=chair)
    assert refused.value.code == "no_quorum"
    item = services.postpone_item(item, actor=chair, reason="人数不足")
    assert item.state == "postponed"


def test_vote_held_again_leaves_the_earlier_ballots_and_counts_the_new_ones():
    meeting = session(items=1)
    item = vote_all(voting_item(meeting), 10)
    services.count_votes(item, actor=chair_of(meeting))
    item = services.vote_again(item, actor=chair_of(meeting), reason="计票有误")
    item = vote_all(services.open_vote(item, actor=chair_of(meeting)), 90)
    assert services.tally_of(services.count_votes(item, actor=chair_of(meeting))).score == Decimal("90.00")
    assert Ballot.objects.filter(round=1).count() == Ballot.objects.filter(round=2).count() == 4


# --- conflicts


def test_known_conflict_is_noted_when_planned_and_the_member_leaves_the_room():
    call = make_review_call("panel", "decision")
    application = make_application(call)
    person = make_expert("委员甲")
    record_conflict(application, person, actor=SYSTEM, kind="supervisor")
    meeting = make_meeting(0, call=call, people=[person, make_expert(), make_expert()])
    recusal = Recusal.objects.get()
    assert (recusal.member.user, recusal.source) == (person, "standing")
    meeting = open_session(meeting)
    item = voting_item(meeting)
    assert list(item.movements.values_list("kind", "member__user")) == [("stepped_out", person.pk)]
    with pytest.raises(Forbidden) as refused:
        services.cast_ballot(item, actor=person, score=100)
    assert refused.value.code == "recused"
    with pytest.raises(Forbidden):
        services.comment_on(item, actor=person, text="很好")
    concluded(vote_all(item))
    assert list(item.movements.values_list("kind", flat=True)) == ["stepped_out", "stepped_in"]


def test_conflict_recorded_after_the_declaration_counts_when_the_item_is_called():
    meeting = session(items=1)
    item, person = first(meeting), members_of(meeting)[1]
    record_conflict(item.application, person, actor=SYSTEM, kind="coauthor")
    services.call_item(item, actor=chair_of(meeting))
    assert Recusal.objects.get().member.user == person


def test_conflict_that_comes_to_light_during_the_vote_has_the_vote_held_again():
    meeting = session(items=1)
    item = voting_item(meeting)
    person = members_of(meeting)[1]
    vote_all(item)
    record_conflict(item.application, person, actor=SYSTEM, kind="coauthor")
    with pytest.raises(DomainError) as refused:
        services.count_votes(item, actor=chair_of(meeting))
    assert refused.value.code == "conflict_of_interest"
    services.vote_again(item, actor=chair_of(meeting), reason="利益冲突")
    services.open_vote(item, actor=chair_of(meeting))
    vote_all(AgendaItem.objects.get(pk=item.pk))
    item = services.count_votes(item, actor=chair_of(meeting))
    assert item.turnout.filter(round=2).count() == 3


def test_declaring_a_conflict_in_the_meeting_is_noted_with_the_time_and_kept_for_the_applicant():
    meeting = session(items=1)
    person = members_of(meeting)[1]
    item = services.call_item(first(meeting), actor=chair_of(meeting))
    services.declare_conflict(item, actor=person, kind="other", note="刚刚想起共同投资过")
    assert Conflict.objects.get().person == person
    assert list(item.movements.values_list("kind", "member__user")) == [("stepped_out", person.pk)]
    assert not services.room_of(meeting, item).seat_of(person.pk).is_expected


def test_who_has_voted_does_not_slip_out_by_declaring_a_conflict():
    meeting = session(items=1)
    item = voting_item(meeting)
    services.cast_ballot(item, actor=members_of(meeting)[1], score=3)
    with pytest.raises(DomainError) as refused:
        services.declare_conflict(item, actor=members_of(meeting)[1], kind="coauthor")
    assert refused.value.code == "voted"
    assert not Recusal.objects.exists()


def test_pledge_against_what_the_portal_knows_is_refused_and_noted():
    meeting = make_meeting(1)
    person = members_of(meeting)[1]
    record_conflict(first(meeting).application, person, actor=SYSTEM, kind="coauthor")
    with pytest.raises(DomainError) as refused:
        services.pledge_on(first(meeting), actor=person)
    assert refused.value.code == "conflict_of_interest"
    assert not PanelPledge.objects.exists()
    assert Recusal.objects.get().member.user == person


def test_chair_with_a_conflict_does_not_run_the_item_and_the_secretary_does():
    secretary = make_staff("officer")
    meeting = make_meeting(1, secretary=secretary)
    services.declare_conflict(first(meeting), actor=chair_of(meeting), kind="coauthor")
    meeting = open_session(meeting)
    with pytest.raises(Forbidden):
        services.call_item(first(meeting), actor=chair_of(meeting))
    item = services.call_item(first(meeting), actor=secretary)
    services.open_vote(item, actor=secretary)
    vote_all(item)
    services.count_votes(item, actor=secretary)
    services.conclude_item(item, actor=secretary, opinion="fund", summary="支持。")
    assert Review.objects.get(run=item.run).reviewer == secretary


# --- who may


def test_members_and_strangers_do_not_run_the_meeting():
    meeting = make_meeting(1)
    pledge_all(meeting)
    for person in (members_of(meeting)[1], make_user(), make_staff("finance")):
        with pytest.raises(Forbidden):
            services.open_meeting(meeting, actor=person)
    meeting = open_session(meeting)
    for person in (members_of(meeting)[1], make_user()):
        with pytest.raises(Forbidden):
            services.call_item(first(meeting), actor=person)
        with pytest.raises(Forbidden):
            services.close_meeting(meeting, actor=person)
    other = meeting.members.get(role="chair")
    with pytest.raises(Forbidden):
        services.note_attendance(other, actor=members_of(meeting)[1], present=False)


def test_only_the_chair_signs_and_only_what_was_read():
    meeting = finished()
    for person in (make_staff("officer"), make_staff("lead"), members_of(meeting)[1]):
        with pytest.raises(Forbidden):
            services.sign_minutes(meeting, actor=person, sha256=meeting.minutes.sha256)
    with pytest.raises(DomainError) as refused:
        services.sign_minutes(meeting, actor=chair_of(meeting), sha256="0" * 64)
    assert refused.value.code == "changed"


def test_what_was_signed_never_changes():
    meeting = finished()
    meeting = services.sign_minutes(meeting, actor=chair_of(meeting), sha256=meeting.minutes.sha256)
    item = meeting.items.get(state="closed")
    for change in (
        lambda: type(meeting).objects.filter(pk=meeting.pk).update(place="elsewhere"),
        lambda: AgendaItem.objects.filter(pk=item.pk).update(summary="其他"),
        lambda: meeting.members.update(role="observer"),
        lambda: Attendance.objects.create(member=meeting.members.first(), kind="came"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    for act in (services.reopen_meeting, services.open_meeting):
        with pytest.raises(IllegalTransition):
            act(meeting, actor=chair_of(meeting))


# --- the agenda


def test_one_item_at_a_time_and_the_second_chair_reads_which():
    meeting = session(items=2)
    one, two = meeting.items.order_by("position")
    services.call_item(one, actor=chair_of(meeting))
    with pytest.raises(IllegalTransition) as refused:
        services.call_item(two, actor=make_staff("officer"))
    assert one.application.number in str(refused.value)


def test_application_withdrawn_meanwhile_is_not_voted_on_and_comes_off_the_agenda():
    meeting = session(items=2)
    item = voting_item(meeting)
    vote_all(item)
    withdraw_application(item.application, actor=make_staff("officer"), reason="撤回")
    on_withdrawn(item.application_id)
    for act in (services.count_votes,):
        with pytest.raises(IllegalTransition) as refused:
            act(item, actor=chair_of(meeting))
        assert refused.value.code == "not_in_panel"
    assert services.drop_item(item, actor=chair_of(meeting), reason="已撤回").state == "dropped"
    with pytest.raises(IllegalTransition):
        services.resume_item(item, actor=chair_of(meeting))
    other = meeting.items.get(state="waiting")
    withdraw_application(other.application, actor=make_staff("officer"), reason="撤回")
    on_withdrawn(other.application_id)
    with pytest.raises(IllegalTransition):
        services.call_item(other, actor=chair_of(meeting))
    services.close_meeting(meeting, actor=chair_of(meeting))
    other.refresh_from_db()
    assert other.state == "dropped"


def test_meeting_with_an_item_on_the_table_is_not_closed():
    meeting = session(items=1)
    services.call_item(first(meeting), actor=chair_of(meeting))
    with pytest.raises(DomainError) as refused:
        services.close_meeting(meeting, actor=chair_of(meeting))
    assert refused.value.code == "other_item"


def test_what_was_not_reached_is_postponed_and_waits_for_another_meeting():
    meeting = finished(session(items=2))
    left = meeting.items.exclude(state="closed").get()
    assert left.state == "postponed"
    again = make_meeting(0, call=meeting.call)
    assert [item.application_id for item in again.items.all()] == [left.application_id]
    meeting = services.reopen_meeting(meeting, actor=chair_of(meeting))
    with pytest.raises(DomainError) as refused:
        services.resume_item(left, actor=chair_of(meeting))
    assert refused.value.code == "other_meeting"


def test_application_is_on_one_agenda_at_a_time():
    meeting = make_meeting(2)
    other = make_meeting(0, call=meeting.call)
    with pytest.raises(DomainError) as refused:
        services.put_on_agenda(other, [meeting.items.first().run], actor=make_staff("officer"))
    assert refused.value.code == "other_meeting"


def test_agenda_is_ordered_by_spread_with_seed_and_method_kept():
    call = make_review_call("expert", "panel", "decision", changes={"expert": {"required_count": 2}})
    for marks in ((8, 8), (2, 10), (5, 7)):
        run = expert_run(call)
        for mark in marks:
            submitted_review(run, mark)
    meeting = make_meeting(0, call=call, order="spread")
    spreads = [services_spread(item) for item in meeting.items.order_by("position")]
    assert spreads == sorted(spreads, reverse=True)
    kept = Calculation.objects.get()
    assert (kept.kind, meeting.ordering) == ("agenda", kept)
    assert kept.result["order"] == [item.application.number for item in meeting.items.order_by("position")]
    again = services.order_agenda(meeting, actor=make_staff("officer"), order="spread", seed=int(kept.seed))
    assert again.ordering.inputs_sha256 == kept.inputs_sha256
    assert again.ordering.result == kept.result


def services_spread(item):
    from funding.reviews.services import summaries_of

    return summaries_of([item.application_id])[item.application_id].deviation


def test_agenda_is_ordered_by_hand():
    meeting = make_meeting(3)
    a, b, c = meeting.items.order_by("position")
    services.place_items(meeting, {c.pk: 1, a.pk: 2, b.pk: 3}, actor=chair_of(meeting))
    assert [item.pk for item in meeting.items.order_by("position")] == [c.pk, a.pk, b.pk]
    with pytest.raises(DomainError):
        services.place_items(meeting, {a.pk + 10**6: 1}, actor=chair_of(meeting))


# --- remarks and ratings


def test_remarks_are_kept_in_order_and_not_twice():
    meeting = session(items=1)
    item = services.call_item(first(meeting), actor=chair_of(meeting))
    services.comment_on(item, actor=members_of(meeting)[1], text="数据来源是否合规？")
    services.comment_on(item, actor=members_of(meeting)[1], text="数据来源是否合规？ ")
    services.comment_on(item, actor=chair_of(meeting), text="已有伦理批件。")
    assert list(PanelComment.objects.values_list("text", flat=True)) == [
        "数据来源是否合规？",
        "已有伦理批件。",
    ]


def test_usefulness_is_rated_once_a_member_and_only_of_the_items_reviews():
    call = make_review_call("expert", "panel", "decision", changes={"expert": {"required_count": 1}})
    review = submitted_review(expert_run(call), 8)
    meeting = make_meeting(0, call=call)
    foreign = submitted_review(expert_run(make_review_call("expert", "decision")), 8)
    pledge_all(meeting)
    person, item = members_of(meeting)[1], first(meeting)
    services.rate_review(item, review, actor=person, value=4)
    services.rate_review(item, review, actor=person, value=5)
    assert [rating.value for rating in review.usefulness_ratings.all()] == [5]
    for wrong, value, code in (
        (foreign, 4, "unknown_review"),
        (review, 0, "rating_range"),
        (review, 6, "rating_range"),
    ):
        with pytest.raises(DomainError) as refused:
            services.rate_review(item, wrong, actor=person, value=value)
        assert refused.value.code == code
    with pytest.raises(Forbidden):
        services.rate_review(item, review, actor=make_user(), value=4)


# --- planning


def test_changes_of_time_and_place_are_told_and_others_are_not():
    from park_portal.core.outbox.models import Message

    meeting = make_meeting(1)
    officer = make_staff("officer")
    services.change_meeting(meeting, actor=officer, quorum=3)
    assert not Message.objects.filter(key__startswith="panel.changed").exists()
    services.change_meeting(meeting, actor=officer, place="B 座 102")
    assert Message.objects.filter(key__startswith="panel.changed").count() == 1
    with pytest.raises(DomainError) as refused:
        services.change_meeting(meeting, actor=officer, starts_at=timezone.now())
    assert refused.value.field == "starts_at"


def test_terms_are_fixed_once_the_meeting_is_open():
    meeting = session(items=1)
    with pytest.raises(DomainError):
        services.change_meeting(meeting, actor=make_staff("officer"), secret=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        type(meeting).objects.filter(pk=meeting.pk).update(quorum=1)


def test_cancelled_meeting_sets_its_applications_free():
    meeting = make_meeting(2)
    services.cancel_meeting(meeting, actor=make_staff("officer"), reason="主持人出差")
    assert make_meeting(0, call=meeting.call).items.count() == 2


def test_chair_is_handed_over_and_never_missing():
    meeting = make_meeting(1)
    officer = make_staff("officer")
    old, new = members_of(meeting)[:2]
    with pytest.raises(DomainError):
        services.remove_member(meeting.members.get(user=old), actor=officer)
    services.seat_members(meeting, [new], actor=officer, role="chair")
    assert dict(meeting.members.filter(user__in=[old, new]).values_list("user", "role")) == {
        old.pk: "member",
        new.pk: "chair",
    }


def test_methods_read_in_the_language_of_their_part():
    call = make_review_call("expert", "panel")
    for mark in (6, 9):
        run = expert_run(call)
        submitted_review(run, mark)
        submitted_review(run, mark)
    meeting = make_meeting(0, call=call, order="line")
    kept = meeting.ordering
    with override("zh-hans"):
        assert kept.method_label == "按本通知计分方法的分数与资助线的距离由小到大；并列者抽签"
    with override("en"):
        assert kept.method_label == kept.method
