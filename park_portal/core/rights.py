"""What the portal's own role may do in the database: everything but to change what is only ever added.

``migrate`` runs as who owns the tables. Web processes, relays and workers assume the role ``park_app`` (``DATABASE_ROLE``),
which may not update, delete or empty transfers, seals, audit entries and whatever else is append-only: even with the
triggers gone it cannot touch a booked row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.apps import AppConfig, apps
from django.db import connections, models
from psycopg2 import sql

APP_ROLE: Final = "park_app"
# The law makes the park take words out of audit entries (``core/audit``); a trigger holds everything else in them.
WORDS_GO: Final = frozenset({"core.Entry"})

_MAKE: Final = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}')
            AND (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
            CREATE ROLE {role} NOLOGIN;
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                EXECUTE format('GRANT {role} TO %I', current_user);
            END IF;
        END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was quicker
    END $$
"""


def only_added() -> Iterator[type[models.Model]]:
    """Yield the models whose rows are only ever added."""
    for model in apps.get_models():
        if any(trigger.name.endswith("_append_only") for trigger in getattr(model._meta, "triggers", [])):
            yield model


def give_rights(using: str) -> bool:
    """Give the portal's role what it needs on every table and return whether there is such a role.

    Makes the role where who migrates may; elsewhere whoever keeps the server makes it (docs/operating.md).
    """
    with connections[using].cursor() as cursor:
        cursor.execute(_MAKE.format(role=APP_ROLE))
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is None:
            return False
        role = sql.Identifier(APP_ROLE)
        cursor.execute(
            sql.SQL(
                "GRANT USAGE ON SCHEMA public TO {role};"
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
                "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role}"
            ).format(role=role)
        )
        for model in only_added():
            taken = "DELETE" if model._meta.label in WORDS_GO else "UPDATE, DELETE"
            cursor.execute(
                sql.SQL(f"REVOKE {taken} ON {{table}} FROM {{role}}").format(
                    table=sql.Identifier(model._meta.db_table), role=role
                )
            )
    return True


def assumable_role(using: str = "default") -> str:
    """Return the portal's role where this connection may assume it; an empty text elsewhere."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s", [APP_ROLE]
        )
        found = cursor.fetchone()
    return APP_ROLE if found and found[0] else ""


def may_change_transfers(using: str = "default") -> bool:
    """Return whether this process could change a booked transfer if the triggers were gone."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(current_user, 'core_transfer', 'UPDATE, DELETE')")
        return bool(cursor.fetchone()[0])


def rights_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: once the last app has its tables."""
    if (
        sender is list(apps.get_app_configs())[-1]
        and "core_transfer" in connections[using].introspection.table_names()
    ):
        give_rights(using)
