from decimal import Decimal as D

import pytest

from funding.reviews.scoring import Mark, Spread, spread, weighted_score


def test_score_is_the_weighted_share_of_the_highest_marks():
    assert weighted_score([Mark(D(8), 2, 10), Mark(D(3), 1, 5)]) == D("73.33")


def test_not_applicable_is_never_a_zero():
    with_na = [Mark(D(8), 2, 10), Mark(None, 5, 10, not_applicable=True)]
    assert weighted_score(with_na) == weighted_score(with_na[:1]) == D("80.00")


def test_zero_is_a_zero():
    assert weighted_score([Mark(D(8), 1, 10), Mark(D(0), 1, 10)]) == D("40.00")


def test_marks_not_given_yet_are_left_out():
    assert weighted_score([Mark(D(5), 1, 10), Mark(None, 9, 10)]) == D("50.00")


@pytest.mark.parametrize("marks", [[], [Mark(None, 1, 10)], [Mark(None, 1, 10, not_applicable=True)]])
def test_without_a_mark_there_is_no_score(marks):
    assert weighted_score(marks) is None


@pytest.mark.parametrize("value", [D("-0.01"), D("10.01")])
def test_a_mark_outside_its_range_is_an_error(value):
    with pytest.raises(ValueError):
        weighted_score([Mark(value, 1, 10)])


def test_halves_are_rounded_up():
    assert weighted_score([Mark(D("1"), 1, 8), Mark(D("0"), 1, 8)]) == D("6.25")
    assert weighted_score([Mark(D(1), 1, 3)]) == D("33.33")
    assert weighted_score([Mark(D(2), 1, 3)]) == D("66.67")


def test_spread_of_scores():
    assert spread([D(70), D(80), D(90)]) == Spread(3, D("80.00"), D("10.00"), D(70), D(90))
    assert spread([D(70)]) == Spread(1, D("70.00"), None, D(70), D(70))
    assert spread([]) == Spread(0, None, None, None, None)
