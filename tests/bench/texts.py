"""Texts to measure with: real words of both languages, those of the portal's own translations, as often as words occur."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polib
import rjieba

PARTS = Path(__file__).resolve().parent.parent.parent / "locale" / "zh_Hans" / "parts"
TOPICS = 24
SEED = 2025


def words() -> tuple[list[str], list[str]]:
    """The Chinese and the English words of the translations, each once, in the order of the alphabet."""
    entries = [entry for part in sorted(PARTS.glob("*.po")) for entry in polib.pofile(str(part))]
    chinese = {
        word for entry in entries for word in rjieba.cut(entry.msgstr) if re.match(r"[\u4e00-\u9fff]", word)
    }
    english = {word.lower() for entry in entries for word in re.findall(r"[A-Za-z]{2,}", entry.msgid)}
    return sorted(chinese), sorted(english)


def mixed(count: int, length: int = 300, topics: Sequence[int] | None = None) -> list[str]:
    """`count` texts of `length` words: a third Chinese, a third English, a third Chinese with English words in it.

    Words are drawn by Zipf's law, in each of 24 topics with its own order of them; `topics` says which each text has.
    """
    random = np.random.default_rng(SEED)
    chinese, english = words()
    vocabulary = np.array(chinese + english)
    kinds = [np.arange(len(chinese)), np.arange(len(chinese), len(vocabulary)), np.arange(len(vocabulary))]
    orders = [[random.permutation(kind) for kind in kinds] for _topic in range(TOPICS)]
    sums = [np.cumsum(1 / np.arange(1, len(kind) + 1)) for kind in kinds]
    made = []
    for number in range(count):
        kind = number % 3
        drawn = np.searchsorted(sums[kind], random.random(length) * sums[kind][-1])
        topic = random.integers(TOPICS) if topics is None else topics[number]
        order = orders[topic][kind]
        made.append(("" if kind == 0 else " ").join(vocabulary[order[drawn]]))
    return made
