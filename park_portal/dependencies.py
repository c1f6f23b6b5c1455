"""Checks requirements.txt: each line pinned, each direct dependency with its reason and used somewhere, and what is
installed in this environment is what the file says."""

import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(
    r"^(?P<name>[A-Za-z0-9_.-]+)==(?P<version>[^\s;#]+)(?:\s*;\s*(?P<when>[^#]+))?(?:\s+#\s*(?P<reason>.+))?$"
)
OBVIOUS = {"pytest", "pytest-django"}
# Used by their command, by their plugin or through another's setting, not by an import of ours.
WITHOUT_IMPORT = {
    "argon2-cffi", "crispy-bootstrap5", "django-htmx", "django-stubs", "djangorestframework-stubs", "djlint", "gunicorn",
    "import-linter", "mypy", "psycopg2-binary", "pytest-django", "pytest-timeout", "pytest-xdist", "ruff",
    "whitenoise", "django-storages", "boto3", "fido2", "qrcode", "pyjwt",
}  # fmt: skip


def problems() -> list[str]:
    """What is wrong with requirements.txt, a line each."""
    found, direct = [], True
    modules: dict[str, list[str]] = {}
    for module, names in packages_distributions().items():
        for name in names:
            modules.setdefault(_normal(name), []).append(module)
    source = _source()
    for number, line in enumerate((ROOT / "requirements.txt").read_text().splitlines(), 1):
        if line.startswith("# --- What the above bring"):
            direct = False
        if not line or line.startswith("#"):
            continue
        match = LINE.match(line)
        if match is None:
            found.append(f"requirements.txt:{number}: {line!r} is not pinned as NAME==VERSION")
            continue
        name = _normal(match["name"])
        try:
            if version(name) != match["version"]:
                found.append(
                    f"requirements.txt:{number}: {name} {version(name)} is installed; run make again"
                )
        except PackageNotFoundError:
            if match["when"]:
                continue  # For another version of Python than this one.
            found.append(f"requirements.txt:{number}: {name} is not installed; run make again")
            continue
        if direct and not match["reason"] and name not in OBVIOUS:
            found.append(f"requirements.txt:{number}: {name} has no reason beside it")
        if direct and name not in WITHOUT_IMPORT:
            pattern = "|".join(re.escape(module) for module in modules.get(name, [name]))
            if not re.search(
                rf"^\s*(?:from|import) (?:{pattern})\b|\"(?:{pattern})[\".]", source, re.MULTILINE
            ):
                found.append(f"requirements.txt:{number}: {name} is used nowhere")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _source() -> str:
    folders = ("park_portal", "incubator", "funding", "tests")
    return "\n".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) or "Every dependency is pinned, explained and used.")
    sys.exit(1 if wrong else 0)
