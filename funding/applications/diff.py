"""What changed between two texts, character by character, as suits Chinese. No Django here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from diff_match_patch import diff_match_patch

Kind = Literal["same", "removed", "added"]
# A comparison that takes longer is finished coarsely: a page must not wait for it.
_SECONDS: Final = 0.3
_KINDS: Final[dict[int, Kind]] = {0: "same", -1: "removed", 1: "added"}


@dataclass(frozen=True)
class Span:
    """One run of text that both versions have, that was removed, or that was added."""

    kind: Kind
    text: str


def compare_texts(before: str, after: str) -> list[Span]:
    """Return the runs of ``before`` and ``after`` in reading order; joined without ``added`` they give ``before``.

    Myers' algorithm on characters, then joined to runs a reader recognises (semantic clean-up); bounded in time.
    """
    if before == after:
        return [Span("same", before)] if before else []
    differ = diff_match_patch()
    differ.Diff_Timeout = _SECONDS
    found = differ.diff_main(before, after)
    differ.diff_cleanupSemantic(found)
    return [Span(_KINDS[kind], text) for kind, text in found]
