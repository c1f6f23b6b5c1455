"""Writes the search index anew, all of it or the named kinds of records."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from park_portal.core.search.services import KINDS, reindex


class Command(BaseCommand):
    help = "Write the search index anew (after a bulk change, or a change of what records are found by)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "kinds", nargs="*", help="kinds of records, such as incubator.organisation; default: all"
        )

    def handle(self, *args: Any, kinds: list[str], **options: Any) -> None:
        if unknown := sorted(set(kinds) - KINDS.keys()):
            raise CommandError(f"not searchable: {', '.join(unknown)}; known: {', '.join(sorted(KINDS))}")
        for name, count in reindex(kinds or None).items():
            self.stdout.write(f"{name}: {count}")
