from __future__ import annotations

from typing import Any

import rules

from park_portal.core.jobs.registry import JOBS


@rules.predicate
def started_job(user: Any, job: Any) -> bool:
    return job is not None and job.owner_id is not None and job.owner_id == user.pk


@rules.predicate
def keeps_system_going(user: Any) -> bool:
    return bool(user.is_staff and "administrator" in user.roles)  # the room of the roles is above this one


@rules.predicate
def began_by_proof(user: Any, job: Any) -> bool:
    """Whether the person began this job on a page that asked anew who they are."""
    return job is not None and job.owner_id == user.pk and job.kind in JOBS and JOBS[job.kind].proved


rules.add_perm("core.run_job", rules.always_false)  # only the portal itself
rules.add_perm("core.cancel_job", started_job | keeps_system_going)
rules.add_perm("core.retry_job", (started_job | keeps_system_going) & ~began_by_proof)
