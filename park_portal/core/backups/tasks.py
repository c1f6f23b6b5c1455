"""The nightly backup."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task
from django.conf import settings

from park_portal.core.backups import services


@shared_task(name="core.backups.make", ignore_result=True, time_limit=6 * 3600, soft_time_limit=6 * 3600 - 60)
def make_backup() -> None:
    """Make a backup where BACKUP_DIR says, if it says anything."""
    if settings.BACKUP_DIR:
        services.make_backup(Path(settings.BACKUP_DIR), keep=settings.BACKUP_KEEP)
