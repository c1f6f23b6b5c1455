"""Returns with figures that can be checked by hand, and rates that do not exist."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funding.deals.returns import (
    NO_FLOWS,
    NO_ROOT,
    NO_SIGN_CHANGE,
    ONE_DAY,
    SEVERAL_ROOTS,
    NoRate,
    Rate,
    irr,
    returns_of,
)

Y0, Y1, Y2 = date(2025, 1, 1), date(2026, 1, 1), date(2027, 1, 1)  # 365 days each


def near(rate, value):
    return isinstance(rate, Rate) and rate.value == pytest.approx(value, abs=1e-9)


def test_one_year_at_a_quarter():
    assert near(irr([(Y0, -100), (Y1, 125)]), 0.25)


def test_two_years_at_ten_percent():
    assert near(irr([(Y0, -100), (Y1, 10), (Y2, 110)]), 0.10)


def test_half_lost():
    assert near(irr([(Y0, -100), (Y1, 50)]), -0.5)


def test_days_count_by_365():
    """2024 has 366 days: 10 % in 366 days is 1.1 ** (365 / 366) - 1."""
    assert near(irr([(date(2024, 1, 1), -100), (date(2025, 1, 1), 110)]), 1.1 ** (365 / 366) - 1)


def test_flows_of_a_day_are_one():
    assert near(irr([(Y0, -60), (Y0, -40), (Y1, 200), (Y1, -75)]), 0.25)


@pytest.mark.parametrize(
    ("flows", "reason"),
    [
        ([], NO_FLOWS),
        ([(Y0, -100), (Y0, 100)], NO_FLOWS),
        ([(Y0, -100), (Y1, 0)], NO_SIGN_CHANGE),
        ([(Y0, -100), (Y1, -5)], NO_SIGN_CHANGE),
        ([(Y0, 100), (Y1, 5)], NO_SIGN_CHANGE),
        ([(Y0, -100), (Y0, 130)], ONE_DAY),
        # −100 + 200x − 110x² = 0 has the discriminant 40000 − 44000 < 0.
        ([(Y0, -100), (Y1, 200), (Y2, -110)], NO_ROOT),
    ],
)
def test_no_rate_is_invented(flows, reason):
    assert irr(flows) == NoRate(reason)


def test_several_rates_are_named_and_none_chosen():
    """−100 + 230x − 132x² = 0 for x = 1/1.1 and x = 1/1.2."""
    found = irr([(Y0, -100), (Y1, 230), (Y2, -132)])
    assert isinstance(found, NoRate)
    assert found.reason == SEVERAL_ROOTS
    assert found.roots == (pytest.approx(0.1), pytest.approx(0.2))


def test_two_changes_of_sign_with_one_touching_rate():
    """−100 + 220x − 121x² = −(10 − 11x)²: both roots are 10 %."""
    assert near(irr([(Y0, -100), (Y1, 220), (Y2, -121)]), 0.1)


@given(
    st.integers(-90, 500),
    st.lists(st.tuples(st.integers(1, 4_000), st.integers(1, 10**6)), min_size=1, max_size=8),
)
def test_rate_of_flows_made_by_a_rate_is_found(percent, later):
    """What is put in is worth what comes back at the rate: that rate is found again."""
    rate = percent / 100
    flows = [(Y0 + timedelta(days=days), fen * 10**6) for days, fen in later]
    worth = sum(fen / (1 + rate) ** ((day - Y0).days / 365) for day, fen in flows)
    if not 10**6 < worth < 10**18:
        return
    found = irr([(Y0, -round(worth)), *flows])
    assert isinstance(found, Rate)
    back = sum(fen / (1 + found.value) ** ((day - Y0).days / 365) for day, fen in flows)
    assert back == pytest.approx(worth, rel=1e-6)


def test_returns_of_a_holding():
    """Put in 100 and 50; 30 came back; 240 is still held: 270/150 = 1.8, 30/150 = 0.2."""
    found = returns_of([(Y0, 100), (Y1, 50)], [(Y1, 30)], value_fen=240, on=Y2)
    assert (found.cost_fen, found.distributed_fen, found.value_fen) == (150, 30, 240)
    assert (found.moic, found.dpi, found.tvpi) == (Fraction(9, 5), Fraction(1, 5), Fraction(9, 5))
    # −100 − 20x + 240x² = 0: x = (20 + √96400) / 480.
    assert near(found.irr, 480 / (20 + 96_400**0.5) - 1)


def test_what_comes_later_does_not_count():
    found = returns_of([(Y0, 100), (Y2, 50)], [(Y2, 30)], value_fen=125, on=Y1)
    assert (found.cost_fen, found.distributed_fen) == (100, 0)
    assert near(found.irr, 0.25)


def test_nothing_put_in():
    found = returns_of([], [], value_fen=0, on=Y0)
    assert (found.moic, found.dpi, found.tvpi, found.irr) == (None, None, None, NoRate(NO_FLOWS))
