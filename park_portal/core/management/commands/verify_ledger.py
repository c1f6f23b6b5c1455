from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from park_portal.core.ledger.services import seal_transfers, verify_ledger
from park_portal.core.money import format_yuan


class Command(BaseCommand):
    help = "Check every rule of the ledger, replay it, and name the first row that does not fit; exits 1 when there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expect-head", help="a head exported earlier that the chain must still contain")
        parser.add_argument(
            "--head", action="store_true", help="print only the head, to be kept outside the portal"
        )
        parser.add_argument("--seal", action="store_true", help="seal what is not sealed yet before looking")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seal"]:
            while seal_transfers():
                pass
        verdict = verify_ledger(expected_head=options["expect_head"])
        if not verdict.intact:
            said = "\n".join(str(finding) for finding in verdict.findings)
            raise CommandError(f"The ledger does not hold. First row of each check that fails:\n{said}")
        if options["head"]:
            self.stdout.write(verdict.head)
            return
        self.stdout.write(
            f"Ledger intact: {verdict.transfers} transfers of {verdict.accounts} accounts, "
            f"debits {format_yuan(verdict.debits_fen)} = credits {format_yuan(verdict.credits_fen)}, "
            f"{verdict.sealed} sealed, {verdict.unsealed} not sealed yet, head {verdict.head}"
        )
