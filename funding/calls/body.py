"""The text of a call as paragraphs, lists and small headings: plain text in, safe structure out."""

from __future__ import annotations

from dataclasses import dataclass, field

_BULLETS = ("- ", "– ", "• ", "· ")


@dataclass
class Block:
    """A paragraph, or a heading with the items below it."""

    text: str = ""
    items: list[str] = field(default_factory=list)


def blocks_of(body: str) -> list[Block]:
    """Return the blocks of a text: blank lines separate them, a line beginning with a hyphen is an item of a list."""
    blocks: list[Block] = []
    for part in body.replace("\r\n", "\n").split("\n\n"):
        block = Block()
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        for line in lines:
            bullet = next((mark for mark in _BULLETS if line.startswith(mark)), "")
            if bullet:
                block.items.append(line[len(bullet) :].strip())
            elif block.items:
                block.items[-1] += f" {line}"
            else:
                block.text = f"{block.text}\n{line}" if block.text else line
        if block.text or block.items:
            blocks.append(block)
    return blocks
