"""How texts become lexemes and what was typed becomes a query."""

from __future__ import annotations

import pytest

from park_portal.core.search.terms import (
    POSITION_MAX,
    Term,
    code,
    highlight,
    index,
    normalise,
    pieces,
    quote,
    terms,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＩ＋ＢＴ专项", ["ai", "bt", "专项"]),
        ("复旦大学(青浦) AI-designed 抗体2.0", ["复旦大学", "青浦", "ai", "designed", "抗体", "2", "0"]),
        ("𠮷野家😀\x00", ["𠮷野家"]),
        ("Université naïve", ["université", "naïve"]),
        ("", []),
    ],
)
def test_pieces(text, expected):
    assert list(pieces(text)) == expected


def test_a_title_is_indexed_by_character_and_by_word():
    places = index(titles=["复旦大学青浦"]).places
    assert {lexeme: places[lexeme] for lexeme in ("复", "旦", "大", "学", "青", "浦")} == {
        "复": ["1A"],
        "旦": ["2A"],
        "大": ["3A"],
        "学": ["4A"],
        "青": ["5A"],
        "浦": ["6A"],
    }
    assert (places["复旦大学"], places["大学"], places["青浦"]) == (["1A"], ["3A"], ["5A"])


def test_a_body_is_indexed_by_word_only():
    places = index(titles=[], body=["抗体设计 Antibodies"]).places
    assert places == {"抗体": ["1D"], "设计": ["2D"], "antibodies": ["3D"]}


def test_names_are_indexed_by_pinyin_from_each_word_on():
    places = index(titles=[], names=["上海青芯"]).places
    assert {"shanghaiqingxin", "shqx", "qingxin", "qx"} <= places.keys()
    assert {"chensiyuan", "csy", "siyuan"} <= index(titles=[], names=["陈思远"]).places.keys()


def test_names_beside_the_title_are_found_by_their_characters_too():
    places = index(titles=["平台"], names=["青芯"]).places
    assert {lexeme: places[lexeme] for lexeme in ("平", "台", "青", "芯", "qingxin")} == {
        "平": ["1A"],
        "台": ["2A"],
        "青": ["13B"],
        "芯": ["14B"],
        "qingxin": ["25B"],
    }


def test_codes_are_whole_and_in_parts():
    assert index(titles=[], codes=["aibt-2026-0001"]).places == {
        "aibt-2026-0001": ["1A"],
        "aibt": ["2A"],
        "2026": ["3A"],
        "0001": ["4A"],
    }


def test_a_long_text_stays_within_what_postgresql_keeps():
    lexemes = index(titles=["长" * 20_000], body=["x y " * 10_000])
    assert all(int(place[:-1]) <= POSITION_MAX for places in lexemes.places.values() for place in places)
    assert all(len(places) <= 200 for places in lexemes.places.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("antibody", [Term("'antibody':*", "antibody")]),
        ("抗体", [Term("('抗' <-> '体') | ('抗体')")]),
        ("AIBT-2026", [Term("'aibt-2026':* | ('aibt':* & '2026':*)")]),
        ("o'neil", [Term("'o':*", "o"), Term("'neil':*", "neil")]),
        ("' | !*:<->", []),
        ("  ", []),
    ],
)
def test_terms(text, expected):
    assert terms(text) == expected


def test_no_query_is_ever_too_long():
    assert len(terms("a " * 100_000)) == 8
    assert len(terms("复" * 1_000_000)) == 1


def test_quote():
    assert quote("a'b\\c") == "'a''b\\\\c'"


def test_code_and_normalise():
    assert code(" 9131 0000ＭＡ1k3 \x00") == "91310000MA1K3"
    assert normalise("ＦＵＤＡＮ　大学") == "fudan 大学"


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("上海青芯生物", "青芯", [("上海", False), ("青芯", True), ("生物", False)]),
        ("Antibody design", "DESIGN anti", [("Anti", True), ("body ", False), ("design", True)]),
        ("a.c (x)", "a.c", [("a.c", True), (" (x)", False)]),
        ("nothing", "zz", [("nothing", False)]),
        ("", "zz", []),
        ("title", "", [("title", False)]),
    ],
)
def test_highlight(title, text, expected):
    assert highlight(title, text) == expected
