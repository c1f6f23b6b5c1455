"""Whose turn it is with the reports of an award, and their part of its page."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from funding.awards.hooks import Part, Turn, awaits, shows_part
from funding.awards.models import Award
from funding.awards.states import AwardState
from funding.reports.models import Report
from funding.reports.services import is_writable
from funding.reports.states import ReportState
from park_portal.core.accounts.models import User


@awaits
def report_turns(award: Award) -> Iterator[Turn]:
    """The next report to be written, and those to be read."""
    rows = list(
        Report.objects.filter(award=award).exclude(state=ReportState.ACCEPTED).order_by("due_on", "pk")
    )
    for report in rows:
        report.award = award
    if award.state == AwardState.CLOSED:
        return
    for report in [one for one in rows if is_writable(one)][:1]:
        yield Turn(
            _("grantee"),
            _("Send the %(report)s") % {"report": report},
            report.due_on,
            report.get_absolute_url(),
        )
    for report in rows:
        if report.state == ReportState.SUBMITTED:
            yield Turn(
                _("park office"),
                _("Read the %(report)s") % {"report": report},
                url=reverse("admin:funding_report_change", args=[report.pk]),
            )


@shows_part
def reports_part(award: Award, user: User) -> Iterator[Part]:
    """The reports of an award with their days and states."""
    rows = list(Report.objects.filter(award=award).order_by("due_on", "pk"))
    if rows:
        yield Part(_("Reports"), "funding/reports/_part.html", {"reports": rows}, order=40)
