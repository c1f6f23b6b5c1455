"""Panels on the portal: what members, chairs, people with a conflict and strangers see and do."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse

from funding.models import AgendaItem, Ballot, PanelComment, PanelPledge, Recusal
from funding.panels import services
from funding.reviews.services import record_conflict
from park_portal.core.workflow import SYSTEM
from tests.callers import Caller
from tests.factories.core import make_staff, make_user
from tests.factories.panels import (
    chair_of,
    concluded,
    finished,
    make_meeting,
    members_of,
    open_session,
    session,
    vote_all,
    voting_item,
)
from tests.factories.reviews import expert_run, make_review_call, submitted_review

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery"
SUMMARY = "用多模态大模型预测药物反应。"


def page(client, user, name, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"panels:{name}", args=args), query)


def do(client, user, item, act, *, script=False, **sent):
    client.force_login(user)
    headers = {"HX-Request": "true"} if script else {}
    return client.post(
        reverse("panels:item-act", args=[item.meeting_id, item.pk, act]), sent, headers=headers
    )


def text_of(response):
    return response.content.decode()


def test_members_find_their_meetings_and_strangers_find_nothing(client):
    meeting = make_meeting(2)
    shown = text_of(page(client, members_of(meeting)[1], "list"))
    assert meeting.title in shown
    stranger = make_user()
    for name, args in (
        ("list", []),
        ("detail", [meeting.pk]),
        ("live", [meeting.pk]),
        ("calendar", [meeting.pk]),
    ):
        assert page(client, stranger, name, *args).status_code == 404
    assert page(client, chair_of(make_meeting(0)), "detail", meeting.pk).status_code == 404


def test_title_and_team_before_the_declaration_the_text_after_it(client):
    meeting = make_meeting(1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    before = text_of(page(client, person, "item", meeting.pk, item.pk))
    assert item.application.title in before
    assert 'class="answers"' not in before
    answer = do(client, person, item, "pledge", page="item")
    assert not PanelPledge.objects.exists(), "the pledge was not ticked"
    answer = do(client, person, item, "pledge", page="item", pledge="on")
    assert (answer.status_code, answer["Location"]) == (302, item.get_absolute_url())
    assert 'class="answers"' in text_of(client.get(item.get_absolute_url()))


def test_declarations_on_one_page_each_for_itself(client):
    meeting = make_meeting(3)
    person = members_of(meeting)[1]
    a, b, c = meeting.items.order_by("position")
    client.force_login(person)
    address = reverse("panels:declare", args=[meeting.pk])
    sent = {f"item-{a.pk}": "none", f"item-{b.pk}": "conflict", "pledge": "on"}
    assert client.post(address, sent).status_code == 422
    sent |= {f"kind-{b.pk}": "coauthor"}
    assert client.post(address, sent).status_code == 302
    assert PanelPledge.objects.get().item == a
    assert Recusal.objects.get().item == b
    assert c.application.title in text_of(client.get(address))
    assert a.application.number not in text_of(client.get(address))


def test_whoever_left_the_room_sees_the_item_closed_by_every_door(client):
    meeting = make_meeting(1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    services.declare_conflict(item, actor=person, kind="coauthor")
    meeting = open_session(meeting)
    services.call_item(item, actor=chair_of(meeting))
    services.comment_on(item, actor=chair_of(meeting), text="只有在场者可见")
    for name, args in (("detail", [meeting.pk]), ("live", [meeting.pk]), ("item", [meeting.pk, item.pk])):
        shown = text_of(page(client, person, name, *args))
        assert "您已就本议题离席" in shown
        assert SUMMARY not in shown
        assert "只有在场者可见" not in shown
    for act, sent in (("vote", {"score": "50"}), ("comment", {"text": "x"}), ("pledge", {"pledge": "on"})):
        do(client, person, item, act, **sent)
    assert not Ballot.objects.exists()
    assert PanelComment.objects.count() == 1


def test_conflict_recorded_elsewhere_closes_the_page_that_is_open(client):
    meeting = session(items=1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    services.call_item(item, actor=chair_of(meeting))
    seen = re.search(r"seen=([\d-]+)", text_of(page(client, person, "detail", meeting.pk)))[1]
    assert page(client, person, "live", meeting.pk, seen=seen).status_code == 204
    record_conflict(item.application, person, actor=SYSTEM, kind="coauthor")
    news = page(client, person, "live", meeting.pk, seen=seen)
    assert (news.status_code, SUMMARY in text_of(news)) == (200, False)


def test_live_part_has_nothing_new_until_something_is_called_and_costs_little(
    client, django_assert_max_num_queries
):
    meeting = session(items=2)
    person = members_of(meeting)[1]
    seen = re.search(r"seen=([\d-]+)", text_of(page(client, person, "detail", meeting.pk)))[1]
    with django_assert_max_num_queries(3):
        assert client.get(reverse("panels:live", args=[meeting.pk]), {"seen": seen}).status_code == 204
    item = services.call_item(meeting.items.first(), actor=chair_of(meeting))
    news = client.get(reverse("panels:live", args=[meeting.pk]), {"seen": seen})
    assert news.status_code == 200
    assert item.application.title in text_of(news)
    key = re.search(r"text=([\d-]+)", text_of(news))[1]
    assert 'hx-trigger="every 1.5s"' in text_of(news)
    assert SUMMARY in text_of(news)
    again = client.get(reverse("panels:live", args=[meeting.pk]), {"seen": seen, "text": key})
    assert SUMMARY not in text_of(again), "the page holds the text already"


def test_live_part_costs_the_same_with_many_items_and_remarks(client, django_assert_max_num_queries):
    counts = []
    for number in (1, 8):
        meeting = session(items=number, members=number + 2)
        item = services.call_item(meeting.items.first(), actor=chair_of(meeting))
        for index, person in enumerate(members_of(meeting)):
            services.comment_on(item, actor=person, text=f"意见{index}")
        client.force_login(chair_of(meeting))
        client.get(meeting.get_absolute_url())
        with django_assert_max_num_queries(60) as asked:
            assert client.get(reverse("panels:live", args=[meeting.pk])).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_vote_by_page_and_by_script(client):
    meeting = session(items=1)
    item = voting_item(meeting)
    first, second = members_of(meeting)[:2]
    assert do(client, first, item, "vote", score="80")["Location"] == meeting.get_absolute_url()
    answer = do(client, second, item, "vote", script=True, score="101")
    assert answer.status_code == 422
    assert "0 到 100" in text_of(answer)
    answer = do(client, second, item, "vote", script=True, score="60")
    assert answer.status_code == 200
    assert 'id="panel-live"' in text_of(answer)
    assert sorted(Ballot.objects.values_list("score", flat=True)) == [60, 80]
    assert do(client, second, item, "vote", script=True, score="61").status_code == 409


def test_what_was_typed_stays_when_it_is_refused_without_scripts(client):
    meeting = session(items=1)
    item = voting_item(meeting)
    chair, second = members_of(meeting)[:2]
    answer = do(client, second, item, "vote", score="101", comment="证据充分")
    assert answer.status_code == 422
    assert "0 到 100" in text_of(answer)
    assert re.search(r'name="score"\s+value="101"', text_of(answer))
    assert 'value="证据充分"' in text_of(answer)
    vote_all(item)
    services.count_votes(item, actor=chair)
    answer = do(client, chair, item, "conclude", opinion="unknown", summary="  小结写了很久。  ")
    assert answer.status_code == 422
    assert "<textarea" in text_of(answer)
    assert "小结写了很久。" in text_of(answer)


def test_what_was_typed_is_shown_when_somebody_else_closed_the_item_meanwhile(client):
    meeting = session(items=1)
    item = vote_all(voting_item(meeting))
    services.count_votes(item, actor=chair_of(meeting))
    services.conclude_item(item, actor=chair_of(meeting), opinion="fund", summary="先到的小结。")
    for script in (False, True):
        answer = do(
            client,
            chair_of(meeting),
            item,
            "conclude",
            script=script,
            opinion="do_not_fund",
            summary="后到的小结。",
        )
        assert answer.status_code == 409
        assert "后到的小结。" in text_of(answer)
    item.refresh_from_db()
    assert (item.opinion, item.summary) == ("fund", "先到的小结。")


def test_remark_that_is_refused_on_the_page_of_its_item_stays_there(client):
    meeting = make_meeting(1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    services.pledge_on(item, actor=person)
    answer = do(client, person, item, "comment", page="item", text="会前就想说的话")
    assert answer.status_code == 409
    assert "会前就想说的话" in text_of(answer)
    assert "在会议中" not in text_of(answer)
    assert not PanelComment.objects.exists()


def test_live_part_says_what_state_the_meeting_is_in(client):
    meeting = session(items=1)
    person = members_of(meeting)[1]
    assert ">进行中<" in text_of(page(client, person, "live", meeting.pk))
    client.force_login(chair_of(meeting))
    shown = client.post(reverse("panels:act", args=[meeting.pk, "close"]), headers={"HX-Request": "true"})
    assert ">纪要待签署<" in text_of(shown)
    assert ">进行中<" not in text_of(shown)


def test_count_is_nowhere_before_the_vote_is_closed_and_names_never_in_a_secret_one(client):
    meeting = session(items=1, secret=True)
    item = vote_all(voting_item(meeting), 37)
    for person in (chair_of(meeting), make_staff("officer"), make_staff("lead")):
        shown = text_of(page(client, person, "detail", meeting.pk))
        assert "表决结果" not in shown
        assert "37.00" not in shown
    services.count_votes(item, actor=chair_of(meeting))
    shown = text_of(page(client, chair_of(meeting), "detail", meeting.pk))
    assert "37.00" in shown
    assert "表决票" not in shown


def test_chair_runs_the_meeting_by_the_buttons_of_the_page(client):
    meeting = make_meeting(1)
    for person in members_of(meeting):
        services.pledge_on(meeting.items.get(), actor=person)
    chair = chair_of(meeting)
    client.force_login(chair)
    client.post(reverse("panels:act", args=[meeting.pk, "open"]))
    for member in meeting.members.exclude(role="chair"):
        client.post(
            reverse("panels:act", args=[meeting.pk, "attendance"]), {"member": member.pk, "present": "1"}
        )
    item = meeting.items.get()
    do(client, chair, item, "call")
    do(client, chair, item, "open-vote")
    vote_all(AgendaItem.objects.get(pk=item.pk), 70)
    do(client, chair, item, "count")
    shown = text_of(page(client, chair, "detail", meeting.pk))
    assert 'name="summary"' in shown
    do(client, chair, item, "conclude", opinion="fund", summary="一致同意。")
    item.refresh_from_db()
    assert (item.state, item.opinion) == ("closed", "fund")
    client.force_login(chair)
    client.post(reverse("panels:act", args=[meeting.pk, "close"]))
    meeting.refresh_from_db()
    assert meeting.state == "closed"
    assert page(client, chair, "item", meeting.pk, item.pk).status_code == 200


def test_members_see_no_buttons_of_the_chair_and_may_not_use_them(client):
    meeting = session(items=1)
    item, person = meeting.items.get(), members_of(meeting)[1]
    shown = text_of(page(client, person, "detail", meeting.pk))
    assert reverse("panels:item-act", args=[meeting.pk, item.pk, "call"]) not in shown
    do(client, person, item, "call")
    item.refresh_from_db()
    assert item.state == "waiting"
    assert do(client, person, item, "call", script=True).status_code == 403
    assert do(client, person, item, "nothing").status_code == 404


def test_reviews_are_read_without_names_and_rated(client):
    call = make_review_call("expert", "panel", "decision", changes={"expert": {"required_count": 1}})
    review = submitted_review(expert_run(call), 8)
    meeting = make_meeting(0, call=call)
    item, person = meeting.items.get(), members_of(meeting)[1]
    services.pledge_on(item, actor=person)
    shown = text_of(page(client, person, "item", meeting.pk, item.pk))
    assert "理由充分。" in shown
    assert review.reviewer.name not in shown
    do(client, person, item, "rate", review=review.pk, value="4", page="item")
    assert [one.value for one in review.usefulness_ratings.all()] == [4]
    assert do(client, person, item, "rate", review="x", value="4").status_code == 404


def test_agenda_is_put_in_order_by_page(client):
    meeting = make_meeting(2)
    a, b = meeting.items.order_by("position")
    client.force_login(chair_of(meeting))
    address = reverse("panels:agenda", args=[meeting.pk])
    seen = client.get(address).context["form"]["seen"].value()
    sent = {"order": "staff", f"place-{a.pk}": "2", f"place-{b.pk}": "1", "seen": seen}
    assert client.post(address, sent).status_code == 302
    assert [item.pk for item in meeting.items.order_by("position")] == [b.pk, a.pk]
    seen = client.get(address).context["form"]["seen"].value()
    assert client.post(address, {"order": "line", "seen": seen}).status_code == 302
    meeting.refresh_from_db()
    assert meeting.ordering.seed != ""
    assert page(client, members_of(meeting)[1], "agenda", meeting.pk).status_code == 403


def test_agenda_that_somebody_else_has_changed_is_looked_at_again(client):
    meeting = make_meeting(3)
    a, b, c = (item.pk for item in meeting.items.order_by("position"))
    client.force_login(chair_of(meeting))
    address = reverse("panels:agenda", args=[meeting.pk])
    seen = client.get(address).context["form"]["seen"].value()
    services.place_items(meeting, {c: 1, a: 2, b: 3}, actor=chair_of(meeting))
    sent = {"order": "staff", f"place-{a}": "3", f"place-{b}": "1", f"place-{c}": "2", "seen": seen}
    for order in ("staff", "line"):
        answer = client.post(address, {**sent, "order": order})
        assert answer.status_code == 409
        assert list(meeting.items.order_by("position").values_list("pk", flat=True)) == [c, a, b]
    assert "议程已有变动" in answer.content.decode()
    form = answer.context["form"]
    assert form[f"place-{a}"].value() == "3"  # what was typed
    again = {**sent, "seen": form["seen"].value()}
    assert client.post(address, again).status_code == 302
    assert list(meeting.items.order_by("position").values_list("pk", flat=True)) == [b, c, a]


def test_agenda_that_a_program_has_not_seen_is_not_put_in_order():
    meeting = make_meeting(2)
    a, b = (item.pk for item in meeting.items.order_by("position"))
    caller = Caller(chair_of(meeting))
    sent = {"order": "staff", "places": [{"item": b, "position": 1}, {"item": a, "position": 2}]}
    address = f"/panels/{meeting.pk}/order/"
    refused = caller.post(address, {**sent, "seen": [b, a]})
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    assert caller.post(address, {**sent, "seen": [a, b]}).status_code == 200
    assert list(meeting.items.order_by("position").values_list("pk", flat=True)) == [b, a]


def test_minutes_are_signed_after_the_password(client):
    meeting = finished()
    chair = chair_of(meeting)
    chair.set_password(PASSWORD)
    chair.save()
    EmailAddress.objects.create(user=chair, email=chair.email, verified=True, primary=True)
    client.force_login(chair)
    address = reverse("panels:sign", args=[meeting.pk])
    assert "reauthenticate" in client.get(address)["Location"]
    assert client.post(address, {"read": "on", "sha256": meeting.minutes.sha256}).status_code == 302
    meeting.refresh_from_db()
    assert meeting.state == "closed"
    client.post("/accounts/login/", {"login": chair.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post(address, {"sha256": meeting.minutes.sha256}).status_code == 422
    assert client.post(address, {"read": "on", "sha256": "0" * 64}).status_code == 422
    assert client.post(address, {"read": "on", "sha256": meeting.minutes.sha256}).status_code == 302
    meeting.refresh_from_db()
    assert (meeting.state, meeting.signed_by) == ("signed", chair)
    assert meeting.signed_sha256 in text_of(client.get(meeting.get_absolute_url()))


def test_minutes_are_read_by_the_panel_and_staff_and_not_by_who_left_the_room(client):
    meeting = make_meeting(1)
    gone = members_of(meeting)[3]
    services.declare_conflict(meeting.items.get(), actor=gone, kind="coauthor")
    meeting = finished(open_session(meeting))
    address = reverse("document", args=[meeting.minutes.public_id])
    for person, status in (
        (chair_of(meeting), 200),
        (members_of(meeting)[1], 200),
        (make_staff("auditor"), 200),
        (gone, 404),
        (make_user(), 404),
    ):
        client.force_login(person)
        assert client.get(address).status_code == status


def test_calendar_file_says_when_and_where(client):
    meeting = make_meeting(1, place="A 座 301")
    answer = page(client, members_of(meeting)[1], "calendar", meeting.pk)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    lines = text_of(answer).replace("\r\n ", "")
    assert f"DTSTART:{meeting.starts_at:%Y%m%dT%H%M}" in lines
    assert "LOCATION:A 座 301" in lines


def test_home_says_when_and_what_is_missing(client):
    meeting = make_meeting(3)
    client.force_login(members_of(meeting)[1])
    shown = text_of(client.get("/"))
    assert meeting.title in shown
    assert "3 项议题" in shown
    assert "3 项未声明" in shown


def test_everything_is_read_in_english_too(client):
    meeting = session(items=1)
    item = voting_item(meeting)
    client.force_login(chair_of(meeting))
    client.cookies["django_language"] = "en"
    for address in (meeting.get_absolute_url(), item.get_absolute_url(), reverse("panels:list")):
        assert client.get(address).status_code == 200
    concluded(vote_all(item))
    assert client.get(meeting.get_absolute_url()).status_code == 200
