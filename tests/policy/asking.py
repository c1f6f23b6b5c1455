"""Asks one case as each role, and says what came of it in a few letters."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core import mail
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.policy.robot import fill_in
from tests.policy.roles import ROLES
from tests.policy.world import CANARIES, World

READS: Final = ("GET",)

# What a request may leave behind without having done anything: the session (messages, last seen) and the use of a token.
# The limits count every attempt, and their counts are what a refusal there is for.
BOOKKEEPING: Final = frozenset({"django_session", "usersessions_usersession", "core_apitoken", "core_limit"})
# A page that is read may note that it was, in the audit trail, on the notice or among the accesses to a data room; a
# receipt is printed when first read.
READ_NOTES: Final = BOOKKEEPING | {"core_entry", "core_delivery", "core_document", "funding_dataroomaccess"}

MEANS: Final = {
    "ok": "done, or shown; letters after it say which rows' titles (capitals) and names (small) were in the answer",
    "in": "sent to sign in (401 for programs)",
    "no": "refused: 403",
    "--": "not there for this person: 404",
    "me": "no such method: 405",
    "st": "nothing done: the state, a missing precondition or a rule of the thing itself",
    "to": "led on to another page",
}


@dataclass(frozen=True)
class Json:
    """A body that a page's script sends."""

    data: Any


@dataclass(frozen=True, eq=False)
class Case:
    """One route with one row, and how it is asked.

    ``kwargs`` are the route's arguments; ``post`` is the payload of a POST: a mapping, a function of the world that
    returns one, or None for the form that the page itself shows, filled in. ``body`` is the JSON of an API call by
    method. ``change`` names form fields that the payload sets beside what the form holds.
    """

    route: str
    whose: str = "-"
    kwargs: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    methods: tuple[str, ...] = ("GET", "POST")
    post: Any = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    change: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    button: str = ""
    tag: str = ""  # which of several things one route does: the act of an act page
    program: bool = False  # asked with a token rather than a session
    body: Callable[[World, str], Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.route}[{self.tag}]" if self.tag else self.route

    @property
    def key(self) -> str:
        return f"{self.name} {self.whose}"

    def path(self, world: World) -> str:
        return reverse(self.route, kwargs=self.kwargs(world)) + self.query


class Writes:
    """Notes the tables that statements wrote to."""

    WORDS: Final = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE)\s+"?(\w+)"?', re.I)

    def __init__(self) -> None:
        self.tables: set[str] = set()

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if (found := self.WORDS.match(sql)) and context["cursor"].rowcount != 0:
            self.tables.add(found[1])
        return result


def fingerprint() -> tuple[Any, ...]:
    """Every row of every table, as values that differ when anything of it does."""
    tables = sorted(
        {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - BOOKKEEPING
    )
    parts = [
        f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM \"{table}\" t"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return tuple(sorted((name, count, str(total)) for name, count, total in cursor.fetchall()))


def files_and_mails() -> tuple[Any, ...]:
    """Every file that is kept, with its size, and how many mails have been sent."""
    files = tuple(
        sorted(
            (str(path), path.stat().st_size)
            for path in Path(settings.MEDIA_ROOT).rglob("*")
            if path.is_file()
        )
    )
    return files, len(getattr(mail, "outbox", ()))


@contextmanager
def undone() -> Iterator[None]:
    """What happens within is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Asker:
    """Asks in one world."""

    def __init__(self, world: World, table: Mapping[tuple[str, str, str], list[str]]) -> None:
        self.world = world
        self.payloads: dict[str, Any] = {}
        # Every cell finds the world as it was: which row fits an act, and what its form wants, is found once.
        self.paths: dict[Case, str] = {}
        self.bodies: dict[tuple[Case, str], Any] = {}
        self.asked = 0
        self.table = table

    # --- one request

    def ask(self, case: Case, method: str, role: str) -> str:
        """Return the outcome of one cell; what it did stays."""
        response, written = self.send(case, method, role)
        return outcome(response, method, written, case)

    def send(self, case: Case, method: str, role: str) -> tuple[Any, set[str]]:
        client = self.client(case, role)
        # Each from an address of its own: what is limited for each address would soon be refused.
        self.asked += 1
        client.defaults["REMOTE_ADDR"] = (
            f"10.{os.getpid() % 250}.{self.asked // 250 % 250}.{self.asked % 250}"
        )
        path = self.path(case)
        # A request leaves its language behind in the thread.
        translation.activate(settings.LANGUAGE_CODE)
        sent = self.payload(case) if method == "POST" and not case.program else None
        body = self.body(case, method) if case.program and method not in READS else None
        writes, mails = Writes(), len(mail.outbox)
        with connection.execute_wrapper(writes):
            if case.program:
                response: Any = self.call(client, method, path, case, body)
            elif method == "GET":
                response = client.get(path, headers=case.headers)
            elif method == "POST":
                response = (
                    client.post(path, sent.data, content_type="application/json", headers=case.headers)
                    if isinstance(sent, Json)
                    else client.post(path, sent, headers=case.headers)
                )
            else:
                response = client.generic(method, path, headers=case.headers)
        if len(mail.outbox) > mails:
            writes.tables.add("mail")
        return response, writes.tables

    def call(self, client: Client, method: str, path: str, case: Case, body: Any) -> Any:
        """Send what a program sends: JSON, or a file as a form."""
        headers = {"If-Match": "*", **case.headers} if method in ("PUT", "PATCH", "DELETE") else case.headers
        if isinstance(body, dict) and any(hasattr(one, "read") for one in body.values()):
            return client.post(path, body, headers=headers)
        text = "" if body is None else json.dumps(body)
        return client.generic(method, path, text, content_type="application/json", headers=headers)

    def client(self, case: Case, role: str) -> Client:
        return self.world.program(role) if case.program else self.world.client(role)

    def path(self, case: Case) -> str:
        if case not in self.paths:
            self.paths[case] = case.path(self.world)
        return self.paths[case]

    def body(self, case: Case, method: str) -> Any:
        """Return what a program sends; a file is read once, and so made anew for each."""
        if case.body is None:
            return None
        if (case, method) not in self.bodies:
            body = case.body(self.world, method)
            if isinstance(body, dict) and any(hasattr(one, "read") for one in body.values()):
                return body
            self.bodies[case, method] = body
        return self.bodies[case, method]

    def payload(self, case: Case) -> Any:
        """Return what the case sends: its own payload, or the form of its page, filled in."""
        if callable(case.post):
            return case.post(self.world)
        if case.post is not None:
            return case.post
        if case.key not in self.payloads:
            self.payloads[case.key] = self._read_form(case)
        return self.payloads[case.key]

    def _read_form(self, case: Case) -> Any:
        change = case.change(self.world)
        if "GET" not in case.methods:
            return change
        for role in self.readers(case):
            with undone():
                response = self.client(case, role).get(self.path(case), headers=case.headers)
                content = response.content if response.status_code == 200 and not response.streaming else b""
            if content.strip() and (found := fill_in(content, change=change, button=case.button)) is not None:
                return found
        return change

    def readers(self, case: Case) -> list[str]:
        """Return the roles to read the page's form as: who may send it, if the table knows any."""
        for method in ("POST", "GET"):
            known = self.table.get((case.name, method, case.whose), ())
            seeing = [role for role, wanted in zip(ROLES, known, strict=False) if wanted.startswith("ok")]
            if seeing:
                return seeing[:1]
        return ["lead", "administrator", "owner", "liaison", "reviewer", "officer", "fund_manager", "finance"]

    # --- one line

    def line(self, case: Case, method: str) -> list[str]:
        """Return the outcome of each role; each finds the world as it was."""
        return [self._undone(case, method, role) for role in ROLES]

    def _undone(self, case: Case, method: str, role: str) -> str:
        with undone():
            return self.ask(case, method, role)


def outcome(response: HttpResponseBase, method: str, written: set[str], case: Case) -> str:
    """Return the letters of one answer; see ``MEANS``."""
    status = response.status_code
    location = response.headers.get("Location", "")
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined] # either
    if status >= 500 or status == 429:
        return str(status)
    if status == 401 or (status in (302, 303) and location.startswith(("/accounts/login/", "/admin/login/"))):
        return "in" + _also(written - BOOKKEEPING)
    if status in (403, 404, 405):
        return {403: "no", 404: "--", 405: "me"}[status] + _also(written - BOOKKEEPING)
    if method in READS:
        if status in (301, 302, 303, 307):
            return "to" + _also(written - READ_NOTES)
        if status >= 400:
            return "st" + _also(written - BOOKKEEPING)
        return "ok" + shown(body, case) + _also(written - READ_NOTES)
    done = written - BOOKKEEPING
    return "ok" if done and status < 400 else "st" + _also(done)


def _also(tables: set[str]) -> str:
    """A refusal that wrote something says so, and matches no line of the table."""
    return f"!{','.join(sorted(tables))}" if tables else ""


def shown(body: bytes, case: Case) -> str:
    """Return which rows' titles and names the answer holds."""
    text = body.decode("utf-8", "replace")
    return "".join(letter for letter, canary in CANARIES.items() if canary in text)
