"""What the page of one application in a stage shows: the same to liaisons on the portal and to staff in the admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from funding.applications.models import Application, Version
from funding.applications.naming import Left, is_double_blind, names_left, names_of
from funding.applications.progress import timeline_of
from funding.applications.reading import answers_of, compare_versions
from funding.calls.states import CONFIDENTIAL, ApplicantKind
from funding.reviews.forms import OpinionForm
from funding.reviews.models import CleanCopy, StageRun
from funding.reviews.reading import opinions_of
from funding.reviews.record import Figures, Record, Severity
from funding.reviews.services.copies import files_shown
from funding.reviews.states import RunState
from park_portal.core.errors import Text


@dataclass(frozen=True)
class RecordLine:
    """One figure of a reviewer's record in words: over everything, over the last calls, and what it means."""

    label: Text
    whole: str
    recent: str
    explain: Text


def lines_of_record(record: Record) -> list[RecordLine]:
    """Return the figures of ``record`` as the reviewer and staff read them alike."""

    def line(label: Text, show: Callable[[Figures], str], explain: Text) -> RecordLine:
        return RecordLine(label, show(record.whole), show(record.recent), explain)

    def count(name: str) -> Callable[[Figures], str]:
        return lambda figures: str(getattr(figures, name))

    return [
        line(
            _("Asked for a review"),
            count("invited"),
            _("Not counted: what was taken back before it was answered."),
        ),
        line(
            pgettext("reviews of a person", "Accepted"),
            count("accepted"),
            _("Including those that were given back later."),
        ),
        line(
            pgettext("reviews of a person", "Declined"),
            count("declined"),
            _("No fault: better than a review that does not come."),
        ),
        line(
            _("Conflicts of interest declared"),
            count("conflicts"),
            _("Shown for completeness; it never counts against anybody."),
        ),
        line(
            _("Days until the answer, on average"),
            _days,
            _("From the invitation to accepting or stepping back."),
        ),
        line(_("Handed in on time"), count("on_time"), _("By the deadline, as it was last extended.")),
        line(_("Handed in late"), count("late"), _("After the deadline.")),
        line(
            _("Not handed in"),
            count("never"),
            _(
                "Accepted, the deadline is over, nothing came. What was taken back before the deadline is not counted."
            ),
        ),
        line(
            _("Share handed in on time"),
            _share,
            _(
                "Of the accepted reviews that have come to their end. When reviewers are chosen, staff may set a lowest share."
            ),
        ),
        line(
            _("Length of comments, on average"),
            _length,
            _(
                "What was written for the committee and for the applicant in a submitted review: each Chinese character and "
                "each other word counts one. Long is not good by itself."
            ),
        ),
        line(
            _("Usefulness, as panels rated it"),
            _usefulness,
            _(
                "Members of a panel may say from 1 to 5 how useful a review was to them: the mean, and in brackets how many "
                "times they did."
            ),
        ),
    ]


def _days(figures: Figures) -> str:
    return "—" if figures.answered_days is None else f"{figures.answered_days:.1f}"


def _share(figures: Figures) -> str:
    share = figures.on_time_share
    return "—" if share is None else f"{share:.0%} ({figures.on_time} / {figures.due})"


def _length(figures: Figures) -> str:
    return "—" if figures.words is None else f"{figures.words:,}"


def _usefulness(figures: Figures) -> str:
    return "—" if figures.usefulness is None else f"{figures.usefulness:.1f} ({figures.usefulness_ratings})"


def severity_in_words(severity: Severity | None) -> str:
    """Return how somebody marks beside others, with its error, in a sentence."""
    if severity is None:
        return _("Not known: no calibrated scores of these reviews are on record.")
    points = {"points": f"{abs(severity.value):.1f}", "error": f"{severity.stderr:.1f}"}
    if not severity.tells_apart:
        return _("Marks like the others, as far as one can tell (%(points)s ± %(error)s points).") % points
    if severity.value > 0:
        return _("Marks %(points)s ± %(error)s points higher than others.") % points
    return _("Marks %(points)s ± %(error)s points lower than others.") % points


@dataclass(frozen=True)
class LeftInVersion:
    """Where double-blind reviewers would read who applies: in the answers, in the files, and what they do not get."""

    answers: list[Left]
    files: list[CleanCopy]

    @property
    def named(self) -> list[CleanCopy]:
        return [copy for copy in self.files if copy.names]

    @property
    def unread(self) -> list[CleanCopy]:
        """Files of which some part has no text, such as scanned pages: a person has to look."""
        return [copy for copy in self.files if copy.unread]

    @property
    def unclean(self) -> list[CleanCopy]:
        return [copy for copy in self.files if copy.problem]


def left_in(version: Version) -> LeftInVersion | None:
    """Return what staff should look at before reviewers read ``version``; None where no stage is double-blind."""
    application = version.application
    if not is_double_blind(application):
        return None
    names = names_of(application, version.form, version.answers)
    ids = [item["id"] for _number, item in files_shown(version)]
    files = CleanCopy.objects.filter(original__public_id__in=ids).select_related("original", "document")
    held = {str(copy.original.public_id): copy for copy in files}
    return LeftInVersion(
        names_left(version.form, version.answers, names), [held[key] for key in ids if key in held]
    )


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
        "left": left_in(versions[0]) if for_staff and versions else None,
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
