"""The floor: the same rows by plain psycopg2 and string formatting, under the same server with the same settings.

No framework, no login, no template: what the machine, PostgreSQL and gunicorn cost by themselves.
"""

import html
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg2

_local = threading.local()


def _connection() -> Any:
    """One connection a thread, kept, as the portal keeps its own."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg2.connect(os.environ["DATABASE_URL"])
        _local.connection.autocommit = True
    return _local.connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`/?name=…&key=…`: the rows of that scenario as a table."""
    from tests.bench.scenarios import FLOORS  # SQL only; Django is never loaded here.

    query = parse_qs(environ.get("QUERY_STRING", ""))
    key = query.get("key", ["0"])[0]
    parts = ["<!doctype html><title>Floor</title>"]
    with _connection().cursor() as cursor:
        for statement in FLOORS[query["name"][0]]:
            cursor.execute(statement, {"key": int(key)})
            parts.append("<table>")
            for row in cursor.fetchall():
                cells = "".join(f"<td>{html.escape(str(value))}</td>" for value in row)
                parts.append(f"<tr>{cells}</tr>")
            parts.append("</table>")
    body = "".join(parts).encode()
    start_response(
        "200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    )
    return [body]
