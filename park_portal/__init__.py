"""The roof: composition only. Importing it makes the Celery application known to Django."""

import gc

# A process that starts makes a million objects that stay: the collector need not look through them every 700. In a page
# that works on ten thousand it would find nothing either.
gc.set_threshold(50_000, 20, 50)

from park_portal.celery import app as celery_app  # noqa: E402 - the collector is told first

__all__ = ["celery_app"]
