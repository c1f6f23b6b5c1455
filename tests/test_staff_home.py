"""The staff's first page: each role's queues and figures, and what an empty park shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from funding.models import Review, StageRun
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.states import MessageStatus
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

    (line,) = list(cards(home("finance"))["Calls closing"].lines)

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
    assert all(number == 0 and tone == "" for number, tone in figures(response).values())


def test_figures_link_to_lists_that_open(home, client_of):
    call = make_review_call()
    run_of(make_application(call))
    make_review(expert_run())
    lead = client_of("lead")

    for figure in home("lead").context["figures"]:
        assert lead.get(figure["url"]).status_code == 200, figure
    for bar in cards(home("lead"))["Applications per stage"].context["bars"]:
        if bar["url"]:
            assert lead.get(bar["url"]).status_code == 200, bar


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
