"""The first pages: what is due comes first, and visitors see the calls that were announced."""

from datetime import UTC, datetime, timedelta

import pytest

from funding.calls.models import Call
from park_portal.core.audit.services import SYSTEM
from park_portal.core.due import Due
from park_portal.core.frame import Card, Task
from park_portal.core.workflow import advance
from park_portal.home import Figure, due_of, figures_of
from tests.factories.applications import make_call

# 18:00 in Shanghai.
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)


def titles(found: dict[str, list[Task]]) -> dict[str, list[str]]:
    return {name: [str(task.title) for task in tasks] for name, tasks in found.items()}


def test_due_sorts_by_urgency_across_cards_and_days_begin_in_shanghai():
    cards = [
        Card(
            "Reviews",
            [
                Task("tomorrow", "/", due=NOW + timedelta(hours=6)),  # 00:00 in Shanghai.
                Task("later today", "/", due=NOW + timedelta(hours=5, minutes=59)),
                Task("no date", "/"),
            ],
        ),
        Card(
            "Applications",
            [
                Task("in eight days", "/", due=NOW + timedelta(days=8)),
                Task("yesterday", "/", due=NOW - timedelta(days=1)),
                Task("an hour ago", "/", due=NOW - timedelta(hours=1)),
                Task("another's turn", "/", due=NOW, mine=False),
                Task("in a week", "/", due=NOW + timedelta(days=7)),
            ],
        ),
    ]
    assert titles(due_of(cards, NOW)) == {
        "over": ["yesterday", "an hour ago"],
        "today": ["later today"],
        "week": ["tomorrow", "in a week"],
    }


@pytest.mark.django_db
def test_landing_shows_announced_and_open_calls_and_no_draft(client):
    from tests.factories import make

    draft = make("funding.Call", title="A secret draft")
    page = client.get("/").content.decode()
    assert "A secret draft" not in page
    assert Call.objects.get(pk=draft.pk).state == "draft"


def test_figures_count_what_a_card_does_not_show():
    cards = [
        Card("Queue", [Task("one", "/", due=NOW - timedelta(days=1))], due=Due(9, 0, 7), due_url="/q/?due="),
        Card("Reviews", [Task("two", "/", due=NOW + timedelta(days=1))], due_url="/r/?due="),
        Card("Applications", [Task("three", "/", due=NOW, mine=False), Task("four", "/", due=NOW)]),
    ]
    assert figures_of(cards, NOW) == [
        Figure("over", 9, "/q/?due=over"),
        Figure("today", 1, ""),
        Figure("week", 8, ""),
    ]


@pytest.mark.django_db
def test_a_call_that_is_still_to_open_leaves_nobody_little_time(client):
    opens = datetime.now(UTC) + timedelta(days=20)
    call = make_call(opened=False, opens_at=opens, closes_at=opens + timedelta(days=30))
    advance(call, "publish", actor=SYSTEM, changes={"published_at": datetime.now(UTC)})
    page = client.get("/", headers={"accept-language": "en"}).content.decode()
    assert "Opens" in page
    assert "left)" not in page
