from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from park_portal.core.diagrams import draw_all

PAGE = Path(settings.BASE_DIR) / "docs" / "states.md"


class Command(BaseCommand):
    help = "Draw docs/states.md from the tables of states."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when the page is not up to date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        drawn = draw_all()
        if options["check"]:
            if not PAGE.exists() or PAGE.read_text() != drawn:
                raise CommandError("docs/states.md is not what the tables say; run manage.py draw_states.")
            return
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(drawn)
        self.stdout.write(f"{PAGE.relative_to(settings.BASE_DIR)} drawn.")
