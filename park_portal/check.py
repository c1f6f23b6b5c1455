"""`make check`: every law of the architecture that a tool can enforce; says which ones are broken, and how.

python -m park_portal.check              all of them
python -m park_portal.check types rooms  some of them
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from park_portal import local

BIN = Path(sys.executable).parent
PYTHON = str(BIN / "python")

# name: (what it means, the command, what to do when it fails)
CHECKS: dict[str, tuple[str, list[str], str]] = {
    "types": ("types fit (mypy)", [str(BIN / "mypy")], ""),
    "format": (
        "code is in order (ruff format)",
        [str(BIN / "ruff"), "format", "--check", "."],
        "make format",
    ),
    "lint": ("code has no known faults (ruff)", [str(BIN / "ruff"), "check", "."], "make format mends some"),
    "rooms": (
        "storeys, rooms and files import only downwards (import-linter)",
        [str(BIN / "lint-imports"), "--config", "pyproject.toml"],
        "",
    ),
    "templates": (
        "templates have no known faults (djlint)",
        [str(BIN / "djlint"), "--lint", "templates"],
        "",
    ),
    "migrations": (
        "migrations are complete",
        [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "python manage.py makemigrations --name WHAT_CHANGES",
    ),
    "django": (
        "settings and models make sense",
        [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
        "",
    ),
    "translations": (
        "every string is translated",
        [PYTHON, "-m", "park_portal.translations", "check"],
        "python -m park_portal.translations missing",
    ),
    "dependencies": (
        "every dependency is pinned, has its reason, and is used",
        [PYTHON, "-m", "park_portal.dependencies"],
        "",
    ),
}


def run(name: str) -> tuple[str, int, str, float]:
    """Run one check; its name, exit code, output and seconds."""
    start = time.monotonic()
    done = subprocess.run(
        CHECKS[name][1],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=local.ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"},
    )
    return name, done.returncode, done.stdout.strip(), time.monotonic() - start


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"There is no check called {', '.join(unknown)}. There are: {', '.join(CHECKS)}.")
        return 2
    names = names or list(CHECKS)
    local.ensure_for_this_process()
    broken: list[tuple[str, str]] = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for name, code, output, seconds in pool.map(run, names):
            print(f"{'ok  ' if code == 0 else 'FAIL'} {CHECKS[name][0]} ({seconds:.0f} s)", flush=True)
            if code != 0:
                broken.append((name, output))
    for name, output in broken:
        meaning, _command, cure = CHECKS[name]
        print(f"\n--- {name}: not so that {meaning}\n\n{output}")
        if cure:
            print(f"\n    {cure}")
    print(f"\n{len(names) - len(broken)} of {len(names)} checks hold.")
    if broken:
        print("Broken: " + ", ".join(name for name, _output in broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
