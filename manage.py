#!/usr/bin/env python
"""Django's command line. In local mode it first makes sure that PostgreSQL and Valkey are up."""

import os
import sys

from park_portal.local import ensure_for_this_process


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")
    if sys.argv[1:2] not in (["help"], ["--help"], ["version"]):
        ensure_for_this_process()

    from django.core.management import execute_from_command_line  # Only after the environment is complete.

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
