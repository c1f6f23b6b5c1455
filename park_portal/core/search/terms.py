"""Words of Chinese and English texts, as lexemes of PostgreSQL's tsvector and tsquery: pure text, no Django.

A title is indexed thrice: character by character (so that any part of it is found, wherever a segmenter
would cut), by the words of jieba, and, for names, by pinyin (whole and initials, from each word on). A
longer text is indexed by its words only. Lexemes are written out here, not left to PostgreSQL's parser,
whose idea of a Chinese word depends on the locale of the server.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

POSITION_MAX: Final = 16_383  # PostgreSQL keeps no more
LEXEME_MAX: Final = 200  # characters; PostgreSQL allows 2 kB
BODY_MAX: Final = 20_000
QUERY_MAX: Final = 100
TERMS_MAX: Final = 8
PINYIN_MAX: Final = 40  # characters of a title that anybody would type by initials
GAP: Final = 10  # between two titles, so that no phrase reaches from one into the next

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af\u3007"
_PIECE = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_CODE = re.compile(r"[0-9a-z]+(?:[-/._][0-9a-z]+)+")
_IS_HAN = re.compile(rf"[{_HAN}]")


def normalise(text: str) -> str:
    """Return ``text`` in lower case, full-width forms narrowed, without characters that the database
    refuses.
    """
    return unicodedata.normalize("NFKC", text.replace("\x00", "")).lower()


def code(text: str) -> str:
    """Return a number or code (USCC, application number) as it is compared: upper case, without blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text.replace("\x00", ""))).upper()


def is_han(piece: str) -> bool:
    """Return whether ``piece`` begins with a Chinese character."""
    return bool(_IS_HAN.match(piece))


def _cut(text: str) -> list[str]:
    """Return the words of a run of Chinese characters."""
    import rjieba  # With its dictionary, a sixth of a second: only who indexes or searches waits for it.

    return list(rjieba.cut(text))


def _cut_for_search(text: str) -> list[str]:
    """Return the words of a run of Chinese characters, and the shorter words within long ones."""
    import rjieba

    return list(rjieba.cut_for_search(text))


def _pinyin(text: str) -> list[str]:
    """Return the syllables of a run of Chinese characters, without tones."""
    import pypinyin  # Nearly half a second, likewise.

    return list(pypinyin.lazy_pinyin(text, errors="ignore"))


def pieces(text: str) -> Iterator[str]:
    """Yield the runs of Chinese characters and the other words of ``text``, in order, normalised."""
    yield from _PIECE.findall(normalise(text))


@dataclass
class Lexemes:
    """The lexemes of one entry with their positions and weights."""

    places: dict[str, list[str]] = field(default_factory=dict)
    position: int = 1

    def add(self, lexeme: str, position: int, weight: str) -> None:
        """Put ``lexeme`` at ``position``; positions past the last that PostgreSQL keeps all count as the
        last.
        """
        if lexeme:
            places = self.places.setdefault(lexeme[:LEXEME_MAX], [])
            place = f"{min(position, POSITION_MAX)}{weight}"
            if len(places) < 200 and place not in places:
                places.append(place)

    def literal(self) -> str:
        """Return the text that casts to a tsvector."""
        return " ".join(
            f"{quote(lexeme)}:{','.join(places)}" for lexeme, places in sorted(self.places.items())
        )


def quote(lexeme: str) -> str:
    """Return ``lexeme`` quoted for a tsvector or tsquery literal."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def index(
    *, titles: Iterable[str], names: Iterable[str] = (), codes: Iterable[str] = (), body: Iterable[str] = ()
) -> Lexemes:
    """Return the lexemes of one entry: titles and codes weigh A, names B (by pinyin too), the body D."""
    lexemes = Lexemes()
    shown = list(titles)
    for title in shown:
        _add_title(lexemes, title, "A")
    for name in names:
        if name not in shown:
            _add_title(lexemes, name, "B")
        _add_pinyin(lexemes, name)
    for value in codes:
        lexemes.add(normalise(code(value)), lexemes.position, "A")
        lexemes.position += 1
        for piece in pieces(value):
            lexemes.add(piece, lexemes.position, "A")
            lexemes.position += 1
        lexemes.position += GAP
    for text in body:
        for piece in pieces(text[:BODY_MAX]):
            for word in _cut_for_search(piece) if is_han(piece) else [piece]:
                lexemes.add(word, lexemes.position, "D")
                lexemes.position += 1
    return lexemes


def _add_title(lexemes: Lexemes, title: str, weight: str) -> None:
    for piece in pieces(title[:BODY_MAX]):
        start = lexemes.position
        if is_han(piece):
            for offset, character in enumerate(piece):
                lexemes.add(character, start + offset, weight)
            for word in _cut_for_search(piece):
                if len(word) > 1:
                    lexemes.add(word, start + piece.find(word), weight)
            lexemes.position += len(piece)
        else:
            lexemes.add(piece, start, weight)
            plain = _without_accents(piece)
            if plain != piece:
                lexemes.add(plain, start, weight)
            lexemes.position += 1
    for found in _CODE.findall(normalise(title)):
        lexemes.add(found, lexemes.position, weight)
    lexemes.position += GAP


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _add_pinyin(lexemes: Lexemes, name: str) -> None:
    """Index ``name`` by pinyin from each of its words on: 上海青芯 is found by ``shanghaiqingxin``, ``qx``,
    ``shqx``.
    """
    for run in pieces(name[:PINYIN_MAX]):
        if not is_han(run):
            continue
        syllables: list[list[str]] = []
        for word in _cut(run):
            syllables.append(_pinyin(word))
        for start in range(len(syllables)):
            rest = [syllable for word in syllables[start:] for syllable in word]
            lexemes.add("".join(rest), lexemes.position, "B")
            lexemes.add("".join(syllable[0] for syllable in rest if syllable), lexemes.position, "B")
        if len(run) <= 4:  # a person: the given name too
            rest = _pinyin(run)[1:]
            lexemes.add("".join(rest), lexemes.position, "B")
        lexemes.position += GAP


@dataclass(frozen=True)
class Term:
    """One part of what was typed: a tsquery literal, and the word itself for PostgreSQL's English stemmer."""

    literal: str
    english: str = ""


def terms(text: str) -> list[Term]:
    """Return what an entry must match, all of it: each Chinese run as a phrase or by its words, each
    other word by its beginning. At most ``TERMS_MAX`` of the first ``QUERY_MAX`` characters; empty when
    there is nothing to find.
    """
    found: list[Term] = []
    for chunk in normalise(text[:QUERY_MAX]).split():
        if _CODE.fullmatch(chunk):
            parts = " & ".join(f"{quote(piece)}:*" for piece in pieces(chunk))
            found.append(Term(f"{quote(chunk)}:* | ({parts})"))
            continue
        for piece in pieces(chunk):
            found.append(_han_term(piece) if is_han(piece) else Term(f"{quote(piece)}:*", piece))
    return found[:TERMS_MAX]


def _han_term(run: str) -> Term:
    phrase = " <-> ".join(quote(character) for character in run)
    words = []
    for word in _cut(run):
        smaller = [part for part in _cut_for_search(word) if part != word]
        words.append(f"({quote(word)} | ({' & '.join(map(quote, smaller))}))" if smaller else quote(word))
    return Term(f"({phrase}) | ({' & '.join(words)})")


def highlight(title: str, text: str) -> list[tuple[str, bool]]:
    """Return ``title`` in parts, each with whether it is what was typed; joined they are the title again."""
    wanted: list[str] = []
    for piece in (piece for chunk in text[:QUERY_MAX].split() for piece in [chunk, *pieces(chunk)]):
        wanted.append(piece)
        if is_han(piece):
            wanted.extend(_cut(piece))
    alternatives = sorted({re.escape(part) for part in wanted if part}, key=len, reverse=True)
    if not alternatives:
        return [(title, False)] if title else []
    parts, end = [], 0
    for match in re.finditer("|".join(alternatives), title, re.IGNORECASE):
        if match.start() > end:
            parts.append((title[end : match.start()], False))
        parts.append((match.group(), True))
        end = match.end()
    if end < len(title):
        parts.append((title[end:], False))
    return parts
