"""What the page of one application in a stage shows: the same to liaisons on the portal and to staff in the admin."""

from __future__ import annotations

from typing import Any

from funding.applications.models import Application
from funding.applications.progress import timeline_of
from funding.applications.reading import answers_of, compare_versions
from funding.calls.states import ApplicantKind
from funding.reviews.forms import OpinionForm
from funding.reviews.models import StageRun
from funding.reviews.reading import opinions_of
from funding.reviews.states import RunState


def latest_versions(application: Application) -> list[Any]:
    """Return the last two versions, newest first."""
    return list(application.versions.order_by("-number")[:2])


def page_of_run(run: StageRun, form: OpinionForm | None = None) -> dict[str, Any]:
    """Return what the page of one application in a queue stage shows, on the portal and in the admin alike."""
    application = run.application
    versions = latest_versions(application)
    changes: list[Any] = []
    same = 0
    if len(versions) > 1:
        compared = compare_versions(versions[1], versions[0])
        changes = [change for change in compared if change.kind != "same"]
        same = len(compared) - len(changes)
    if form is None and run.state == RunState.ACTIVE:
        form = OpinionForm(run=run, form=versions[0].form if versions else None)
    return {
        "run": run,
        "application": application,
        "call": application.call,
        "project": application.project,
        "organisation": application.organisation if application.kind == ApplicantKind.ORGANISATION else None,
        "sections": answers_of(versions[0]) if versions else [],
        "versions": versions,
        "changes": changes,
        "same": same,
        "opinions": opinions_of(application),
        "timeline": timeline_of(application, for_applicant=True),
        "form": form,
    }
