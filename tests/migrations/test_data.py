"""A park that began with the first release comes to this one with every row it had.

`first_release.sql.xz` is the first release's database as `pg_dump` writes it, with rows in every table: made once, from
the release itself and its own factories. Nobody edits it. The next release gets one of its own beside it.
"""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from park_portal import local
from tests import databases

RELEASES = sorted(Path(__file__).parent.glob("*.sql.xz"))
# Tables that migrations themselves fill; what was there must stay, but more may come.
GROW = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "core_policyvalue",
    "funding_pledge",
}
# What a migration changed in rows that were there, and why: {"table": {"column": "reason"}}.
CHANGED: dict[str, dict[str, str]] = {}

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, character_maximum_length, is_generated,
           column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(t.oid), md5(p.prosrc) FROM pg_trigger t
    JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal ORDER BY 1, 2
"""


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.partition(".")[0])
def released(request, django_db_setup, django_db_blocker) -> Iterator[str]:
    """A database as that release left it, in which the test's connection is."""
    name = f"{connection.settings_dict['NAME']}_released"
    databases.make_empty(name)
    subprocess.run(
        [
            local._postgres_binaries() / "psql",
            "--quiet",
            "-v",
            "ON_ERROR_STOP=1",
            "-o",
            os.devnull,
            databases.url(name),
        ],
        input=lzma.decompress(request.param.read_bytes()),
        check=True,
    )
    with django_db_blocker.unblock(), databases.connected_to(name):
        yield name
    databases.drop(name)


def rows(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Every row of each table, in these columns."""
    found = {}
    with connection.cursor() as cursor:
        for table, columns in tables.items():
            named = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(f'SELECT row_to_json(t)::text FROM (SELECT {named} FROM "{table}") t ORDER BY 1')
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def facts(query: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def plain(row: tuple) -> str:
    """Without what PostgreSQL writes otherwise once an expression was dumped and read again: casts and brackets."""
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", " | ".join(map(str, row)))


def migrate(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=local.ROOT,
        env={**os.environ, "DATABASE_URL": databases.url(name)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_row_of_the_release_is_there_after_migrating(released):
    tables: dict[str, list[str]] = {}
    for table, column, *_rest in facts(COLUMNS):
        if column not in CHANGED.get(table, {}):
            tables.setdefault(table, []).append(column)
    before = rows(tables)
    assert [table for table, there in before.items() if not there] == []
    migrate(released)
    after = rows(tables)
    for table in before:
        if table in GROW:
            assert set(before[table]) <= set(after[table]), table
        else:
            assert after[table] == before[table], table
    # … and nothing tells the migrated database from one that was made new.
    migrated = [facts(query) for query in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS)]
    with databases.connected_to(databases.template()):
        new = [facts(query) for query in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS)]
    for there, wanted in zip(migrated, new, strict=True):
        assert sorted(set(map(plain, there)) ^ set(map(plain, wanted))) == []
