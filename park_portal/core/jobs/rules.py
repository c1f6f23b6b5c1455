from __future__ import annotations

from typing import Any

import rules


@rules.predicate
def started_job(user: Any, job: Any) -> bool:
    return job is not None and job.owner_id is not None and job.owner_id == user.pk


@rules.predicate
def keeps_system_going(user: Any) -> bool:
    return bool(user.is_staff and "administrator" in user.roles)  # the room of the roles is above this one


rules.add_perm("core.run_job", rules.always_false)  # only the portal itself
rules.add_perm("core.cancel_job", started_job | keeps_system_going)
rules.add_perm("core.retry_job", started_job | keeps_system_going)
