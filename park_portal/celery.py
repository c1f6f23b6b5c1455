"""The Celery application and the beat schedule: one table of what runs by itself, and how often."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")

app = Celery("park_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()  # `tasks.py` of each app: a contents page of its rooms.

# name: (task, seconds or crontab). Every entry is safe to run twice, and late.
BEAT: dict[str, tuple[str, object]] = {}

app.conf.beat_schedule = {name: {"task": task, "schedule": when} for name, (task, when) in BEAT.items()}
