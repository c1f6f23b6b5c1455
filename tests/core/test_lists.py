"""Lists: pages by key in both directions, filters, search, saved views, acts on the whole match."""

import base64
import json
import re
from datetime import timedelta

import pytest
import rules
from django.utils import timezone

from park_portal.core.accounts.models import SavedView
from park_portal.core.jobs.models import Job
from tests.core import list_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.list_urls")]

LIST = "/test/jobs/"


@pytest.fixture(autouse=True)
def _anyone_notes(monkeypatch):
    """The act of the trial list is open to everyone who is signed in."""
    monkeypatch.setitem(rules.permissions.permissions, "core.cancel_job", rules.predicates.is_active)
    list_urls.done.clear()


@pytest.fixture
def jobs(people):
    """Seven jobs of the founder, oldest first, and one of a stranger."""
    now = timezone.now()
    founder = people("founder")
    rows = [
        Job.objects.create(kind=f"kind {n}", owner=founder, created_at=now - timedelta(hours=10 - n))
        for n in range(7)
    ]
    Job.objects.create(kind="of a stranger", owner=people("stranger"))
    return rows


def shown(response) -> list[str]:
    return re.findall(r">(kind \d|of a stranger)</a>", response.content.decode())


def neighbour(response, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.content.decode())
    return LIST + found[1].replace("&amp;", "&") if found else None


def test_list_pages_forward_and_back(client_of, jobs):
    client = client_of("founder")
    first = client.get(LIST)
    second = client.get(neighbour(first, "next"))
    third = client.get(neighbour(second, "next"))
    assert [shown(page) for page in (first, second, third)] == [
        ["kind 6", "kind 5", "kind 4"],
        ["kind 3", "kind 2", "kind 1"],
        ["kind 0"],
    ]
    assert neighbour(first, "prev") is None
    assert neighbour(third, "next") is None
    assert shown(client.get(neighbour(third, "prev"))) == ["kind 3", "kind 2", "kind 1"]
    back_at_the_start = client.get(neighbour(second, "prev"))
    assert shown(back_at_the_start) == ["kind 6", "kind 5", "kind 4"]
    assert neighbour(back_at_the_start, "prev") is None


def test_list_page_order_with_empty_values_reaches_every_row_once(client_of, jobs):
    Job.objects.filter(pk__in=[jobs[2].pk, jobs[5].pk]).update(finished_at=timezone.now())
    client = client_of("founder")
    for order in ("finished_at", "-finished_at", "kind", "-kind"):
        page, seen, steps = client.get(f"{LIST}?order={order}"), [], 0
        last = page
        while page is not None and steps < 5:
            seen += shown(page)
            last, following = page, neighbour(page, "next")
            page = client.get(following) if following else None
            steps += 1
        assert sorted(seen) == [f"kind {n}" for n in range(7)], order
        backwards, page = shown(last), last
        while (previous := neighbour(page, "prev")) is not None:
            page = client.get(previous)
            backwards = shown(page) + backwards
        assert backwards == seen, order


@pytest.mark.parametrize("cursor", ["rubbish", "W10", "WyJ4IiwgInkiXQ", "WzEsIDJd", "A" * 3000])
def test_list_made_up_cursor_shows_the_first_page(client_of, jobs, cursor):
    response = client_of("founder").get(LIST, {"after": cursor})
    assert response.status_code == 200
    assert len(shown(response)) <= 3


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "\ud800", "a\x00b", True, 10**30]
)
@pytest.mark.parametrize("way", ["after", "before"])
@pytest.mark.parametrize("order", ["created_at", "kind"])
def test_list_cursor_that_no_row_can_have_shows_the_first_page(client_of, jobs, order, way, value):
    cursor = base64.urlsafe_b64encode(json.dumps([value, 1]).encode()).decode()
    assert client_of("founder").get(LIST, {way: cursor, "order": order}).status_code == 200


def test_list_order_nobody_offers_is_ignored(client_of, jobs):
    assert shown(client_of("founder").get(f"{LIST}?order=owner__password")) == ["kind 6", "kind 5", "kind 4"]


def test_list_searches_and_filters(client_of, jobs):
    client = client_of("founder")
    assert shown(client.get(f"{LIST}?q=kind+4")) == ["kind 4"]
    assert shown(client.get(f"{LIST}?q=KIND&state=done")) == []
    assert shown(client.get(f"{LIST}?state=queued&q=6")) == ["kind 6"]


def test_a_filter_that_makes_no_sense_says_so_and_the_others_hold(client_of, jobs):
    response = client_of("founder").get(f"{LIST}?kind=kind+4&state=nonsense&created_at=never")
    assert shown(response) == ["kind 4"]
    assert set(response.context["filters"].form.errors) == {"state", "created_at"}


@pytest.mark.parametrize(
    "query",
    [
        *("state=nonsense", "q=%00", "state=%00", "after=%00&before=%00", "order=%00"),
        "after=" + base64.urlsafe_b64encode(b"[" * 1400).decode(),
    ],
)
def test_list_nonsense_in_the_address_is_no_error_of_ours(client_of, jobs, query):
    response = client_of("founder").get(f"{LIST}?{query}")
    assert response.status_code == 200
    assert len(shown(response)) == 3


def test_list_view_is_saved_found_again_and_dropped(client_of, people, jobs):
    client = client_of("founder")
    response = client.post(f"{LIST}?q=kind&after=abc", {"save_view": "Mine"}, follow=True)
    view = SavedView.objects.get()
    assert (view.user, view.page, view.name, view.query) == (people("founder"), "test-jobs", "Mine", "q=kind")
    assert "Mine" in response.content.decode()
    client.post(f"{LIST}?q=kind", {"drop_view": view.pk})
    assert SavedView.objects.count() == 0


def test_list_foreign_view_is_neither_shown_nor_dropped(client_of, people, jobs):
    view = SavedView.objects.create(user=people("founder"), page="test-jobs", name="Secret", query="q=1")
    stranger = client_of("stranger")
    assert "Secret" not in stranger.get(LIST).content.decode()
    stranger.post(LIST, {"drop_view": view.pk})
    stranger.post(LIST, {"drop_view": "1' OR 1=1"})
    assert SavedView.objects.get() == view


def test_list_act_on_the_whole_match_asks_first_and_knows_no_foreign_row(client_of, jobs):
    client = client_of("founder")
    asked = client.post(f"{LIST}?q=kind", {"act": "note", "whole": "1"})
    assert "7" in asked.content.decode()
    assert list_urls.done == []
    client.post(f"{LIST}?q=kind", {"act": "note", "whole": "1", "confirmed": "1"})
    assert list_urls.done == [sorted(job.pk for job in jobs)]


def test_list_act_on_picked_rows_leaves_out_foreign_and_unreadable_ones(client_of, jobs):
    foreign = Job.objects.get(kind="of a stranger")
    picks = [jobs[0].pk, foreign.pk, "x", "9" * 40]
    client_of("founder").post(LIST, {"act": "note", "whole": "0", "pick": picks, "confirmed": "1"})
    assert list_urls.done == [[jobs[0].pk]]


def test_list_act_without_permission_is_refused(client_of, jobs):
    response = client_of("founder").post(LIST, {"act": "never", "whole": "1", "confirmed": "1"})
    assert response.status_code == 403
    assert list_urls.done == []


def test_list_of_signed_out_visitor_is_the_sign_in_page(client):
    response = client.get(LIST)
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/test/jobs/"


def test_list_asked_by_a_script_without_session_says_so(client):
    response = client.get(LIST, headers={"accept": "application/json"})
    assert response.status_code == 401
    assert response.json()["code"] == "signed_out"
