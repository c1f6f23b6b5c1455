"""The long work that is measured; each function runs in a process of its own and says what it made."""

from funding.models import Application
from park_portal.core.accounts.models import User
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job, start_job


def export_applications() -> str:
    """Every application to Excel, as the job that the admin's action starts, progress included."""
    actor = User.objects.with_role("lead").order_by("pk")[0]
    keys = list(Application.objects.order_by("pk").values_list("pk", flat=True))
    job = start_job("applications.export", actor=actor, params={"keys": keys})
    assert run_job(job.pk)
    job = Job.objects.get(pk=job.pk)
    if job.state != "done" or job.result is None:
        raise SystemExit(f"the export ended as {job.state}: {job.error}")
    return f"{job.done:,} rows, {job.result.size / 1e6:.1f} MB"
