"""The funding line: chances, ties, lots."""

from __future__ import annotations

import math
import subprocess
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from funding.reviews.calibration import Calibration, Score, calibrate
from funding.reviews.standing import chances, lottery, ties, told_apart
from tests.funding.reviews.rounds import full, scored, simulated


@pytest.fixture(scope="module")
def found() -> Calibration:
    return calibrate(simulated(4, applications=20, reviewers=8).scores)


class TestChances:
    def test_they_add_up_to_the_places(self, found):
        given = chances(found, seed="2026-park", places=5)
        assert sum(given.values()) == pytest.approx(5)
        assert set(given) == set(found.values)

    def test_seed_gives_the_same_again_and_another_seed_nearly(self, found):
        first = chances(found, seed="a", places=5)
        assert chances(found, seed="a", places=5) == first
        other = chances(found, seed="b", places=5)
        assert other != first
        assert max(abs(other[key] - first[key]) for key in first) < 0.03

    def test_two_alike_stand_at_a_half(self):
        scores = [Score(r, a, v) for a in ("a", "b") for r, v in enumerate((50, 55, 62, 58, 49, 51))]
        for method in ("mean", "calibrated"):
            given = chances(calibrate(scores, method=method), seed="s", places=1)
            assert given == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.02)

    def test_normal_probability_of_a_known_difference(self):
        """Two means of 400 scores each, one standard error of their difference apart: Φ(1) = 0.841."""
        generator = np.random.default_rng(1)
        noise = generator.normal(0, 10, (2, 400))
        noise -= noise.mean(axis=1, keepdims=True)
        step = 10 * math.sqrt(2 / 400)
        scores = [
            Score(f"{a}{i}", a, v)
            for a, row in zip("ab", noise + np.array([[step], [0]]), strict=True)
            for i, v in enumerate(row)
        ]
        found = calibrate(scores, method="mean")
        assert chances(found, seed="s", places=1)["a"] == pytest.approx(0.841, abs=0.02)

    def test_what_all_share_changes_nothing(self, found):
        """A common error, however large, moves all and ranks nobody."""
        shared = np.hstack([found.shared, np.full((20, 1), 50.0)])
        blurred = replace(found, shared=shared)
        before, after = chances(found, seed="s", places=5), chances(blurred, seed="s", places=5)
        assert max(abs(before[key] - after[key]) for key in before) < 0.03
        assert blurred.difference(0, 1) == pytest.approx(found.difference(0, 1))

    def test_budget_of_equal_amounts_is_places(self, found):
        by_budget = chances(found, seed="s", budget=52, amounts=dict.fromkeys(found.values, 10))
        assert by_budget == chances(found, seed="s", places=5)

    def test_dear_application_that_never_fits_has_no_chance_nor_have_those_behind_it(self):
        scores = [Score(r, a, 90 - 20 * a + r) for a in range(3) for r in range(3)]
        given = chances(calibrate(scores), seed="s", budget=100, amounts={0: 60, 1: 50, 2: 30})
        assert given == {0: 1.0, 1: 0.0, 2: 0.0}

    def test_those_left_out_take_no_place(self, found):
        few = list(found.values)[:4]
        given = chances(found, seed="s", places=4, among=few)
        assert given == dict.fromkeys(few, 1.0)
        assert chances(found, seed="s", places=4, among=[]) == {}

    def test_bad_lines_are_refused(self, found):
        for line in ({}, {"places": 1, "budget": 1}, {"budget": 1}, {"places": 1, "amounts": {}}):
            with pytest.raises(ValueError, match="either places"):
                chances(found, seed="s", **line)
        with pytest.raises(ValueError, match="not negative"):
            chances(found, seed="s", places=-1)
        with pytest.raises(ValueError, match="no amount is given for application 0"):
            chances(found, seed="s", budget=1, amounts={})
        with pytest.raises(ValueError, match="errors of the values are not known"):
            chances(calibrate(scored(("x", "a", 1))), seed="s", places=1)


class TestTies:
    def order(self, found: Calibration) -> list[int]:
        return sorted(found.values, key=lambda key: -found.values[key])

    def test_rule_is_the_interval_of_the_difference(self, found):
        apart, error = found.difference(0, 1)
        assert told_apart(found, 0, 1) == (abs(apart) > found.quantile(0.9) * error)
        assert not told_apart(found, 3, 3)

    def test_those_around_the_line(self, found):
        order = self.order(found)
        group = ties(found, order, 5)
        expected = [
            key
            for place, key in enumerate(order)
            if not told_apart(found, key, order[5] if place < 5 else order[4])
        ]
        assert list(group) == expected
        assert order[4] in group
        assert order[5] in group
        assert len(group) < 20

    def test_clear_line_has_none(self):
        scores = full({"a": 90, "b": 80, "c": 30, "d": 20}, {"x": 2, "y": -3, "z": 1})
        calibration = calibrate(scores)
        assert ties(calibration, ["a", "b", "c", "d"], 2) == ()

    def test_line_above_or_below_all_separates_nothing(self, found):
        order = self.order(found)
        assert ties(found, order, 0) == ties(found, order, 20) == ()

    def test_without_errors_only_equal_values_are_ties(self):
        found = calibrate(scored(("x", "a", 80), ("x", "b", 70), ("x", "c", 70), ("x", "d", 60)))
        assert ties(found, ["a", "b", "c", "d"], 2) == ("b", "c")
        assert ties(found, ["a", "b", "c", "d"], 1) == ()


class TestLottery:
    def test_order_is_that_of_the_hashes_whatever_came_first(self):
        keys = ["AIBT-2026-0001", "AIBT-2026-0002", "AIBT-2026-0003"]
        expected = sorted(keys, key=lambda key: sha256(f"3401.5|{key}".encode()).hexdigest())
        assert lottery(keys, "3401.5") == lottery(reversed(keys), "3401.5") == expected

    def test_anyone_can_repeat_it_with_the_tools_of_a_shell(self):
        keys = ["A-0001", "A-0002", "A-0003", "A-0004"]
        script = 'for k in "$@"; do printf "%s %s\\n" "$(printf "seed|%s" "$k" | sha256sum | cut -c-64)" "$k"; done | sort'
        told = subprocess.run(["bash", "-c", script, "-", *keys], capture_output=True, text=True, check=True)
        assert [line.split()[1] for line in told.stdout.splitlines()] == lottery(keys, "seed")

    def test_needs_a_seed_and_keys_that_differ(self):
        with pytest.raises(ValueError, match="needs a seed"):
            lottery(["a"], " ")
        with pytest.raises(ValueError, match="twice"):
            lottery(["a", "a"], "s")
