"""Money: whole fen, exact, read from whatever people type."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from park_portal.core.errors import DomainError
from park_portal.core.money import MAX_FEN, fen_to_yuan, format_wan, format_yuan, parse_money, yuan_to_fen


@given(st.integers(min_value=0, max_value=MAX_FEN))
def test_what_is_shown_is_read_back_exactly(fen):
    assert parse_money(format_yuan(fen)) == fen
    assert yuan_to_fen(fen_to_yuan(fen)) == fen


@given(st.text(max_size=40))
def test_no_text_does_more_than_be_refused(text):
    try:
        fen = parse_money(text)
    except DomainError:
        return
    assert 0 <= fen <= MAX_FEN


@pytest.mark.parametrize(
    ("text", "unit", "fen"),
    [
        ("1234567", "yuan", 123_456_700),
        ("1,234,567.00", "yuan", 123_456_700),
        ("¥1 234 567", "yuan", 123_456_700),
        ("￥１２３．５０", "yuan", 12_350),
        ("150", "wan", 150_000_000),
        ("150万元", "yuan", 150_000_000),
        ("1.5万", "yuan", 1_500_000),
        ("88元", "wan", 8_800),
        ("0.005", "yuan", 1),
    ],
)
def test_how_people_write_amounts(text, unit, fen):
    assert parse_money(text, unit=unit) == fen


@pytest.mark.parametrize(
    "text", ["", "-5", "1e9", "NaN", "12.3.4", "一百万", "💰", "9" * 15 + "万元", "1\x00"]
)
def test_what_is_no_amount(text):
    with pytest.raises(DomainError):
        parse_money(text)


def test_how_amounts_are_shown():
    assert format_yuan(123_456_700) == "¥1,234,567.00"
    assert format_yuan(-50) == "-¥0.50"
    assert format_yuan(None) == ""
    assert fen_to_yuan(1) == Decimal("0.01")
    with override("zh-hans"):
        assert format_wan(150_000_000) == "150 万元"
        assert format_wan(123_456_789) == "123.46 万元"
    with override("en"):
        assert format_wan(150_000_000) == "¥1.5 m"
