from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from funding.management.demo.build import Demo
from park_portal.core.accounts.models import User

PASSWORD = "qingpu-demo-2025"


class Command(BaseCommand):
    help = "Fill an empty portal with a believable park of one year: fictional people, companies, calls, reviews."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when there are people already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("The portal is not empty; the demo park is only built in an empty one.")
        # Known passwords exist in local mode only; elsewhere demo people have none.
        demo = Demo(password=PASSWORD if settings.LOCAL else None, say=self.stdout.write)
        # One transaction: a park that was cut short would look like a whole one to the next start.
        with translation.override("zh-hans"), transaction.atomic():
            demo.build()
        if settings.LOCAL:
            logins = [{"email": user.email, "password": PASSWORD, "role": role} for role, user in demo.logins]
            folder = Path(settings.BASE_DIR) / ".local"
            folder.mkdir(exist_ok=True)
            (folder / "demo_logins.json").write_text(json.dumps(logins, ensure_ascii=False, indent=1))
        self.stdout.write("The demo park is built.")
