"""Finds the rooms of an app and imports the files that register something, so that no list of them must be kept."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from park_portal.core.outbox.registry import register_kinds

# In the order of the files inside a room. Views and admin are imported by who serves them.
REGISTERING = ("rules", "accounts", "notices", "services", "turns", "imports", "tasks", "search", "privacy")


def rooms_of(package: str) -> list[str]:
    """The dotted names of the rooms (sub-packages that are not Django's own folders) of an app's package."""
    found = iter_modules(import_module(package).__path__, prefix=f"{package}.")
    beside = ("migrations", "management", "templatetags")
    return sorted(m.name for m in found if m.ispkg and m.name.rpartition(".")[2] not in beside)


def import_rooms(package: str) -> None:
    """Import what each room registers: rules, kinds of notices, handlers, jobs, readers, search. Call it in `ready()`."""
    for room in rooms_of(package):
        for file in REGISTERING:
            if find_spec(f"{room}.{file}") is None:
                continue
            module = import_module(f"{room}.{file}")
            if file == "notices":
                register_kinds(module.KINDS)
