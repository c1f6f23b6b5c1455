"""Contents page: the tasks of every room of calls and funds."""

from funding.reviews.tasks import send_reminders

__all__ = ["send_reminders"]
