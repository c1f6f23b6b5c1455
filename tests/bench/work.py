"""The long work that is measured; each function runs in a process of its own and says what it made."""

from funding.models import Application
from funding.reviews.affinity import affinity
from funding.reviews.calibration import calibrate
from funding.reviews.standing import chances
from park_portal.core.accounts.models import User
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job, start_job
from tests.bench.texts import mixed
from tests.funding.reviews.rounds import proof, simulated


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


def calibrate_fifty_rounds() -> str:
    """Fifty rounds with known truth: what the calibrated order gains, and how often its intervals hold the truth."""
    gain, covered = proof(50)
    said = f"50 rounds of 60 × 30: tau {gain:+.3f} beside the plain mean, 90 % intervals hold {covered:.1%}"
    if gain < 0.10 or not 0.85 <= covered <= 0.95:
        raise SystemExit(said)
    return said


def calibrate_a_large_round() -> str:
    """2,000 applications, 600 reviewers, three reviews each: values, errors and the chances at the line."""
    found = calibrate(simulated(1, applications=2000, reviewers=600).scores)
    lined = chances(found, seed="bench", places=200)
    close = sum(0.05 < chance < 0.95 for chance in lined.values())
    return f"2,000 × 600, 6,000 scores, 10,000 draws; {close} close to the line"


def match_applications() -> str:
    """2,000 applications beside 600 reviewers of ten documents each, every text of 300 words."""
    texts = mixed(2_000 + 600 * 10)
    documents = [texts[start : start + 10] for start in range(2_000, len(texts), 10)]
    found = affinity(texts[:2_000], documents)
    return f"2,000 × 600, 10 documents each, {found.size:,} affinities up to {found.max():.2f}"
