"""The Celery application and the beat schedule: one table of what runs by itself, and how often."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")

app = Celery("park_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add("park_portal.health:SignOfLife")


@setup_logging.connect
def logs_stay_as_they_are(**kwargs: Any) -> None:
    """Keep Celery from setting up logs of its own: a worker's lines read as those of the web processes."""


app.autodiscover_tasks()  # `tasks.py` of each app: a contents page of its rooms.

# name: (task, seconds or crontab). Every entry is safe to run twice, and late.
BEAT: dict[str, tuple[str, object]] = {
    "do what the relays left": ("core.outbox.sweep", 2.0),
    "seal the audit chain": ("core.audit.seal_entries", 5.0),
    "seal the ledger's chain": ("core.ledger.seal_transfers", 5.0),
    "let what is held expire": ("core.ledger.expire_held", 60.0),
    "find jobs whose worker died": ("core.jobs.sweep", 15.0),
    # By day only: nobody wants to be reminded at midnight.
    "watch conflicts of interest": ("funding.reviews.keep_all_apart", crontab(minute="*/10")),
    "match names": ("funding.reviews.match_all", crontab(hour=3, minute=20)),
    "remind of reviews": ("funding.reviews.send_reminders", crontab(hour="8-19", minute="*/10")),
    "remind of panel meetings": ("funding.panels.send_reminders", crontab(hour="8-19", minute="*/10")),
    "tell investors that their access ends": ("funding.datarooms.warn_of_ends", crontab(hour=9, minute=15)),
    "remind of reports of awards": ("funding.reports.send_reminders", crontab(hour=9, minute=20)),
    "tell whose cash runs out": ("funding.deals.warn_of_runways", crontab(hour=9, minute=25)),
    "replace reviewers who stepped back": ("funding.reviews.tend_plans", crontab(minute="*/5")),
    "open and close calls at their minute": ("funding.calls.run_clock", 5.0),
    "remind people with drafts that a call closes": (
        "funding.calls.remind_of_closing",
        crontab(minute=5, hour="9-17"),
    ),
    "forget old answers of the API": ("core.api.forget_answers", crontab(hour=4, minute=10)),
    "forget what webhooks answered": ("core.webhooks.forget_events", crontab(hour=4, minute=20)),
    "make the nightly backup": ("core.backups.make", crontab(hour=2, minute=30)),
    "let old data go": ("core.privacy.retention", crontab(hour=3, minute=30)),
    "forget sessions that are over": ("core.accounts.sweep_sessions", crontab(minute=40)),
    # Their rights end with the day; this ends what is still open on a screen.
    "end the terms of liaisons": ("incubator.organisations.end_terms", crontab(hour=0, minute=1)),
    "send the daily digests": ("core.outbox.send_digests", crontab(hour=8, minute=0)),
}

app.conf.beat_schedule = {name: {"task": task, "schedule": when} for name, (task, when) in BEAT.items()}
