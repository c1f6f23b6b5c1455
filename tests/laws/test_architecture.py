"""What the settings of import-linter list by name is what there is."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_every_module_of_the_roof_is_out_of_reach_from_below():
    roof = next(one for one in CONTRACTS if one["name"].startswith("The roof"))
    there = {f"park_portal.{path.stem}" for path in (ROOT / "park_portal").glob("*.py")}
    assert sorted(there - {"park_portal.__init__"} - set(roof["forbidden_modules"])) == []


def test_every_room_of_the_ground_floor_has_its_place():
    order = next(one for one in CONTRACTS if one["name"].startswith("Rooms of the ground floor"))
    placed = {name.strip("() ") for layer in order["layers"] for name in layer.replace(":", "|").split("|")}
    rooms = {path.parent.name for path in (ROOT / "park_portal" / "core").glob("*/models.py")}
    assert sorted(rooms - placed) == []
