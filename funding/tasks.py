"""Contents page: the tasks of every room of calls and funds."""

from funding.calls.tasks import remind_of_closing, run_clock
from funding.reviews.tasks import send_reminders

__all__ = ["remind_of_closing", "run_clock", "send_reminders"]
