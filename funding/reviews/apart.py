"""How the database keeps reviewers and applicants apart: ``sql/apart.sql``, and on which tables it listens.

The triggers stand on tables of the storeys below as well, whose models cannot name them: a place in a company or on a
team, a principal investigator, a liaison's post is all that a conflict needs. So a migration installs them: ``install()``
and ``remove()`` are its two directions, ``FINGERPRINT`` of the text that it installed stands in the last such migration, and
a test compares.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SQL: Final = Path(__file__).with_name("sql") / "apart.sql"


@dataclass(frozen=True)
class Watch:
    """One table that conflicts can come from: what of it matters, and when."""

    table: str
    function: str
    events: str
    when: str = ""

    def names(self) -> tuple[str, str]:
        """Return the names of the trigger that acts at once and of the one that looks again at the end."""
        return f"apart_{self.table}_now", f"apart_{self.table}_commit"

    def statements(self) -> list[str]:
        now, commit = self.names()
        when = f" WHEN ({self.when})" if self.when else ""
        return [
            f"CREATE TRIGGER {now} AFTER {self.events} ON {self.table} "
            f"FOR EACH ROW{when} EXECUTE FUNCTION {self.function}('now')",
            f"CREATE CONSTRAINT TRIGGER {commit} AFTER {self.events} ON {self.table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW{when} EXECUTE FUNCTION {self.function}('commit')",
        ]


WATCHED: Final = (
    Watch("funding_conflict", "funding_apart_edge", "INSERT OR UPDATE", "NEW.state = 'standing'"),
    Watch(
        "funding_reviewer",
        "funding_apart_reviewer",
        "INSERT OR UPDATE OF user_id, organisation_id, faculty_id, institution, institution_key, orcid",
    ),
    Watch(
        "funding_application",
        "funding_apart_application",
        "UPDATE OF state, organisation_id",
        "(OLD.state, OLD.organisation_id) IS DISTINCT FROM (NEW.state, NEW.organisation_id) "
        "AND NEW.state IN ('in_review', 'returned', 'reserved', 'approved')",
    ),
    Watch(
        "incubator_membership",
        "funding_apart_membership",
        "INSERT OR UPDATE OF user_id, organisation_id, role",
    ),
    Watch(
        "incubator_projectmember",
        "funding_apart_projectmember",
        "INSERT OR UPDATE OF project_id, user_id, email",
        "NEW.user_id IS NOT NULL OR NEW.email <> ''",
    ),
    Watch(
        "incubator_researchproject",
        "funding_apart_project",
        "UPDATE OF university_id, faculty_id, pi_user_id, institution_text, ends_on",
        "(OLD.university_id, OLD.faculty_id, OLD.pi_user_id, OLD.institution_text, OLD.ends_on) "
        "IS DISTINCT FROM (NEW.university_id, NEW.faculty_id, NEW.pi_user_id, NEW.institution_text, NEW.ends_on)",
    ),
    Watch("incubator_liaison", "funding_apart_liaison", "INSERT OR UPDATE", "NEW.active"),
    Watch(
        "incubator_organisation",
        "funding_apart_organisation",
        "UPDATE OF normalised_name, normalised_name_en",
        "(OLD.normalised_name, OLD.normalised_name_en) IS DISTINCT FROM "
        "(NEW.normalised_name, NEW.normalised_name_en)",
    ),
    Watch("core_user", "funding_apart_user", "UPDATE OF email", "OLD.email IS DISTINCT FROM NEW.email"),
)
REVIEW_TRIGGER: Final = "apart_funding_review_commit"
_REVIEW: Final = (
    f"CREATE CONSTRAINT TRIGGER {REVIEW_TRIGGER} AFTER INSERT OR UPDATE OF state ON funding_review "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'assigned') "
    "EXECUTE FUNCTION funding_apart_review()"
)
FUNCTIONS: Final = (
    *dict.fromkeys(f"{watch.function}()" for watch in WATCHED),
    "funding_apart_review()",
    "funding_keep_all_apart()",
    "funding_keep_apart(bigint[], bigint[], bigint[], bigint[], boolean)",
    "funding_apart_one_at_a_time()",
    "funding_conflict(bigint, bigint, boolean)",
    "funding_conflicts(bigint[], bigint[])",
    "funding_conflict_years(text)",
)


def functions() -> str:
    """Return the SQL of the functions; they may be made again over those that are there."""
    return _SQL.read_text("utf-8")


def install() -> str:
    """Return the SQL that makes functions and triggers, in place of those that may be there."""
    return ";\n".join([_drop_triggers(), functions() + _REVIEW, *_created()])


def remove() -> str:
    """Return the SQL that takes triggers and functions away."""
    return ";\n".join([_drop_triggers(), *(f"DROP FUNCTION IF EXISTS {name}" for name in FUNCTIONS)])


def _created() -> list[str]:
    return [statement for watch in WATCHED for statement in watch.statements()]


def _drop_triggers() -> str:
    names = [(name, watch.table) for watch in WATCHED for name in watch.names()]
    names.append((REVIEW_TRIGGER, "funding_review"))
    return ";\n".join(f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in names)


FINGERPRINT: Final = hashlib.sha256(install().encode()).hexdigest()[:16]
