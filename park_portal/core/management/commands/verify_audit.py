from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from park_portal.core.audit.services import seal_entries, verify_chain


class Command(BaseCommand):
    help = "Walk the audit chain and name the first entry that was touched; exits 1 when there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expect-head", help="a head exported earlier that the chain must still contain")
        parser.add_argument(
            "--head", action="store_true", help="print only the head, to be kept outside the portal"
        )
        parser.add_argument("--seal", action="store_true", help="seal what is not sealed yet before walking")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seal"]:
            while seal_entries():
                pass
        verdict = verify_chain(expected_head=options["expect_head"])
        if not verdict.intact:
            where = f"entry {verdict.broken_at}: " if verdict.broken_at is not None else ""
            raise CommandError(
                f"Audit chain broken at {where}{verdict.why} ({verdict.sealed} links before it hold)."
            )
        if options["head"]:
            self.stdout.write(verdict.head)
            return
        self.stdout.write(
            f"Audit chain intact: {verdict.sealed} entries sealed, {verdict.unsealed} not sealed yet, "
            f"{verdict.erased} with words erased by law, head {verdict.head}"
        )
