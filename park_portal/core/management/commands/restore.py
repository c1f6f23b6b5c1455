from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from park_portal.core.backups.services import BackupError, read_backup, restore_backup


class Command(BaseCommand):
    help = "Verify a backup and restore it into this portal's empty database and store of documents."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path, help="the folder park-… of one backup")
        parser.add_argument("--check", action="store_true", help="only verify; write nothing")
        parser.add_argument("--replace", action="store_true", help="lose what is there now")

    def handle(self, *args: Any, backup: Path, check: bool, replace: bool, **options: Any) -> None:
        try:
            if check:
                manifest, checksum = read_backup(backup)
                self.stdout.write(f"Whole, made {manifest['made_at']}; checksum {checksum}")
                return
            for line in restore_backup(backup, replace=replace):
                self.stderr.write(f"Note: {line}")
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Restored and verified: rows of every table, files by hash, the audit chain.")
