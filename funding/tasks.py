"""Contents page: the tasks of every room of calls and funds."""

from funding.calls.tasks import remind_of_closing, run_clock
from funding.datarooms.tasks import warn_of_ends
from funding.deals.tasks import warn_of_runways
from funding.panels.tasks import send_reminders as remind_panels
from funding.reports.tasks import send_reminders as remind_reports
from funding.reviews.tasks import send_reminders

__all__ = [
    "remind_of_closing",
    "remind_panels",
    "remind_reports",
    "run_clock",
    "send_reminders",
    "warn_of_ends",
    "warn_of_runways",
]
