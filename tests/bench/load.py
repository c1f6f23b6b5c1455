"""Ten thousand applications: those of the demo park, many times over, with everything that hangs on them.

One statement a table. Triggers and foreign keys sleep meanwhile, so the database's user must be a superuser, as the
local one is; what is written is a shifted copy of rows that passed all of them.
"""

import math
from collections.abc import Iterator

from django.apps import apps
from django.db import connection, models

ROOT = "funding.Application"


STEP = 1_000_000  # A copy's ids are its original's plus a multiple of this.


def grow_to(count: int) -> int:
    """Copy the demo park's submitted applications until there are `count` in all; how many there are then."""
    application = apps.get_model(ROOT)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute("DROP TABLE IF EXISTS bench_source")
            cursor.execute(
                "CREATE TEMP TABLE bench_source AS SELECT id, row_number() OVER (ORDER BY id) AS rank"
                f" FROM funding_application WHERE submitted_at IS NOT NULL AND id < {STEP}"
            )
            cursor.execute("SELECT count(*) FROM bench_source")
            sources = cursor.fetchone()[0]
            if not sources:
                raise SystemExit("There is nothing to copy: the demo park has no submitted application.")
            wanted = count - application._base_manager.filter(pk__lt=STEP).count()
            for model, path in _tree(application) if wanted > 0 else ():
                _copy(cursor, model, path, copies=math.ceil(wanted / sources), sources=sources, wanted=wanted)
        finally:
            cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    return int(application._base_manager.count())


def _tree(application: type[models.Model]) -> Iterator[tuple[type[models.Model], list[models.ForeignKey]]]:
    """Every table that belongs to an application, each after what it points to, with the way back to it."""
    paths: dict[type[models.Model], list[models.ForeignKey]] = {application: []}
    queue = [application]
    candidates = apps.get_app_config("funding").get_models(include_auto_created=True)
    tables = list(candidates)
    while queue:
        parent = queue.pop(0)
        yield parent, paths[parent]
        for model in tables:
            if model in paths or _owns_something_outside(model, tables) or _is_of_a_meeting(model):
                continue
            for field in model._meta.concrete_fields:
                if isinstance(field, models.ForeignKey) and field.related_model is parent and not field.null:
                    paths[model] = [field, *paths[parent]]
                    queue.append(model)
                    break


def _owns_something_outside(model: type[models.Model], tables: list[type[models.Model]]) -> bool:
    """Whether each of its rows has a row elsewhere to itself (a file): that cannot be copied by shifting ids."""
    return any(
        isinstance(field, models.OneToOneField) and not field.null and field.related_model not in tables
        for field in model._meta.concrete_fields
    )


def _is_of_a_meeting(model: type[models.Model]) -> bool:
    """Whether it is part of a panel's meeting: a park has more meetings then, not one with a thousand items."""
    return model.__module__.startswith("funding.panels.")


def _copy(cursor, model, path, *, copies: int, sources: int, wanted: int) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    copied = {other for other, _path in _tree(apps.get_model(ROOT))}
    columns, values = [], []
    for field in model._meta.concrete_fields:
        if getattr(field, "generated", False):
            continue
        column = connection.ops.quote_name(field.column)
        value = f"one.{column}"
        if field.primary_key or (field.is_relation and field.related_model in copied):
            value = f"{value} + turn * {STEP}"
        elif field.is_relation and field.unique:
            value = "NULL"
        elif isinstance(field, models.UUIDField) and field.unique:
            value = "gen_random_uuid()"
        elif field.unique and isinstance(field, models.CharField):
            value = f"CASE WHEN {value} IS NULL THEN NULL ELSE {value} || '-' || turn END"
        columns.append(column)
        values.append(value)
    joins, alias, last = [], "one", "one"
    for number, field in enumerate(path):
        alias = f"up{number}"
        parent = connection.ops.quote_name(field.related_model._meta.db_table)
        joins.append(f'JOIN {parent} {alias} ON {alias}.id = {last}."{field.column}"')
        last = alias
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} one {' '.join(joins)}"
        f" JOIN bench_source source ON source.id = {last}.id"
        f" CROSS JOIN generate_series(1, {copies}) AS turn"
        f" WHERE (turn - 1) * {sources} + source.rank <= {wanted}"
        f" AND NOT EXISTS (SELECT 1 FROM {table} there WHERE there.id = one.id + turn * {STEP})"
    )
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
    sequence = cursor.fetchone()[0]
    if sequence:
        cursor.execute(f"SELECT setval(%s, (SELECT max(id) FROM {table}))", [sequence])
