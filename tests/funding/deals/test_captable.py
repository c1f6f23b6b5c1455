"""Cap tables and conversions, with figures that can be checked by hand."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funding.deals.captable import Issue, convert, held_after, parts_of, table

A, B, FUND = ("", "甲"), ("", "乙"), ("fund", "1")


def test_founders_are_diluted_by_a_round():
    first, second = table([[Issue(A, 600_000), Issue(B, 400_000)], [Issue(FUND, 250_000)]])
    assert [(held.holder, held.shares, held.percent) for held in first] == [
        (A, 600_000, "60.00"),
        (B, 400_000, "40.00"),
    ]
    assert [(held.holder, held.part, held.percent) for held in second] == [
        (A, Fraction(48, 100), "48.00"),
        (B, Fraction(32, 100), "32.00"),
        (FUND, Fraction(20, 100), "20.00"),
    ]


def test_three_thirds_are_a_hundred_percent():
    held = parts_of({A: 1, B: 1, FUND: 1})
    assert sum(one.part for one in held) == 1
    assert sorted(one.percent for one in held) == ["33.33", "33.33", "33.34"]


def test_nobody_holds_anything():
    assert parts_of({}) == []
    assert table([]) == []


def test_a_holder_adds_to_what_was_held():
    assert held_after([[Issue(A, 5)], [Issue(B, 1)], [Issue(A, 2)]]) == {A: 7, B: 1}


def test_shares_are_above_zero():
    with pytest.raises(ValueError):
        held_after([[Issue(A, 0)]])


@given(st.dictionaries(st.integers(0, 50), st.integers(1, 10**12), min_size=1, max_size=30))
def test_percentages_always_add_up(shares):
    held = parts_of({("", str(key)): count for key, count in shares.items()})
    assert sum(one.hundredths for one in held) == 10_000
    assert sum(one.part for one in held) == 1
    assert all(abs(one.hundredths - one.part * 10_000) < 1 for one in held)


TERMS = {
    "principal_fen": 100_000_000,  # ¥1,000,000
    "interest_bp": 600,
    "given_on": date(2024, 1, 1),
    "converted_on": date(2024, 12, 31),  # 365 days: 2024 has 366
    "cap_fen": None,
    "discount_bp": None,
    "pre_money_fen": 2_000_000_000,  # ¥20,000,000 over 1,000,000 shares: ¥20 a share
    "shares_before": 1_000_000,
}


def test_conversion_at_the_price_of_the_round():
    """¥1,000,000 and 6 % for a year at ¥20: 53,000 shares."""
    done = convert(**TERMS)
    assert (done.days, done.interest_fen, done.amount_fen) == (365, 6_000_000, 106_000_000)
    assert (done.price.basis, done.price.fen, done.shares, done.rest_fen) == ("round", 2_000, 53_000, 0)


def test_conversion_at_the_cap():
    """A cap of ¥10,000,000 is ¥10 a share: 106,000 shares, though 20 % off the round would be ¥16."""
    done = convert(**{**TERMS, "cap_fen": 1_000_000_000, "discount_bp": 2_000})
    assert [(price.basis, price.fen) for price in done.prices] == [
        ("round", 2_000),
        ("cap", 1_000),
        ("discount", 1_600),
    ]
    assert (done.price.basis, done.shares) == ("cap", 106_000)


def test_conversion_at_the_discount():
    """A cap above the round's valuation does not count: ¥16 a share."""
    done = convert(**{**TERMS, "cap_fen": 4_000_000_000, "discount_bp": 2_000})
    assert (done.price.basis, done.price.fen, done.shares) == ("discount", 1_600, 66_250)


def test_conversion_rounds_down():
    """¥1,000,000 without interest at ¥30 (¥30,000,000 over 1,000,000): 33,333 shares and ¥10 left."""
    done = convert(**{**TERMS, "interest_bp": 0, "pre_money_fen": 3_000_000_000})
    assert (done.shares, done.rest_fen) == (33_333, 1_000)


@pytest.mark.parametrize(
    "wrong",
    [{"converted_on": date(2023, 12, 31)}, {"pre_money_fen": 0}, {"shares_before": 0}, {"cap_fen": 0}],
)
def test_conversion_that_cannot_be(wrong):
    with pytest.raises(ValueError):
        convert(**{**TERMS, **wrong})
