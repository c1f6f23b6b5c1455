"""The way of an application through a call's stages as a drawing: positions and lines, no database, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

WIDTH: Final = 606
BOX_WIDTH: Final = 330
BOX_HEIGHT: Final = 92
GAP: Final = 44
LEFT: Final = 116
END_WIDTH: Final = 126
END_HEIGHT: Final = 40
# Average width of a Latin letter beside that of a Chinese character.
LATIN: Final = 0.56


@dataclass(frozen=True)
class Station:
    """What is drawn of one stage, in words."""

    title: str
    lines: Sequence[str]
    # Where a negative opinion ends the application, and what it is called.
    ends: str = ""
    # Whether whoever acts may send it back to the applicant, and what that is called.
    returns: str = ""


@dataclass(frozen=True)
class Text:
    x: int
    y: int
    text: str


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    height: int
    title: Text
    lines: list[Text]
    kind: str = "stage"

    @property
    def radius(self) -> int:
        return 20 if self.kind != "stage" else 8


@dataclass(frozen=True)
class Arrow:
    path: str
    kind: str = "next"
    label: Text | None = None


@dataclass
class Drawing:
    """Everything to draw, in a coordinate system of ``width`` by ``height``."""

    width: int = WIDTH
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)


def width_of(text: str, size: int) -> float:
    """Return about how wide ``text`` is drawn at ``size``."""
    return sum(size if ord(char) > 0x2E7F else size * LATIN for char in text)


def fit(text: str, width: int, size: int) -> str:
    """Return ``text`` cut to ``width``, with an ellipsis where something is left out."""
    if width_of(text, size) <= width:
        return text
    cut = text
    while cut and width_of(cut + "…", size) > width:
        cut = cut[:-1]
    return cut.rstrip() + "…"


def draw(stations: Sequence[Station], *, start: str, ends: Sequence[tuple[str, str]]) -> Drawing:
    """Return the drawing of ``stations`` from top to bottom.

    ``start`` names where applications come from; ``ends`` are the outcomes below the last station: (kind, label).
    """
    drawing = Drawing()
    middle = LEFT + BOX_WIDTH // 2
    y = 8
    drawing.boxes.append(_node(middle - END_WIDTH // 2, y, start, "start"))
    bottom = y + END_HEIGHT
    for station in stations:
        y = bottom + GAP
        drawing.arrows.append(Arrow(f"M{middle} {bottom} V{y - 2}"))
        lines = [
            Text(LEFT + 16, y + 52 + 20 * number, fit(line, BOX_WIDTH - 28, 14))
            for number, line in enumerate(station.lines)
        ]
        title = Text(LEFT + 16, y + 28, fit(station.title, BOX_WIDTH - 28, 17))
        drawing.boxes.append(Box(LEFT, y, BOX_WIDTH, BOX_HEIGHT, title, lines))
        centre = y + BOX_HEIGHT // 2
        if station.ends:
            right = LEFT + BOX_WIDTH
            drawing.arrows.append(Arrow(f"M{right} {centre} H{right + 26}", "end"))
            drawing.boxes.append(_node(right + 28, centre - END_HEIGHT // 2, station.ends, "bad"))
        if station.returns:
            drawing.arrows.append(
                Arrow(
                    f"M{LEFT} {centre + 14} H{LEFT - 26} V{centre - 14} H{LEFT - 3}",
                    "return",
                    Text(LEFT - 32, centre + 4, fit(station.returns, LEFT - 36, 13)),
                )
            )
        bottom = y + BOX_HEIGHT
    if stations and ends:
        top = bottom + GAP
        total = len(ends) * END_WIDTH + (len(ends) - 1) * 20
        x = max(4, middle - total // 2)
        for kind, label in ends:
            centre = x + END_WIDTH // 2
            drawing.arrows.append(Arrow(f"M{middle} {bottom} V{bottom + GAP // 2} H{centre} V{top - 2}"))
            drawing.boxes.append(_node(x, top, label, kind))
            x += END_WIDTH + 20
        bottom = top + END_HEIGHT
    drawing.height = bottom + 8
    return drawing


def _node(x: int, y: int, label: str, kind: str) -> Box:
    title = Text(x + END_WIDTH // 2, y + 26, fit(label, END_WIDTH - 16, 15))
    return Box(x, y, END_WIDTH, END_HEIGHT, title, [], kind)
