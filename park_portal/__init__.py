"""The roof: composition only. Importing it makes the Celery application known to Django."""

from park_portal.celery import app as celery_app

__all__ = ["celery_app"]
