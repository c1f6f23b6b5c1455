"""What may be done to a table of a release while the portal serves from it.

A migration runs while the old code serves, and on tables with a hundred thousand rows. So nothing may lock a table for
longer than a moment (an index built in place, a constraint checked at once, a table written anew), and nothing may take
from the old code what it reads or writes (a column, a name, a type, a default).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

# Takes from the old code what it knows: (what a statement says, what to do instead).
TAKES = [
    (r"DROP TABLE", "stop using the table in one release, drop it in the next"),
    (r"ALTER TABLE .* DROP COLUMN", "stop using the column in one release, drop it in the next"),
    (r"ALTER TABLE .* RENAME", "the old code knows the old name: add the new one, copy, drop later"),
    (
        r"ALTER TABLE .* DROP DEFAULT",
        "the old code's rows lack the column: give it `db_default` or `null=True`",
    ),
    (r"ALTER TABLE .* ADD COLUMN (?!.*DEFAULT).*NOT NULL", "give it `db_default` or `null=True`"),
]
# Locks for as long as the table is long.
LOCKS = [
    (r"ALTER TABLE .* TYPE ", "writes the table anew: add a column, copy, swap"),
    (r"ALTER TABLE .* SET NOT NULL", "AddConstraintNotValid with a check, validate, then set it"),
    (
        r"ALTER TABLE .* ADD COLUMN .*DEFAULT \(?(gen_random_uuid|random|clock_timestamp|nextval)",
        "fill it later",
    ),
    (
        r"ALTER TABLE .* ADD CONSTRAINT (?!.*NOT VALID)",
        "AddConstraintNotValid, ValidateConstraint in another migration",
    ),
    (r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)", "AddIndexConcurrently, in a migration with atomic = False"),
    (r"DROP INDEX (?!CONCURRENTLY)", "RemoveIndexConcurrently, in a migration with atomic = False"),
    (r"(LOCK TABLE|CLUSTER|VACUUM FULL|TRUNCATE)", "not while people work"),
]
# Tables that are short for good, and why: on them a lock is over before anyone notices.
SHORT = {
    "incubator_liaison": "a few of each faculty",
    "funding_reviewer": "some hundreds of experts",
    "funding_call": "some a year",
    "funding_conflict": "until now written by hand, a few of each application",
}
_TABLE = re.compile(r'(?:TABLE(?: IF EXISTS)?(?: ONLY)?|\bON(?: ONLY)?) "?(?:public"?\.)?"?(\w+)"?')


def problems(statements: Iterable[str], released: set[str]) -> list[str]:
    """Return what is wrong with the statements, of those that touch a table of the release."""
    found = []
    for statement in statements:
        line = " ".join(statement.split())
        touched = released.intersection(_TABLE.findall(line))
        if touched or line.startswith("DROP INDEX"):
            for pattern, instead in TAKES if touched and touched <= SHORT.keys() else TAKES + LOCKS:
                if re.match(pattern, line, re.IGNORECASE):
                    found.append(f"{line[:160]} — {instead}")
    return found


def statements_of(operation: Operation, label: str, before: object, after: object) -> list[str]:
    """Return the SQL that the operation would run."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(label, editor, before, after)
        deferred = [str(statement) for statement in editor.deferred_sql]
        editor.deferred_sql.clear()
        return [*editor.collected_sql, *deferred]


def walk(released: dict[str, str]) -> Iterable[tuple[migrations.Migration, list[str], list[str]]]:
    """Go through what came after the released migrations: each migration, its statements, what is wrong with it."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    done = set()
    for key in released.items():
        done |= set(loader.graph.forwards_plan(key))
    state = loader.project_state(list(released.items()))
    tables = {model._meta.db_table for model in state.apps.get_models(include_auto_created=True)}
    for key in executor.loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):
        migration = loader.get_migration(*key)
        if key in done:
            continue
        if key[0] not in released:
            state = migration.mutate_state(state, preserve=False)
            continue
        statements, wrong = [], []
        for operation in migration.operations:
            after = state.clone()
            operation.state_forwards(migration.app_label, after)
            found = statements_of(operation, migration.app_label, state, after)
            wrong += problems(found, tables)
            statements += found
            state = after
        schema = [one for one in statements if not released_free(one, tables)]
        if schema and any(isinstance(one, migrations.RunPython) for one in migration.operations):
            wrong.append("data and schema in one migration: the locks of the one last as long as the other")
        yield migration, statements, wrong


def released_free(statement: str, tables: set[str]) -> bool:
    """Whether the statement touches no table of the release."""
    return tables.isdisjoint(_TABLE.findall(statement))
