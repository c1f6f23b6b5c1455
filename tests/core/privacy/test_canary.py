"""A person with a canary in every column, file, cache and log: after erasure it sings only where the law keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.test import Client

from park_portal.core.accounts.models import User
from park_portal.core.accounts.services import update_profile
from park_portal.core.audit.models import Entry, Seal
from park_portal.core.audit.services import record, seal_entries, verify_chain
from park_portal.core.documents.services import store_document
from park_portal.core.outbox.models import Message
from park_portal.core.outbox.services import notify, relay_messages
from park_portal.core.personal import HOLDINGS, Holding
from park_portal.core.privacy.erasing import erase_person
from park_portal.core.privacy.held import kept_by_law
from park_portal.core.search.services import reindex
from tests.core.documents.samples import PDF
from tests.factories import make
from tests.factories.core import make_staff, make_user

pytestmark = pytest.mark.django_db

WORD = "kanari7f3a9c"
NUMBER = "13977665544"
ADDRESS = "203.0.113.77"
SOUGHT = (WORD, NUMBER, ADDRESS)
EMAIL, NAME = f"{WORD}@canary.example", f"金丝雀 {WORD.title()}"
TEXT = f"{NAME} <{EMAIL.upper()}>, {NUMBER}: “{NAME}”"


# What follows from others: the search from the records, a session from signing in.
MADE_OF_OTHERS = ("core.SearchEntry", "sessions.Session")


# Where one row cannot hold everything at once: with which values it is made, the paths and the columns that it holds then.
WAYS: dict[str, list[tuple[dict[str, object], Sequence[str], Sequence[str]]]] = {
    "funding.Conflict": [
        ({}, ["person"], ["note"]),
        ({"other": make_user}, ["other"], []),
        ({"other_name": "x"}, ["person"], ["other_name", "other_email", "other_orcid"]),
    ],
    "funding.Meeting": [({"state": "signed"}, ["signed_by"], [])],
    "funding.DiligenceItem": [({"settled": "waived"}, ["settled_by"], ["title", "note"])],
}
# Tables in which nobody takes two steps: a row for each, the first with every column.
APART = (
    *("funding.Amendment", "funding.Milestone", "funding.Report"),
    *("funding.Disbursement", "funding.PaymentBatch"),
)


def plant(holding: Holding, person: User) -> set[str]:
    """Make rows of the table that are the person's, with a canary in every personal column; return those columns."""
    sung: set[str] = set()
    ways = WAYS.get(holding.label, [({}, holding.people, holding.columns)])
    if holding.label in APART:
        ways = [
            ({}, [path], holding.columns if number == 0 else []) for number, path in enumerate(holding.people)
        ]
    for values, paths, columns in ways:
        made = {name: value() if callable(value) else value for name, value in values.items()}
        row = person if holding.model is User else make(holding.label, **made)
        sung |= plant_in(row, holding, person, paths, columns)
    return sung


def plant_in(
    row: models.Model, holding: Holding, person: User, paths: Sequence[str], columns: Sequence[str]
) -> set[str]:
    for path in paths:
        owner, *further = path.split("__")
        target, holder, link = row, row, ""
        while further:
            holder, link, target, owner, *further = target, owner, beside(target, owner), *further
        # What everybody has but one of, the person may have from another table's row.
        is_only = owner != "id" and target._meta.get_field(owner).unique
        there = type(target)._base_manager.filter(**{owner: person.pk}).first() if is_only and link else None
        if there is not None:
            set_raw(holder, link, there.pk)
        elif owner != "id":
            set_raw(target, owner, person.pk)
    sung = set()
    for name in columns:
        field = holding.field(name)
        value = canary_for(field)
        if value is None or holding.model is User:
            continue
        set_raw(row, name, value)
        sung.add(field.column)
    return sung


def beside(row: models.Model, name: str) -> models.Model:
    """Return what the column points to; where it points to nothing, something new."""
    if getattr(row, name) is None:
        made = make(row._meta.get_field(name).related_model._meta.label)
        set_raw(row, name, made.pk)
        row.refresh_from_db()
    return getattr(row, name)


# Where the database lets nothing stand but words, or a form, of its own.
CODES = {"ApiToken.scopes", "Webhook.kinds", "Reviewer.orcid"}


def canary_for(field: models.Field) -> object:
    if (
        field.is_relation
        or field.primary_key
        or field.choices
        or f"{field.model.__name__}.{field.name}" in CODES
    ):
        return None
    if field.name == "account_number":
        return NUMBER
    if isinstance(field, ArrayField):
        return "{" + WORD + "}"
    match field:
        case models.JSONField():
            return json.dumps({"zh-hans": NAME, EMAIL: [NAME, {"phone": NUMBER}]}, ensure_ascii=False)
        case models.GenericIPAddressField():
            return ADDRESS
        case models.BinaryField():
            return TEXT.encode()
        case models.EmailField():
            return EMAIL
        case models.CharField() | models.TextField():
            longest = field.max_length or 500
            if "digest" in field.name or field.name in ("fingerprint", "salt", "password", "object_id"):
                return None
            return TEXT if len(TEXT) <= longest else NAME if len(NAME) <= longest else WORD[:longest]
    return None


def set_raw(row: models.Model, name: str, value: object) -> None:
    """Write one column as somebody would who need not mind triggers."""
    field = row._meta.get_field(name)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(
            f'UPDATE "{row._meta.db_table}" SET "{field.column}" = %s WHERE "{row._meta.pk.column}" = %s',
            [value, row.pk],
        )
        cursor.execute("SET LOCAL session_replication_role = 'origin'")


def sung_in_database() -> set[tuple[str, str]]:
    """Return (table, column) of every column of every table that holds a canary."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ~* %s)', ["|".join(SOUGHT)])
            if cursor.fetchone()[0]:
                found.add((table, column))
    return found


def sung_in_files() -> list[str]:
    return [
        str(path)
        for path in Path(settings.MEDIA_ROOT).rglob("*")
        if path.is_file() and WORD.encode() in path.read_bytes()
    ]


def sung_in_cache() -> list[str]:
    client = cache._cache.get_client()
    keys = list(client.scan_iter(f"*{settings.CACHES['default']['KEY_PREFIX']}*"))
    return [str(key) for key in keys if WORD in str(key) or WORD in str(client.dump(key)).lower()]


def test_canary_sings_only_where_the_law_keeps_it(caplog, django_capture_on_commit_callbacks):
    caplog.set_level("DEBUG")
    person = make_user(NAME, email=EMAIL, phone=NUMBER)
    other = make_user("Somebody Else")
    update_profile(person, actor=person, phone="13000000000")
    update_profile(person, actor=person, phone=NUMBER)
    record("user.test", other, actor=other, after={"met": NAME, "of": [EMAIL]}, note=f"call {NUMBER}")
    notify(
        "account.security",
        recipients=[person, other],
        key="canary",
        context={"what": {"zh-hans": NAME, "en": NAME}},
    )
    relay_messages()
    while seal_entries():
        pass
    planted = {
        holding.model._meta.db_table: plant(holding, person)
        for holding in HOLDINGS.values()
        if holding.is_personal and holding.label not in MADE_OF_OTHERS
    }
    reindex()
    client = Client()
    client.force_login(person, settings.AUTHENTICATION_BACKENDS[1])
    client.get("/account/data/")
    assert "_auth_user_id" in client.session
    expected = {(table, column) for table, column in kept_by_law() if column in planted.get(table, ())}
    # What somebody wrote in the trail by hand is no entry the chain knows: seal it as it stands.
    reseal()
    own = store_document(PDF + WORD.encode(), actor=person, subject=person, kind="cv", name=f"{NAME}.pdf")
    kept = store_document(
        PDF + WORD.encode() + b"2",
        actor=person,
        subject=make("funding.Application"),
        kind="a",
        name=f"{NAME}.pdf",
    )
    assert len(sung_in_files()) == 2
    before = sung_in_database()
    assert {table for table, _column in before} >= set(planted) - {
        table for table, columns in planted.items() if not columns
    }
    caplog.clear()

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        erase_person(person, actor=make_staff("lead"))

    # Whoever died here would have the files forgotten by the next relay.
    while relay_messages():
        pass
    # The record that names it is derived from what is kept: one finds the project by its investigator.
    expected |= {("core_document", "name"), ("core_entry", "address")}
    expected |= {("core_searchentry", "title_zh"), ("core_searchentry", "vector")}
    assert expected <= set(kept_by_law())
    found = sung_in_database()
    assert (sorted(found - expected), sorted(expected - found)) == ([], [])
    assert sung_in_files() == [default_storage.path(kept.path)]
    assert sung_in_cache() == []
    assert WORD not in caplog.text.lower()
    own.refresh_from_db()
    assert (own.path, own.name) == ("", f"erased-{own.pk}.pdf")
    person.refresh_from_db()
    assert (person.name, person.email, person.phone, person.is_active) == (
        f"已注销用户 {person.pk}",
        f"erased-{person.pk}@erased.invalid",
        "",
        False,
    )
    while seal_entries():
        pass
    verdict = verify_chain()
    assert verdict.intact, verdict
    assert verdict.erased > 0
    assert Message.objects.filter(key="account.security:canary").exists()
    assert client.get("/account/data/").status_code == 302
    assert not Session.objects.exists()
    assert Entry.objects.get(actor=other, action="user.test").facts == {"note": "call ***"}


def reseal() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute("DELETE FROM core_seal")
        cursor.execute("SET LOCAL session_replication_role = 'origin'")
    assert not Seal.objects.exists()
    while seal_entries():
        pass
