"""Whether two names are one person's, across languages: a pure algorithm, without Django.

    compare(Person("单以宁", institution="复旦大学"), Person("Shan Yi-Ning"))   → near, by pinyin

The same person is only who shares an e-mail address, an ORCID, or the characters of the name and the institution. All else
that agrees is *near*: pinyin in either order, with or without hyphen, space and tones, initials, a surname read in any
of its ways. Near is a question to people, never an answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product
from typing import Final

from incubator.organisations.names import normalise_name

# Surnames of two characters.
_DOUBLE: Final = frozenset(
    re.findall(
        "..",
        "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离"
        "长孙宇文司徒鲜于司空令狐呼延轩辕百里东郭南门西门左丘拓跋完颜纳兰",
    )
)
# How a character is read as a surname, where that is not (or not only) how it is read otherwise.
_SURNAMES: Final = {
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "查": "zha", "区": "ou", "任": "ren", "朴": "piao pu park",
    "盖": "ge gai", "缪": "miao", "翟": "zhai di", "种": "chong", "乐": "yue le", "华": "hua", "覃": "qin tan",
    "员": "yun", "黑": "he", "秘": "bi", "冼": "xian", "召": "shao", "繁": "po", "燕": "yan", "折": "she", "宁": "ning",
    "万俟": "moqi", "尉迟": "yuchi", "长孙": "zhangsun", "澹台": "tantai", "吕": "lu lv lyu", "俞": "yu", "洗": "xian",
    "尹": "yin", "葛": "ge", "应": "ying", "牟": "mou mu", "卜": "bu", "车": "che", "柏": "bai bo", "薄": "bo", "阚": "kan",
    "郗": "xi chi", "褚": "chu", "逄": "pang", "晁": "chao", "郇": "xun huan", "哈": "ha", "那": "na", "能": "nai",
}  # fmt: skip
_HAN: Final = re.compile(r"[㐀-鿿豈-﫿]+")
_LATIN: Final = re.compile(r"[a-z]+")
_MOST_READINGS: Final = 64


class Level(StrEnum):
    SAME = "same"
    NEAR = "near"
    DIFFERENT = "different"


class Why(StrEnum):
    """What two people have in common, or that nothing is."""

    EMAIL = "email"
    ORCID = "orcid"
    NAME_AND_INSTITUTION = "name_and_institution"
    NAME = "name"
    PINYIN = "pinyin"
    INITIALS = "initials"
    NOTHING = ""


@dataclass(frozen=True)
class Person:
    """What is known of somebody: each part may be empty. ``name`` may hold characters and pinyin both."""

    name: str = ""
    email: str = ""
    orcid: str = ""
    institution: str = ""


@dataclass(frozen=True)
class Match:
    level: Level
    why: Why = Why.NOTHING


_DIFFERENT: Final = Match(Level.DIFFERENT)


def compare(one: Person, two: Person) -> Match:
    """Return whether ``one`` and ``two`` are the same person, near it, or different, and by what."""
    if one.email and one.email.strip().lower() == two.email.strip().lower():
        return Match(Level.SAME, Why.EMAIL)
    if one.orcid and two.orcid:
        if one.orcid.strip().upper() == two.orcid.strip().upper():
            return Match(Level.SAME, Why.ORCID)
        return _DIFFERENT  # each has one of their own
    why = compare_names(one.name, two.name)
    if why is Why.NAME and characters(one.name) and _same_institution(one.institution, two.institution):
        return Match(Level.SAME, Why.NAME_AND_INSTITUTION)
    return Match(Level.NEAR, why) if why is not Why.NOTHING else _DIFFERENT


def compare_names(one: str, two: str) -> Why:
    """Return what two names have in common: the characters, pinyin, initials, or nothing."""
    han_one, han_two = characters(one), characters(two)
    if han_one and han_two:
        return Why.NAME if han_one == han_two else Why.NOTHING
    words_one, words_two = words(one), words(two)
    if han_one or han_two:
        written, spelt = (han_one, words_two) if han_one else (han_two, words_one)
        return _spells(written, spelt)
    return _alike(words_one, words_two)


def characters(name: str) -> str:
    """Return the Chinese characters of a name; empty when it has fewer than two."""
    found = "".join(_HAN.findall(unicodedata.normalize("NFKC", name)))
    return found if len(found) > 1 else ""


def words(name: str) -> tuple[str, ...]:
    """Return the Latin words of a name in lower case, without tones, points and hyphens."""
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).lower().replace("ü", "v"))
    plain = "".join(
        "v" if mark == "̈" else mark for mark in text if mark == "̈" or not unicodedata.combining(mark)
    )
    return tuple(_LATIN.findall(plain.replace("uv", "v").replace("'", "").replace("’", "")))


def _same_institution(one: str, two: str) -> bool:
    key = normalise_name(one)
    return bool(key) and key == normalise_name(two)


def _loose(text: str) -> str:
    """Return pinyin with the ways to write ü made one: 吕 is lü, lv, lyu and, on many a passport, lu."""
    return re.sub(r"([ln])(?:yu|v)", r"\1u", text)


@lru_cache(maxsize=4096)
def readings(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the ways to read a name in characters: (surname, syllables of the given name), at most 64."""
    import pypinyin  # takes half a second, which not every process needs

    size = 2 if name[:2] in _DOUBLE and len(name) > 2 else 1
    surname, given = name[:size], name[size:]
    plain = ["".join(pypinyin.lazy_pinyin(surname))]
    if size == 1:
        plain += pypinyin.pinyin(surname, style=pypinyin.Style.NORMAL, heteronym=True)[0]
    of_surname = dict.fromkeys([*_SURNAMES.get(surname, "").split(), *plain])
    of_given = pypinyin.pinyin(given, style=pypinyin.Style.NORMAL, heteronym=True)
    every: Iterator[tuple[str, ...]] = product(of_surname, *of_given)
    return tuple((first, tuple(rest)) for first, *rest in islice(every, _MOST_READINGS))


def _spells(written: str, spelt: tuple[str, ...]) -> Why:
    """Return how Latin words spell a name in characters."""
    if not spelt:
        return Why.NOTHING
    found = Why.NOTHING
    joined = _loose("".join(spelt))
    for surname, given in readings(written):
        given_whole = "".join(given)
        if joined in (_loose(surname + given_whole), _loose(given_whole + surname)):
            return Why.PINYIN
        first, rest = _loose(surname), _loose(given_whole)
        letters = "".join(syllable[0] for syllable in given)
        if len(spelt) > 1 and _abbreviates(spelt, first, rest, letters):
            found = Why.INITIALS
    return found


def _abbreviates(spelt: tuple[str, ...], surname: str, given: str, letters: str) -> bool:
    """Return whether the words are a surname with initials, or a given name with the surname's initial."""
    for index, word in enumerate(spelt):
        others = "".join(spelt[:index] + spelt[index + 1 :])
        if _loose(word) == surname and others in (letters, letters[0]):
            return True
        if word == surname[0] and _loose(others) == given:
            return True
    return False


def _alike(one: tuple[str, ...], two: tuple[str, ...]) -> Why:
    """Return what two names in Latin letters have in common."""
    if not one or not two or len(one) == len(two) == 1:
        return Why.NOTHING  # one word alone names nobody
    turns = {_loose("".join(two[turn:] + two[:turn])) for turn in range(len(two))}
    if _loose("".join(one)) in turns:
        return Why.NAME
    if len(one) > 1 and len(two) > 1 and (_shortened(one, two) or _shortened(two, one)):
        return Why.INITIALS
    return Why.NOTHING


def _shortened(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Return whether ``short`` keeps one word of ``long`` whole and of the others the first letters."""
    for index, word in enumerate(short):
        letters = "".join(short[:index] + short[index + 1 :])
        for place, other in enumerate(long):
            if len(word) < 2 or _loose(word) != _loose(other):
                continue
            rest = long[:place] + long[place + 1 :]
            initials = "".join(part[0] for part in rest)
            if letters in (initials, initials[:1]):
                return True
            # Yining is Y and perhaps Y. N.: where a given name is cut is not to be seen.
            cut = len(rest) == 1 and 0 < len(letters) <= 3 and letters[0] == initials
            if cut and all(letter in rest[0] for letter in letters):
                return True
    return False
