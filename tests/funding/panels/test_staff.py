"""Panels for staff and for programs: planned in the admin, run by API; told by mail and by the clock."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from funding.models import AgendaItem, Ballot, Meeting, UsefulnessRating
from funding.panels import services
from funding.reviews.services import record_conflict
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.documents.services import may_read, store_document
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.services import relay_messages, send_waiting
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff, make_user
from tests.factories.panels import (
    chair_of,
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
from tests.policy.robot import PDF

pytestmark = pytest.mark.django_db


# --- the admin


def test_meeting_is_planned_in_one_form_and_the_panel_invited(client_of):
    call = make_review_call("panel", "decision")
    application = make_application(call)
    chair, member, officer = make_expert("周主持"), make_expert("李委员"), make_staff("officer")
    client = client_of(officer)
    address = reverse("admin:funding_meeting_list_act", args=["plan"])
    assert client.get(address).status_code == 200
    sent = {
        "stage": call.stages.get(kind="panel").pk,
        "starts_at": (timezone.localtime() + timedelta(days=9)).strftime("%Y-%m-%dT14:00"),
        "minutes_planned": "120",
        "place": "A 座 301",
        "chair": chair.pk,
        "members": [member.pk],
        "quorum": "2",
        "vote_kind": "scores",
        "order": "staff",
    }
    assert client.post(address, {**sent, "quorum": "3"}).status_code == 200
    assert not Meeting.objects.exists()
    assert client.post(address, sent).status_code == 302
    meeting = Meeting.objects.get()
    assert [item.application for item in meeting.items.all()] == [application]
    assert dict(meeting.members.values_list("user", "role")) == {chair.pk: "chair", member.pk: "member"}
    relay_messages()
    assert set(
        Delivery.objects.filter(kind="panel.invited", channel="inbox").values_list("recipient", flat=True)
    ) == {
        chair.pk,
        member.pk,
    }
    for route in ("changelist", "change"):
        args = [meeting.pk] if route == "change" else []
        assert client.get(reverse(f"admin:funding_meeting_{route}", args=args)).status_code == 200


def test_panel_and_agenda_are_changed_in_the_admin(client_of):
    meeting = make_meeting(1)
    client = client_of(make_staff("officer"))

    def act(name, **sent):
        return client.post(reverse("admin:funding_meeting_act", args=[meeting.pk, name]), sent).status_code

    newcomer = make_expert("新委员")
    assert act("seat", people=[newcomer.pk], role="member") == 302
    assert meeting.members.seated().filter(user=newcomer).exists()
    assert act("unseat", member=meeting.members.get(user=newcomer).pk, reason="") == 302
    assert not meeting.members.seated().filter(user=newcomer).exists()
    late = make_application(meeting.call)
    assert act("add_items", runs=[late.runs.get().pk]) == 302
    assert meeting.items.filter(application=late).exists()
    assert act("order", order="line") == 302
    assert act("cancel", reason="主持人出差") == 302
    meeting.refresh_from_db()
    assert meeting.state == "cancelled"


# --- the API


def test_program_runs_a_meeting_from_call_to_result():
    meeting = make_meeting(1, quorum=2)
    pledge_all(meeting)
    item = meeting.items.get()
    chair, second = (Caller(person) for person in members_of(meeting)[:2])
    assert chair.post(f"/panels/{meeting.pk}/open/").json()["state"] == "open"
    seat = meeting.members.get(user=members_of(meeting)[1])
    assert (
        second.post(f"/panels/{meeting.pk}/attendance/", {"member": seat.pk, "present": True}).status_code
        == 200
    )
    room = chair.get(f"/panels/{meeting.pk}/room/").json()
    assert (room["present"], room["has_quorum"], room["item"]) == (2, True, None)
    assert chair.post(f"/agenda-items/{item.pk}/call/").json()["state"] == "current"
    assert second.post(f"/agenda-items/{item.pk}/remark/", {"text": "可行"}).status_code == 200
    assert chair.post(f"/agenda-items/{item.pk}/open-vote/").json()["state"] == "voting"
    assert chair.post(f"/agenda-items/{item.pk}/vote/", {"score": 80}).status_code == 200
    assert second.post(f"/agenda-items/{item.pk}/vote/", {"score": 60}).status_code == 200
    assert second.get(f"/agenda-items/{item.pk}/read/").json()["tally"] is None
    assert chair.post(f"/agenda-items/{item.pk}/count/").json()["state"] == "counted"
    read = second.get(f"/agenda-items/{item.pk}/read/").json()
    assert (read["access"], read["tally"]["score"], read["remarks"][0]["text"]) == ("open", "70.00", "可行")
    sent = {"opinion": "fund", "summary": "支持。"}
    shown = chair.post(f"/agenda-items/{item.pk}/conclude/", sent).json()
    assert (shown["state"], shown["opinion"], shown["score"]) == ("closed", "fund", "70.00")
    assert chair.post(f"/panels/{meeting.pk}/close/").json()["state"] == "closed"


def test_program_of_who_left_the_room_gets_nothing_and_does_not_vote():
    meeting = make_meeting(1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    caller = Caller(person)
    assert caller.get(f"/agenda-items/{item.pk}/read/").json()["access"] == "declare"
    assert caller.post(f"/agenda-items/{item.pk}/conflict/", {"kind": "coauthor"}).status_code == 200
    meeting = open_session(meeting)
    item = voting_item(meeting)
    services.comment_on(item, actor=chair_of(meeting), text="只有在场者可见")
    assert caller.post(f"/agenda-items/{item.pk}/vote/", {"score": 100}).status_code == 403
    assert caller.post(f"/agenda-items/{item.pk}/remark/", {"text": "x"}).status_code == 403
    assert not Ballot.objects.exists()
    read = caller.get(f"/agenda-items/{item.pk}/read/").json()
    assert (read["access"], read["applicant"], read["sections"], read["remarks"]) == ("left", "", [], [])
    services.count_votes(vote_all(item), actor=chair_of(meeting))
    services.conclude_item(item, actor=chair_of(meeting), opinion="fund", summary="支持。")
    shown = caller.get(f"/agenda-items/{item.pk}/").json()
    assert (shown["state"], shown["summary"], shown["opinion"], shown["score"]) == (
        "closed",
        None,
        None,
        None,
    )


def test_program_rates_reviews_and_orders_the_agenda():
    call = make_review_call("expert", "panel", "decision", changes={"expert": {"required_count": 1}})
    reviews = [submitted_review(expert_run(call), mark) for mark in (8, 4)]
    meeting = make_meeting(0, call=call)
    pledge_all(meeting)
    item = meeting.items.get(application=reviews[0].application)
    caller = Caller(members_of(meeting)[1])
    listed = caller.get(f"/agenda-items/{item.pk}/read/").json()["reviews"]
    assert [one["review"] for one in listed] == [reviews[0].pk]
    for sent, status in (
        ({"review": reviews[0].pk, "value": 4}, 200),
        ({"review": reviews[1].pk, "value": 4}, 404),
    ):
        assert caller.post(f"/agenda-items/{item.pk}/rate/", sent).status_code == status
    assert UsefulnessRating.objects.get().value == 4
    assert caller.post(f"/panels/{meeting.pk}/order/", {"order": "line"}).status_code == 403
    chair = Caller(chair_of(meeting))
    assert chair.post(f"/panels/{meeting.pk}/order/", {"order": "line", "seed": 7}).status_code == 200
    meeting.refresh_from_db()
    assert (meeting.order, meeting.ordering.seed) == ("line", "7")
    a, b = meeting.items.order_by("position")
    places = [{"item": a.pk, "position": 2}, {"item": b.pk, "position": 1}]
    assert chair.post(f"/panels/{meeting.pk}/order/", {"order": "staff", "places": places}).status_code == 200
    assert [one.pk for one in AgendaItem.objects.order_by("position")] == [b.pk, a.pk]


def test_stranger_finds_no_panel_by_program():
    meeting = session(items=1)
    caller = Caller(make_user())
    assert caller.get("/panels/").json()["results"] == []
    for path in (
        f"/panels/{meeting.pk}/",
        f"/panels/{meeting.pk}/room/",
        f"/agenda-items/{meeting.items.get().pk}/read/",
    ):
        assert caller.get(path).status_code == 404
    assert caller.post(f"/agenda-items/{meeting.items.get().pk}/vote/", {"score": 1}).status_code == 404


# --- notices


def test_invitation_brings_the_appointment_along():
    meeting = make_meeting(1, place="A 座 301")
    relay_messages()
    send_waiting()
    letters = [
        letter for letter in mail.outbox if meeting.starts_at.strftime("%Y%m%d") in str(letter.alternatives)
    ]
    assert len(letters) == meeting.members.count()
    calendar, kind = letters[0].alternatives[-1]
    assert kind == "text/calendar; method=PUBLISH"
    assert f"DTSTART:{meeting.starts_at:%Y%m%dT%H%M}" in calendar
    assert b'Content-Type: text/calendar; method=PUBLISH; charset="utf-8"' in letters[0].message().as_bytes()
    services.cancel_meeting(meeting, actor=make_staff("officer"), reason="x")
    relay_messages()
    send_waiting()
    assert "METHOD:CANCEL" in mail.outbox[-1].alternatives[-1][0]


def test_panel_is_reminded_on_the_working_day_before_and_once():
    friday = datetime(2026, 3, 13, 14, tzinfo=SHANGHAI)
    meeting = make_meeting(2)
    Meeting.objects.filter(pk=meeting.pk).update(starts_at=friday)
    services.pledge_on(meeting.items.first(), actor=members_of(meeting)[1])
    assert services.send_reminders(friday - timedelta(days=2)) == 0
    assert services.send_reminders(friday - timedelta(days=1)) == 4
    assert services.send_reminders(friday - timedelta(hours=20)) == 0
    owed = {
        message.payload["recipients"][0]: message.payload["context"]["owed"]
        for message in Message.objects.filter(key__startswith="panel.reminder")
    }
    assert owed[members_of(meeting)[1].pk] == "1"
    assert owed[chair_of(meeting).pk] == "2"
    monday = datetime(2026, 3, 16, 9, tzinfo=SHANGHAI)
    Meeting.objects.filter(pk=meeting.pk).update(starts_at=monday)
    assert services.send_reminders(friday) == 4
    assert services.send_reminders(monday + timedelta(minutes=1)) == 0


def test_chair_is_told_of_minutes_to_sign_and_the_panel_when_they_are():
    meeting = finished()
    assert Message.objects.get(key__startswith="panel.to_sign").payload["recipients"] == [
        chair_of(meeting).pk
    ]
    services.sign_minutes(meeting, actor=chair_of(meeting), sha256=meeting.minutes.sha256)
    told = Message.objects.get(key__startswith="panel.signed").payload["recipients"]
    assert told == sorted(meeting.members.values_list("user", flat=True))


# --- documents


def test_files_of_an_application_are_read_after_the_declaration_and_not_by_who_left():
    meeting = make_meeting(1)
    item = meeting.items.get()
    document = store_document(
        PDF, actor=make_staff("officer"), subject=item.application, kind="answer:files", name="计划书.pdf"
    )
    version = item.application.versions.latest("number")
    section = version.form["sections"][0]
    question = {**section["questions"][0], "key": "files", "kind": "files", "purpose": "", "settings": {}}
    item.application.versions.create(
        number=version.number + 1,
        form={**version.form, "sections": [{**section, "questions": [*section["questions"], question]}]},
        answers={
            **version.answers,
            "files": [{"id": str(document.public_id), "name": document.name, "bytes": 9}],
        },
        digest="0" * 64,
        submitted_by=version.submitted_by,
    )
    reader, left = members_of(meeting)[1:3]
    assert not may_read(reader, document)
    services.pledge_on(item, actor=reader)
    services.pledge_on(item, actor=left)
    assert may_read(reader, document)
    services.declare_conflict(item, actor=left, kind="coauthor")
    assert not may_read(left, document)
    record_conflict(item.application, reader, actor=SYSTEM, kind="coauthor")
    assert not may_read(reader, document)
