"""What the page of one application in a stage shows: the same to liaisons on the portal and to staff in the admin."""

from __future__ import annotations

from typing import Any

from funding.applications.models import Application, Version
from funding.applications.progress import timeline_of
from funding.applications.reading import answers_of, compare_versions
from funding.calls.states import CONFIDENTIAL, ApplicantKind
from funding.reviews.forms import OpinionForm
from funding.reviews.models import StageRun
from funding.reviews.reading import opinions_of
from funding.reviews.states import RunState


def latest_versions(application: Application) -> list[Any]:
    """Return the last two versions, newest first."""
    return list(application.versions.order_by("-number")[:2])


def page_of_run(run: StageRun, form: OpinionForm | None = None, *, for_staff: bool = False) -> dict[str, Any]:
    """Return what the page of one application in a queue stage shows.

    Only the park's staff read whom the applicant would rather not have as a reviewer, and what other stages said.
    """
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
        "sections": _sections(versions[0], for_staff=for_staff) if versions else [],
        "versions": versions,
        "changes": changes,
        "same": same,
        "opinions": [one for one in opinions_of(application) if for_staff or one.run_id == run.pk],
        "timeline": timeline_of(application, for_applicant=True),
        "form": form,
    }


def _sections(version: Version, *, for_staff: bool) -> list[dict[str, Any]]:
    sections = answers_of(version)
    if for_staff:
        return sections
    hidden = {
        question["key"]
        for section in version.form["sections"]
        for question in section["questions"]
        if question["purpose"] in CONFIDENTIAL
    }
    for section in sections:
        section["questions"] = [
            question for question in section["questions"] if question["key"] not in hidden
        ]
    return [section for section in sections if section["questions"]]
