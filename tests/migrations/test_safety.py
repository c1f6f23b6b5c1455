"""Migrations after a release are safe to run while its code still serves."""

from __future__ import annotations

import pytest

from tests.migrations.safety import problems, walk

# The last migrations that a release had. A new release moves them on, and leaves a database beside test_data.py.
RELEASED = {"core": "0001_initial", "incubator": "0001_initial", "funding": "0001_initial"}


@pytest.mark.django_db
def test_nothing_locks_for_long_and_nothing_is_taken_from_the_old_code():
    seen, broken = 0, []
    for migration, statements, wrong in walk(RELEASED):
        seen += len(statements)
        broken += [f"{migration}: {one}" for one in wrong]
    assert broken == []
    assert seen > 10


@pytest.mark.parametrize(
    "statement",
    [
        'DROP TABLE "core_user" CASCADE',
        'ALTER TABLE "core_user" DROP COLUMN "name" CASCADE',
        'ALTER TABLE "core_user" RENAME COLUMN "name" TO "label"',
        'ALTER TABLE "core_user" RENAME TO "core_person"',
        'ALTER TABLE "core_user" ALTER COLUMN "name" TYPE text USING "name"::text',
        'ALTER TABLE "core_user" ALTER COLUMN "name" SET NOT NULL',
        'ALTER TABLE "core_user" ALTER COLUMN "age" DROP DEFAULT',
        'ALTER TABLE "core_user" ADD COLUMN "age" integer NOT NULL',
        'ALTER TABLE "core_user" ADD COLUMN "key" uuid DEFAULT gen_random_uuid() NOT NULL',
        'ALTER TABLE "core_user" ADD CONSTRAINT "x" CHECK ("age" > 0)',
        'CREATE INDEX "x" ON "core_user" ("age")',
        'CREATE UNIQUE INDEX "x" ON "core_user" ("age")',
        'DROP INDEX "x"',
        "LOCK TABLE core_user",
    ],
)
def test_what_is_refused(statement):
    assert len(problems([statement], {"core_user"})) == 1


@pytest.mark.parametrize(
    "statement",
    [
        'ALTER TABLE "core_user" ADD COLUMN "age" integer NULL',
        'ALTER TABLE "core_user" ADD COLUMN "age" integer DEFAULT 0 NOT NULL',
        'ALTER TABLE "core_user" ADD CONSTRAINT "x" CHECK ("age" > 0) NOT VALID',
        'ALTER TABLE "core_user" VALIDATE CONSTRAINT "x"',
        'CREATE INDEX CONCURRENTLY "x" ON "core_user" ("age")',
        'DROP INDEX CONCURRENTLY "x"',
        'CREATE TABLE "core_new" ("id" bigint NOT NULL PRIMARY KEY)',
        'CREATE INDEX "x" ON "core_new" ("id")',
        'ALTER TABLE "core_new" ADD CONSTRAINT "x" CHECK ("id" > 0)',
        'ALTER TABLE "core_new" ADD CONSTRAINT "f" FOREIGN KEY ("user_id") REFERENCES "core_user" ("id")',
    ],
)
def test_what_is_let_through(statement):
    assert problems([statement], {"core_user"}) == []
