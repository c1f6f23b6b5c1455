from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from park_portal.core.backups.services import BackupError, make_backup


class Command(BaseCommand):
    help = "Write a backup of database, files and the list of keys, with checksums, into a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, help="where backups lie (default: BACKUP_DIR)")
        parser.add_argument("--keep", type=int, default=0, help="remove all but so many, the newest")

    def handle(self, *args: Any, folder: Path | None, keep: int, **options: Any) -> None:
        folder = folder or (Path(settings.BACKUP_DIR) if settings.BACKUP_DIR else None)
        if folder is None:
            raise CommandError("Name a folder, or set BACKUP_DIR.")
        if keep < 0:
            raise CommandError("--keep is a number of backups.")
        try:
            made = make_backup(folder, keep=keep)
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows = sum(made.manifest["database"]["tables"].values())
        self.stdout.write(
            f"{made.path}: {rows:,} rows, {len(made.manifest['files']):,} files, {made.size / 1e6:,.1f} MB in "
            f"{made.seconds:.1f} s; checksum {made.checksum}"
        )
