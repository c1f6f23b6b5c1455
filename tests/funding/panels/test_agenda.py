"""The order of an agenda, as arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from funding.panels.agenda import Standing, by_line, by_spread, funding_line

A = Standing(1, 90.0, 2.0, 100)
B = Standing(2, 80.0, 12.0, 100)
C = Standing(3, 70.0, 5.0, 100)
D = Standing(4, None, None, 100)


def test_most_divided_stand_first_and_without_a_spread_last():
    assert by_spread([A, B, C, D], seed=1) == [2, 3, 1, 4]


def test_line_lies_between_the_last_within_and_the_first_beyond_the_budget():
    assert funding_line([A, B, C], budget=200) == 75.0
    assert funding_line([A, B, C], budget=199) == 85.0
    assert funding_line([A, B, C], budget=300) is None
    assert funding_line([A, B, C], budget=99) is None
    assert funding_line([A, B, C], budget=None) is None
    assert funding_line([], budget=5) is None


def test_closest_to_the_line_stand_first_and_without_a_score_last():
    near = Standing(5, 74.0, None, 100)
    assert by_line([A, B, C, D, near], budget=200, seed=1) == [5, 2, 3, 1, 4]


def test_without_a_line_the_best_stand_first():
    assert by_line([C, D, A, B], budget=None, seed=1) == [1, 2, 3, 4]


def test_nothing_and_one_are_in_order():
    assert by_spread([], seed=0) == by_line([], budget=1, seed=0) == []
    assert by_spread([D], seed=0) == by_line([D], budget=1, seed=0) == [4]


def test_seed_breaks_ties_and_different_seeds_break_them_otherwise():
    equal = [Standing(key, 50.0, 3.0, 1) for key in range(1, 9)]
    orders = {tuple(by_spread(equal, seed=seed)) for seed in range(20)}
    assert len(orders) > 10
    assert by_spread(equal, seed=7) == by_spread(equal, seed=7)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 40), st.integers(0, 10**9)), max_size=12),
    st.integers(0, 10**10),
    st.integers(0, 2**32),
    st.randoms(use_true_random=False),
)
def test_order_does_not_hang_on_the_order_given(rows, budget, seed, shuffle):
    standings = [Standing(key, value, spread, amount) for key, (value, spread, amount) in enumerate(rows)]
    other = [*standings]
    shuffle.shuffle(other)
    assert by_spread(standings, seed=seed) == by_spread(other, seed=seed)
    assert by_line(standings, budget=budget, seed=seed) == by_line(other, budget=budget, seed=seed)
    assert sorted(by_line(standings, budget=budget, seed=seed)) == sorted(one.key for one in standings)
