"""What the logs say, and what they never do."""

import json
import logging
import sys

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from park_portal.core import bells, context
from park_portal.core.logs import JsonFormatter, TextFormatter, clean
from tests.callers import Caller
from tests.personas import PASSWORD


def line(message: str, *args: object, **extra: object) -> dict:
    record = logging.LogRecord("park.test", logging.WARNING, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    return json.loads(JsonFormatter().format(record))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("refused: {'wei.zhang+x@fudan.edu.cn': (550, b'no')}", "refused: {'…@…': (550, b'no')}"),
        ("call 13812345678 or +86 138 1234 5678.", "call … or …."),
        ("card 310101199001011237 and 31010119900101123X", "card … and …"),
        ("GET /search/?q=张伟&page=2 took long", "GET /search/?… took long"),
        ("GET /invitations/3f9ac2d1e8b7465a90cc/ twice", "GET /invitations/…/ twice"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: … …"),
        ("sent Bearer abc.def-ghi", "sent Bearer …"),
        ("duplicate key\nDETAIL:  Key (name)=(张伟) already exists.\nnext", "duplicate key\nDETAIL: …\nnext"),
        ("token=abcdef password: hunter2", "token=… password: …"),
        # What operators need stays.
        ("Task core.outbox.handle[0b5f8e5a-6a2b-4a43-9d3c-1f2e3d4c5b6a] succeeded in 0.1s", None),
        ("Message 1712345678901 failed after 15 s at 2026-11-23 05:25:06", None),
        ("why? Because.", None),
    ],
)
def test_clean_hides_people_and_keys_and_nothing_else(said, kept):
    assert clean(said) == (said if kept is None else kept)


def test_a_line_tells_request_and_facts_and_hides_what_an_error_repeats():
    with context.origin(request_id="req-12345678", address="203.0.113.9", door="web"):
        found = line("Mail to %s failed", "zhang@fudan.edu.cn", facts={"route": "home", "ms": 3.5})
    assert {
        key: found[key] for key in ("level", "logger", "message", "request_id", "door", "route", "ms")
    } == {
        "level": "WARNING",
        "logger": "park.test",
        "message": "Mail to …@… failed",
        "request_id": "req-12345678",
        "door": "web",
        "route": "home",
        "ms": 3.5,
    }
    assert "203.0.113.9" not in json.dumps(found)
    assert found["time"].endswith("+00:00")
    try:
        raise IntegrityError("duplicate key\nDETAIL:  Key (email)=(zhang@fudan.edu.cn) already exists.")
    except IntegrityError:
        found = line("broken", exc_info=sys.exc_info())
    assert "IntegrityError: duplicate key" in found["exception"]
    assert "zhang" not in json.dumps(found)
    assert "request_id" not in found


def test_text_for_a_terminal_begins_with_the_request():
    record = logging.LogRecord("park.test", logging.INFO, __file__, 1, "hello %s", ("a@b.cn",), None)
    with context.origin(request_id="req-12345678", door="web"):
        assert TextFormatter().format(record)[8:] == " INFO    [req-1234] park.test: hello …@…"


@pytest.fixture
def lines(caplog, monkeypatch):
    """What production would have written since."""
    monkeypatch.setattr(logging.getLogger("django"), "propagate", True)
    caplog.set_level(logging.INFO)
    written: list[dict] = []
    formatter = JsonFormatter()

    class Writer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(formatter.format(record)))

    writer = Writer()
    logging.getLogger().addHandler(writer)
    yield written
    logging.getLogger().removeHandler(writer)


def test_each_request_leaves_one_line_of_its_route(client_of, lines):
    client = client_of("stranger")
    answer = client.get("/search/?q=张伟", headers={"X-Request-ID": "nginx-0123456789"})
    [found] = [one for one in lines if one["logger"] == "park.requests"]
    assert (found["route"], found["method"], found["status"]) == ("search", "GET", answer.status_code)
    assert found["request_id"] == answer["X-Request-ID"] == "nginx-0123456789"
    assert found["person"] == int(client.session["_auth_user_id"])
    assert 0 < found["queries"] < 20
    assert found["message"] == f"GET search {answer.status_code}"
    lines.clear()
    # A page that is not there, and one that may not be seen: told by their route, and in one line without a traceback.
    client.get("/invitations/3f9ac2d1e8b7465a90cc/and-more/")
    client.get("/account/view-as/1/")
    client.get("/healthz")
    text = json.dumps(lines, ensure_ascii=False)
    assert [(one["route"], one["status"]) for one in lines if one["logger"] == "park.requests"] == [
        ("unresolved", 404),
        ("view-as", 403),
    ]
    assert "3f9ac2d1e8b7465a90cc" not in text
    assert "exception" not in text


def test_a_line_tells_the_number_of_who_asked_by_token_or_as_somebody_else(people, client_of, lines):
    stranger, officer = people("stranger"), people("officer")
    caller = Caller(stranger)
    assert caller.get("/me/").status_code == 200
    client = client_of(officer)
    client.post(f"/account/view-as/{stranger.pk}/", {"reason": "a question by phone"})
    client.get("/account/profile/")
    found = [one for one in lines if one["logger"] == "park.requests"]
    assert [
        (one["route"], one.get("person"), one.get("viewed_as")) for one in found if one["status"] == 200
    ] == [
        ("api:me-list", stranger.pk, None),
        ("profile", officer.pk, stranger.pk),
    ]
    assert caller.secret not in json.dumps(lines)


def test_what_signing_in_logs_names_nobody(people, lines):
    stranger = people("stranger")
    client = Client()
    client.post("/accounts/login/", {"login": stranger.email, "password": "wrong-" + PASSWORD})
    client.post("/accounts/login/?next=/account/profile/", {"login": stranger.email, "password": PASSWORD})
    client.post("/accounts/password/reset/", {"email": stranger.email})
    assert len([one for one in lines if one["logger"] == "park.requests"]) == 3
    text = json.dumps(lines, ensure_ascii=False)
    assert not [one for one in (stranger.email, stranger.name, PASSWORD, "next=") if one in text]


class Ring:
    """A task that remembers under which origin it ran."""

    name = "test.ring"

    def __init__(self) -> None:
        self.request = type("Request", (), {})()


@pytest.mark.parametrize("given", ["req-12345678", ""])
def test_a_task_runs_under_the_request_that_rang(given):
    headers: dict = {}
    with (
        context.origin(request_id=given or None, door="web")
        if given
        else context.origin(door="shell") as told
    ):
        bells.name_the_request(headers=headers)
    assert headers[bells.REQUEST_ID] == told.request_id
    task = Ring()
    task.request.__dict__.update(headers if given else {})
    bells.begin(task=task)
    inside = context.current()
    bells.end(task=task, state="SUCCESS")
    assert inside.door == "worker"
    assert (inside.request_id == given) if given else len(inside.request_id) == 32
    assert context.current().request_id == ""


@pytest.mark.django_db
def test_statements_are_counted_and_the_wrapper_goes_with_the_request(client):
    client.get("/")
    assert connection.execute_wrappers == []
