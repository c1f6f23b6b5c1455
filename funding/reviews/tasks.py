"""What the clock and the outbox ask of reviews."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Version
from funding.reviews import services
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.registry import job
from park_portal.core.outbox.registry import handles
from park_portal.core.workflow import SYSTEM


@handles("application.submitted")
def on_submitted(payload: dict[str, Any]) -> None:
    services.on_submitted(payload["application"])


@handles("application.resubmitted")
def on_resubmitted(payload: dict[str, Any]) -> None:
    services.on_resubmitted(payload["application"])


@handles("application.withdrawn")
def on_withdrawn(payload: dict[str, Any]) -> None:
    services.on_withdrawn(payload["application"])
    services.leave_notice(payload["application"])


@handles("application.returned")
def on_returned(payload: dict[str, Any]) -> None:
    services.on_returned(payload["application"])
    services.leave_notice(payload["application"])


@handles("application.rejected")
def on_rejected(payload: dict[str, Any]) -> None:
    services.on_rejected(payload["application"])
    services.leave_notice(payload["application"])


@handles("review.copies", slow=True)
def on_copies(payload: dict[str, Any]) -> None:
    """Make the files that double-blind reviewers get before anyone asks for them."""
    services.make_copies(Version.objects.select_related("application__call__lead").get(pk=payload["version"]))


@handles("review.stage_due")
def on_stage_due(payload: dict[str, Any]) -> None:
    services.on_stage_due(payload["run"])


@job("conflicts.match", label=_("Matching of names"), rule="funding.record_conflict")
def on_match(job_: Job, progress: Progress) -> None:
    services.match_call_by_id(job_.params["call"], progress)


@shared_task(name="funding.reviews.match_all", ignore_result=True)
def match_all() -> int:
    return services.match_all()


@shared_task(name="funding.reviews.keep_all_apart", ignore_result=True)
def keep_all_apart() -> int:
    return services.keep_all_apart()


@handles("review.notice_due")
def on_notice_due(payload: dict[str, Any]) -> None:
    services.on_notice_due(payload["notice"])


@handles("review.stepped_back")
def on_stepped_back(payload: dict[str, Any]) -> None:
    services.on_stepped_back(payload["run"], payload["person"])


@job("reviews.assignment", label=_("Assigning reviewers"), rule="funding.assign_reviews", atomic=False)
def work_out(job: Job, progress: Progress) -> None:
    services.work_out(job.params["plan"], job.params["revision"], progress)


@job(
    "reviews.publish_draw",
    label=_("Publishing the pool of a draw"),
    rule="funding.assign_reviews",
    atomic=False,
)
def publish_draw(job: Job, progress: Progress) -> None:
    actor = job.owner or SYSTEM
    services.publish_by_worker(job.params["plan"], job.params["revision"], actor=actor, progress=progress)


@job(
    "reviews.confirm_assignment",
    label=_("Inviting the reviewers of an assignment"),
    rule="funding.assign_reviews",
    atomic=False,
)
def confirm(job: Job, progress: Progress) -> None:
    actor = job.owner or SYSTEM
    services.confirm_by_worker(job.params["plan"], job.params["revision"], actor=actor, progress=progress)


@shared_task(name="funding.reviews.tend_plans", ignore_result=True)
def tend_plans() -> int:
    return services.tend_plans()


@shared_task(name="funding.reviews.send_reminders", ignore_result=True)
def send_reminders() -> int:
    return services.send_reminders()
