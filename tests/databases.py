"""One database with every migration, made once and copied: by each test process and by each running portal."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2
from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connection
from psycopg2 import sql

from park_portal import local

PREFIX = "park_tests_template_"
LOCK = 7220  # Of this page alone: whoever makes the template holds it, the others wait.


def template() -> str:
    """Return the name of a database that has every migration as it is written now. What is run after migrations
    is not in its name: who copies it migrates the copy.
    """
    name = f"{PREFIX}{_fingerprint()}"
    with _server() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            _drop_others(cursor)
            unfinished = f"{name}_unfinished"
            _create(cursor, unfinished)
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
                cwd=local.ROOT,
                env={**os.environ, "DATABASE_URL": url(unfinished)},
                check=True,
            )
            cursor.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (unfinished, name)))
            )
    return name


def copy_template(name: str) -> None:
    """Make a database of this name, in place of one that an earlier run left."""
    source = template()
    with _server() as cursor:
        _create(cursor, name, source)
        cursor.execute(
            sql.SQL("ALTER DATABASE {} SET park.allow_truncate = 'on'").format(sql.Identifier(name))
        )


def make_empty(name: str) -> None:
    """Make a database of this name with nothing in it, in place of one that an earlier run left."""
    with _server() as cursor:
        _create(cursor, name)


def drop(*names: str) -> None:
    """Drop these databases, whoever uses them."""
    with _server() as cursor:
        for name in names:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def connected_to(name: str, media: Path | None = None) -> Iterator[None]:
    """Turn Django's own connection to another database, and its files to another folder, inside the block."""
    settled = connection.settings_dict["NAME"], settings.MEDIA_ROOT
    connection.close()
    connection.settings_dict["NAME"] = name
    settings.MEDIA_ROOT = media or settled[1]
    setting_changed.send(sender=None, setting="MEDIA_ROOT", value=settings.MEDIA_ROOT, enter=True)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"], settings.MEDIA_ROOT = settled
        setting_changed.send(sender=None, setting="MEDIA_ROOT", value=settled[1], enter=False)


def url(name: str) -> str:
    """Return the address of the database of this name, on the server of the tests."""
    database = settings.DATABASES["default"]
    parts = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"]}
    parts["password"] = database["PASSWORD"]
    return f"postgresql:///{name}?{urlencode({key: value for key, value in parts.items() if value})}"


def _drop_others(cursor: Any) -> None:
    """Drop what was made before the migrations changed."""
    cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _fingerprint() -> str:
    found = hashlib.sha256()
    for config in apps.get_app_configs():
        for path in sorted(Path(config.path).glob("migrations/*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


@contextmanager
def _server() -> Iterator[Any]:
    with closing(psycopg2.connect(url("postgres"))) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            yield cursor


def _create(cursor: Any, name: str, source: str = "template1") -> None:
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    cursor.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
    )
