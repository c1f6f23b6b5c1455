from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from funding.reviews.models import AssignmentPlan
from funding.reviews.services import draw_again, record_of_draw
from park_portal.core.errors import DomainError


class Command(BaseCommand):
    help = "Make a random draw of reviewers again from its published pool and seed, and say whether it is the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--plan", type=int, help="number of the assignment on this portal")
        source.add_argument("--file", type=Path, help="record of the draw, as its page exports it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            record = self._record(options)
            pairs = draw_again(record)
        except (DomainError, OSError, ValueError, KeyError) as error:
            raise CommandError(str(error) or type(error).__name__) from error
        self.stdout.write(f"seed {record['seed']}")
        self.stdout.write(f"pool {record['pool_sha256']}")
        for application, reviewer in pairs:
            self.stdout.write(f"{application} {reviewer}")
        if record["drawn_at"] is None:
            self.stdout.write(f"{len(pairs)} pairs, not drawn yet")
        elif pairs == record["result"]:
            self.stdout.write(f"{len(pairs)} pairs, the same as drawn")
        else:
            raise CommandError(f"{len(pairs)} pairs, not the same as drawn")

    def _record(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["file"] is not None:
            record: dict[str, Any] = json.loads(options["file"].read_text())
            return record
        plan = AssignmentPlan.objects.select_related("call", "parent").filter(pk=options["plan"]).first()
        if plan is None:
            raise CommandError(f"there is no assignment {options['plan']}")
        return record_of_draw(plan)
