from __future__ import annotations

from typing import Any

import rules
from django.db import connection
from django.db.models.expressions import RawSQL

from funding.applications.models import Application
from funding.applications.rules import is_liaison_of
from funding.calls.states import Acts
from park_portal.core.accounts.rules import has_role, is_lead, is_officer, sees_records
from park_portal.core.accounts.states import StaffRole

_ROLE_OF_ACTS = {
    Acts.OFFICER: has_role(StaffRole.OFFICER, StaffRole.LEAD),
    Acts.LEAD: has_role(StaffRole.LEAD),
    Acts.FUND_MANAGER: has_role(StaffRole.FUND_MANAGER, StaffRole.LEAD),
}


@rules.predicate
def is_reviewer_of(user: Any, review: Any) -> bool:
    return review is not None and review.reviewer_id == user.pk


@rules.predicate
def is_in_pool(user: Any) -> bool:
    """Belongs to the pool of expert reviewers."""
    return bool(user.is_authenticated) and hasattr(user, "reviewer")


@rules.predicate
def is_own_entry(user: Any, reviewer: Any) -> bool:
    return reviewer is not None and reviewer.user_id == user.pk


@rules.predicate
def is_own_publication(user: Any, publication: Any) -> bool:
    return publication is not None and publication.reviewer.user_id == user.pk


@rules.predicate
def is_themself(user: Any, person: Any) -> bool:
    return person is not None and person.pk == user.pk


@rules.predicate
def is_own_conflict(user: Any, conflict: Any) -> bool:
    """Something people have on record about themselves."""
    return conflict is not None and conflict.person_id == user.pk


@rules.predicate
def is_own_tie(user: Any, conflict: Any) -> bool:
    """What people said of themselves in general; what they declared on an application stays."""
    return (
        conflict is not None
        and conflict.person_id == conflict.recorded_by_id == user.pk
        and conflict.application_id is None
    )


# Everything but working for the same employer bars staff too: what bars whoever gives an opinion in any stage.
_BARRED = """
    SELECT c.application FROM (
        SELECT array_agg(u.id) AS who, array_agg(a.id) AS what
        FROM core_user u JOIN funding_application a ON a.state <> 'draft'
        WHERE u.id = %s AND (
            EXISTS (SELECT 1 FROM funding_conflict e WHERE e.person_id = u.id OR e.other_id = u.id
                    OR lower(e.other_email) = lower(u.email))
            OR EXISTS (SELECT 1 FROM incubator_membership m WHERE m.user_id = u.id)
            OR EXISTS (SELECT 1 FROM incubator_projectmember t
                       WHERE t.user_id = u.id OR lower(t.email) = lower(u.email))
            OR EXISTS (SELECT 1 FROM incubator_researchproject j WHERE j.pi_user_id = u.id)
            OR EXISTS (SELECT 1 FROM funding_reviewer r WHERE r.user_id = u.id AND r.orcid <> ''))
    ) pairs, LATERAL funding_conflicts(pairs.who, pairs.what) c
    WHERE pairs.what IS NOT NULL AND c.for_all
"""


def barred_from(user: Any) -> RawSQL:
    """Return the ids of the applications that a member of staff must keep away from, as a subquery.

    Whoever is tied to nobody and nothing costs a look at five indexes.
    """
    return RawSQL(_BARRED, (user.pk,))  # the text is fixed, the person a parameter


@rules.predicate
def has_conflict(user: Any, thing: Any) -> bool:
    """A standing conflict keeps the person from the application that ``thing`` is, or belongs to."""
    application = thing.pk if isinstance(thing, Application) else getattr(thing, "application_id", None)
    if application is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT funding_conflict(%s, %s, false)", [user.pk, application])
        return cursor.fetchone()[0] is not None


@rules.predicate
def acts_in(user: Any, run: Any) -> bool:
    """The person belongs to those who act in this stage of this application."""
    if run is None:
        return False
    acts = run.stage.acts
    if acts == Acts.LIAISON:
        return bool(is_liaison_of(user, run.application))
    if acts == Acts.EXPERT:
        return False  # experts act on the review assigned to them, never on the queue
    return bool(_ROLE_OF_ACTS[acts](user))


rules.add_perm("funding.act_in_stage", acts_in & ~has_conflict)
rules.add_perm("funding.return_application_run", (acts_in | is_officer) & ~has_conflict)
rules.add_perm("funding.complete_stage", (acts_in | is_officer) & ~has_conflict)
rules.add_perm("funding.drive_stages", is_lead)
rules.add_perm("funding.review", is_in_pool)
rules.add_perm("funding.answer_review", is_reviewer_of)
rules.add_perm("funding.write_review", is_reviewer_of)
rules.add_perm("funding.assign_reviews", is_officer & ~has_conflict)
rules.add_perm("funding.invite_reviewers", is_officer)
rules.add_perm("funding.edit_reviewer", is_own_entry | is_officer)
rules.add_perm("funding.edit_publication", is_own_publication | is_officer)
rules.add_perm("funding.record_conflict", is_officer)
rules.add_perm("funding.declare_tie", is_themself)
rules.add_perm("funding.confirm_conflict", is_own_conflict | is_officer)
# Nobody takes back what others have on record about them.
rules.add_perm("funding.dismiss_conflict", is_own_tie | (is_officer & ~is_own_conflict))
rules.add_perm("funding.publish_notice", is_officer)
rules.add_perm("funding.resolve_objection", is_officer)
rules.add_perm("funding.see_reviews", sees_records)
