"""The roof: composition only. Importing it makes the Celery application known to Django."""

import gc

from park_portal.celery import app as celery_app

__all__ = ["celery_app"]

# A process that starts makes a million objects that stay: the collector need not look through them every 700. In a page
# that works on ten thousand it would find nothing either.
gc.set_threshold(50_000, 20, 50)
