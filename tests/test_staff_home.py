"""The staff's first page: each role's queues and figures, and what an empty park shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from funding.applications.services import withdraw_application
from funding.models import Objection, Review, StageRun
from funding.reviews.services import record_objection, resolve_objection
from park_portal.core.jobs.models import Job
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.states import MessageStatus
from park_portal.core.workflow import SYSTEM, advance
from tests.factories.calls import make_call
from tests.factories.core import make_staff
from tests.factories.decisions import make_decision, make_letter, under_notice
from tests.factories.panels import finished, session
from tests.factories.reviews import expert_run, make_application, make_review, make_review_call, run_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(client_of):
    """The context of a role's first page, in English."""

    def open_home(role):
        client = client_of(role)
        client.cookies["django_language"] = "en"
        response = client.get("/admin/")
        assert response.status_code == 200
        return response

    return open_home


def figures(response):
    return {
        str(figure["label"]): (figure["number"], figure["tone"]) for figure in response.context["figures"]
    }


def cards(response):
    return {
        str(card.title): card for card in [*response.context["wide_cards"], *response.context["side_cards"]]
    }


def test_officer_sees_what_waits_most_urgent_first(home):
    call = make_review_call()
    late, soon = run_of(make_application(call)), run_of(make_application(call))
    StageRun.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(days=1))
    StageRun.objects.filter(pk=soon.pk).update(due_at=timezone.now() + timedelta(days=3))

    response = home("officer")

    assert figures(response)["waiting for us"] == (2, "")
    assert figures(response)["overdue"] == (1, "bad")
    lines = list(cards(response)["My tasks"].lines)
    assert [line.tone for line in lines] == ["bad", ""]
    assert lines[0].url == reverse("admin:funding_stagerun_work", args=[late.pk])


def test_applications_are_counted_per_stage(home):
    call = make_review_call()
    late = run_of(make_application(call))
    run_of(make_application(call))
    late.application.due_at = timezone.now() - timedelta(days=1)
    late.application.save(update_fields=["due_at"])

    bars = {
        str(bar["label"]): bar for bar in cards(home("auditor"))["Applications per stage"].context["bars"]
    }

    first = bars[str(late.stage.get_kind_display())]
    assert (first["total"], first["on_time"], first["late"], first["away"]) == (2, 1, 1, 0)


def test_open_calls_are_listed_by_closing_minute_with_their_numbers(home):
    call = make_review_call()
    make_application(call)

    (line,) = list(cards(home("finance"))["Calls open or to open"].lines)

    assert str(line.title) == str(call)
    assert line.detail == "1 application · 0 drafts"


def test_overdue_reviews_are_for_those_who_can_replace_the_reviewer(home):
    review = make_review(expert_run())
    Review.objects.filter(pk=review.pk).update(due_at=timezone.now() - timedelta(days=1))

    assert figures(home("officer"))["expert reviews overdue"] == (1, "bad")
    assert [str(line.title) for line in cards(home("officer"))["Reviews overdue"].lines] == [
        review.reviewer.name
    ]
    assert "Reviews overdue" not in cards(home("finance"))


def test_system_administrator_sees_what_failed_and_no_application(home):
    make_application(make_review_call())
    Message.objects.create(
        topic="notify", key="broken", status=MessageStatus.FAILED, error="no route to host"
    )

    response = home("administrator")

    assert figures(response)["messages that failed"] == (1, "bad")
    assert set(cards(response)) == {"What failed"}
    assert "AIBT" not in response.content.decode()


def test_park_without_a_call_says_what_to_do_first(home):
    response = home("officer")

    assert "First steps" in cards(response)
    assert "No application is under way." in response.content.decode()
    assert figures(response) == {}


def test_call_that_is_to_open_says_when(home):
    call = make_call(state="published", opens_in=3)

    (line,) = list(cards(home("finance"))["Calls open or to open"].lines)

    assert (line.detail, line.due) == (f"opens {timezone.localtime(call.opens_at):%m-%d %H:%M}", None)


def test_stage_without_reviewers_is_a_task_and_a_figure_of_officers(home):
    call = make_review_call("expert", "decision")
    bare, half, full = expert_run(call), expert_run(call), expert_run(call)
    make_review(half)
    make_review(full)
    make_review(full)

    response = home("officer")

    assert figures(response)["waiting for us"] == (3, "")
    assert figures(response)["reviewers to assign"] == (2, "wait")
    card = cards(response)["Reviewers to assign"]
    address = reverse("admin:funding_stagerun_assign")
    assert [(line.url, line.detail) for line in card.lines] == [
        (f"{address}?run={bare.pk}#pool", "0 of 2 reviewers asked"),
        (f"{address}?run={half.pk}#pool", "1 of 2 reviewers asked"),
    ]
    assert card.more_url == f"{address}?short=1"
    for other in ("finance", "auditor", "fund_manager"):
        assert "reviewers to assign" not in figures(home(other))
        assert "Reviewers to assign" not in cards(home(other))


def test_every_figure_is_the_number_of_rows_of_the_list_that_it_opens(home, client_of):
    now = timezone.now()
    call = make_review_call("screening", "expert", "decision")
    screened = [run_of(make_application(call)) for _number in range(3)]
    StageRun.objects.filter(pk=screened[0].pk).update(due_at=now - timedelta(days=1))
    StageRun.objects.filter(pk=screened[1].pk).update(
        due_at=timezone.localtime().replace(hour=23, minute=59, second=59)
    )
    experts = make_review_call("expert", "decision")
    runs = [expert_run(experts) for _number in range(3)]
    StageRun.objects.filter(pk=runs[0].pk).update(due_at=now - timedelta(days=40))
    late = make_review(runs[1])
    make_review(runs[1])
    make_review(runs[2])
    Review.objects.filter(pk=late.pk).update(due_at=now - timedelta(days=1))
    make_decision()
    make_letter()
    line = under_notice()
    for name in ("甲", "乙"):
        record_objection(line, name=name, email="he@example.com", text="数据有误。")
    resolved = Objection.objects.latest("pk")
    resolve_objection(resolved, actor=make_staff("officer"), upheld=False, resolution="属实核查无误。")
    lead = make_staff("lead", name="Lena")
    withdraw_application(make_application(call), actor=lead, reason="不再需要")
    for key, status, age in (
        ("a", "failed", 0),
        ("b", "waiting", 10),
        ("c", "waiting", 0),
    ):
        Message.objects.create(topic="notify", key=key, status=status, due_at=now - timedelta(minutes=age))
    for days in (1, 30):
        job = Job.objects.create(kind="applications.export", owner=lead)
        advance(job, "fail", actor=SYSTEM, changes={"finished_at": now})
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(days=days))

    seen = set()
    for role in ("lead", "officer", "fund_manager", "auditor", "administrator"):
        client, response = client_of(role), home(role)
        for figure in response.context["figures"]:
            opened = client.get(figure["url"])
            assert opened.status_code == 200, figure
            rows = opened.context["runs"] if "runs" in opened.context else opened.context["cl"].result_list
            assert len(rows) == figure["number"], (role, figure)
            with override("en"):
                seen.add(str(figure["label"]))
        for bar in cards(response).get("Applications per stage", _NoBars).context["bars"]:
            if bar["url"]:
                assert len(client.get(bar["url"]).context["cl"].result_list) == bar["total"], (role, bar)
    assert seen == {
        "waiting for us",
        "due today",
        "overdue",
        "reviewers to assign",
        "expert reviews overdue",
        "decisions to release",
        "letters to check",
        "objections to answer",
        "projects under public notice",
        "messages that failed",
        "messages waiting for over 5 minutes",
        "jobs that failed in 7 days",
    }


class _NoBars:
    context = {"bars": []}


@pytest.mark.parametrize("role", ["officer", "lead", "fund_manager", "finance", "auditor", "administrator"])
def test_first_page_costs_at_most_twelve_queries(client_of, role, django_assert_max_num_queries):
    call = make_review_call()
    for _number in range(3):
        run_of(make_application(call))
    make_review(expert_run())
    client = client_of(role)
    client.get("/admin/")

    with django_assert_max_num_queries(12):
        client.get("/admin/")


def test_officer_sees_minutes_that_nobody_signed_and_meetings_that_nobody_closed(home):
    finished()
    forgotten = session()
    session()
    before = timezone.now() - timedelta(days=2)
    type(forgotten).objects.filter(pk=forgotten.pk).update(starts_at=before)
    found = {str(one["label"]): one["number"] for one in home("officer").context["figures"]}
    assert found["panel minutes to be signed"] == 1
    assert found["panel meetings left open"] == 1
    assert "panel minutes to be signed" not in {
        str(one["label"]) for one in home("fund_manager").context["figures"]
    }
