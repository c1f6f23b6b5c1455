"""The arithmetic of calibration: what it finds, where it refuses, and what its errors are worth."""

from __future__ import annotations

import math
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funding.reviews.calibration import METHODS, Score, calibrate
from funding.reviews.standing import chances
from tests.funding.reviews.rounds import full, proof, scored, simulated


class TestProof:
    def test_order_beats_the_plain_means_and_intervals_hold(self):
        gain, covered = proof()
        assert gain >= 0.10
        assert 0.85 <= covered <= 0.95

    def test_where_reviewers_do_not_differ_nothing_is_lost(self):
        gain, covered = proof(severity=0.0)
        assert gain >= -0.005
        assert 0.85 <= covered <= 0.95

    def test_as_few_shared_applications_as_are_calibrated_still_gain(self):
        made = simulated(0, applications=45, each=2)
        (component,) = [one for one in calibrate(made.scores).components if one.is_sound]
        assert component.degrees < len(component.reviewers)
        gain, covered = proof(applications=45, each=2)
        assert gain >= 0.05
        assert 0.85 <= covered <= 0.95

    def test_whole_national_round_takes_seconds(self):
        made = simulated(1, applications=2000, reviewers=600)
        start = time.process_time()
        found = calibrate(made.scores)
        lined = chances(found, seed="2026", budget=200, amounts=dict.fromkeys(made.truth, 1))
        assert time.process_time() - start < 20
        assert 0.85 <= made.covered(found) <= 0.95
        assert sum(lined.values()) == pytest.approx(200)


class TestCalibrated:
    def test_without_noise_the_truth_comes_out_to_the_digit(self):
        found = calibrate(full({"a": 61, "b": 72, "c": 80}, {"x": 5, "y": -8, "z": 3}))
        assert found.values == pytest.approx({"a": 61, "b": 72, "c": 80})
        assert found.severity == pytest.approx({"x": 5, "y": -8, "z": 3})
        assert found.noise == pytest.approx(0)
        assert found.difference("a", "b") == pytest.approx((-11, 0))

    def test_same_score_from_all_is_that_score_without_error(self):
        found = calibrate(full({"a": 70, "b": 70, "c": 70}, {"x": 0, "y": 0, "z": 0}))
        assert found.values == {"a": 70, "b": 70, "c": 70}
        assert found.severity == {"x": 0, "y": 0, "z": 0}
        assert set(found.stderr.values()) == {0}

    def test_it_is_the_papers_least_squares_where_severities_are_far_larger_than_noise(self):
        made = simulated(3, severity=300.0, noise=0.6)
        scores = made.scores
        design = np.zeros((len(scores) + 1, 90))
        for row, one in enumerate(scores):
            design[row, [one.application, 60 + one.reviewer]] = 1
        design[-1, 60:] = 1
        solution = np.linalg.lstsq(design, np.array([*[one.value for one in scores], 0.0]), rcond=None)[0]
        found = calibrate(scores)
        assert [found.values[a] for a in range(60)] == pytest.approx(solution[:60].tolist(), abs=1e-3)
        assert [found.severity[r] for r in range(30)] == pytest.approx(solution[60:].tolist(), abs=1e-3)

    def test_severities_of_a_component_sum_to_nothing(self):
        found = calibrate(simulated(5).scores)
        assert sum(found.severity.values()) == pytest.approx(0, abs=1e-9)

    def test_a_strict_reviewers_applications_rise(self):
        made = simulated(7)
        strict = min(made.severity, key=made.severity.__getitem__)
        found = calibrate(made.scores)
        assert found.severity[strict] < -1
        assert all(
            found.values[one.application] > found.plain[one.application] - 0.7
            for one in made.scores
            if one.reviewer == strict
        )
        assert 0 < found.severity_stderr[strict] < 1

    def test_doubtful_score_weighs_less(self):
        """Nobody's hand differs, so values are means weighted by confidence."""
        rows = full({"a": 60, "b": 70, "c": 80}, {"x": 0, "y": 0, "z": 0})[1:]
        firm = calibrate([Score("x", "a", 90), *rows])
        doubtful = calibrate([Score("x", "a", 90, 0.5), *rows])
        assert firm.plain["a"] == doubtful.plain["a"] == 70
        assert (firm.spread, doubtful.spread) == (0, 0)
        assert firm.values["a"] == pytest.approx(70)
        assert doubtful.values["a"] == pytest.approx((0.5 * 90 + 60 + 60) / 2.5)

    def test_scale_and_origin_of_the_marks_do_not_matter(self):
        made = simulated(11)
        moved = calibrate([Score(o.reviewer, o.application, 1000 + 7 * o.value) for o in made.scores])
        found = calibrate(made.scores)
        for key in made.truth:
            assert moved.values[key] == pytest.approx(1000 + 7 * found.values[key], abs=1e-4)
            assert moved.stderr[key] == pytest.approx(7 * (found.stderr[key] or 0), rel=1e-4)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10_000), st.integers(0, 10_000))
    def test_order_of_the_scores_does_not_matter(self, seed, shuffle):
        made = simulated(seed, applications=12, reviewers=6)
        mixed = made.scores[:]
        random.Random(shuffle).shuffle(mixed)
        assert calibrate(mixed) == calibrate(made.scores)
        line = {"seed": "s", "places": 4, "draws": 200}
        assert chances(calibrate(mixed), **line) == chances(calibrate(made.scores), **line)

    @settings(max_examples=60, deadline=None)
    @given(
        st.dictionaries(
            st.tuples(st.integers(0, 5), st.integers(0, 7)),
            st.tuples(st.integers(0, 100), st.sampled_from([0.5, 0.75, 1.0])),
            min_size=1,
        ),
        st.sampled_from(METHODS),
    )
    def test_any_marks_give_finite_values_within_reason(self, marks, method):
        found = calibrate([Score(r, a, v, c) for (r, a), (v, c) in marks.items()], method=method)
        assert set(found.values) == {a for _r, a in marks}
        assert all(-100 <= value <= 200 for value in found.values.values())
        assert all(error is None or 0 <= error < math.inf for error in found.stderr.values())
        assert sum(one.scores for one in found.components) == len(marks)


class TestThinGraphs:
    def test_components_are_calibrated_each_by_itself(self):
        found = calibrate(
            full({"a": 60, "b": 70, "c": 80}, {"x": 4, "y": 0, "z": -4})
            + full({"d": 50, "e": 75, "f": 90}, {"u": 1, "v": 0, "w": -1})
        )
        assert [one.applications for one in found.components] == [("a", "b", "c"), ("d", "e", "f")]
        assert [one.reason for one in found.components] == ["", ""]
        assert found.values == pytest.approx({"a": 60, "b": 70, "c": 80, "d": 50, "e": 75, "f": 90})

    def test_thin_component_keeps_its_plain_mean_beside_a_sound_one(self):
        found = calibrate(
            full({"a": 60, "b": 70, "c": 80, "d": 90}, {"x": 4, "y": 0, "z": -4})
            + scored(("u", "e", 50), ("v", "e", 60), ("v", "f", 80), ("w", "f", 70))
        )
        thin = found.components[1]
        assert (thin.reason, thin.degrees, thin.is_sound) == ("few_shared", 0, False)
        assert (found.values["e"], found.values["f"]) == (55, 75)
        assert set(found.severity) == {"x", "y", "z"}
        assert found.stderr["e"] > 0

    @pytest.mark.parametrize(
        ("rows", "reason"),
        [
            ([("x", "a", 50), ("x", "b", 60), ("x", "c", 70)], "one_reviewer"),
            ([("x", "a", 50), ("y", "a", 60), ("z", "a", 70)], "one_application"),
            ([("x", "a", 50), ("y", "a", 60), ("y", "b", 70), ("x", "b", 80)], "few_shared"),
        ],
    )
    def test_reason_is_told_and_the_mean_stands(self, rows, reason):
        found = calibrate(scored(*rows))
        assert [one.reason for one in found.components] == [reason]
        assert found.values == found.plain
        assert found.severity == {}

    def test_surplus_needed_grows_with_the_panel(self):
        """Thirty reviewers need fifteen scores more than their graph's unknowns; two need four."""
        ring = [Score(i, i, 50 + i) for i in range(30)] + [Score((i + 1) % 30, i, 55) for i in range(30)]
        more = [Score((i + 2) % 30, i, 60) for i in range(14)]
        assert [one.degrees for one in calibrate(ring).components] == [1]
        assert calibrate(ring + more[:13]).components[0].reason == "few_shared"
        assert calibrate(ring + more).components[0].reason == ""
        pair = [Score(r, a, 50 + a) for a in range(5) for r in ("x", "y")]
        assert calibrate(pair).components[0].reason == ""
        assert calibrate(pair[:-2]).components[0].reason == "few_shared"

    def test_application_with_one_score_is_named_and_less_certain(self):
        found = calibrate([*simulated(2, applications=12, reviewers=5).scores, Score(0, 99, 0.5)])
        assert found.components[0].single == (99,)
        assert found.stderr[99] > max(error for key, error in found.stderr.items() if key != 99)

    def test_call_with_one_application_and_one_score(self):
        found = calibrate(scored(("x", "a", 70)))
        assert found.values == {"a": 70}
        assert found.stderr == {"a": None}
        assert not found.knows_errors
        assert found.interval("a") is None


class TestPlainMethods:
    ROWS = scored(
        *(("w", "a", 10), ("x", "a", 60), ("y", "a", 70), ("z", "a", 71)),
        *(("w", "b", 40), ("x", "b", 50), ("w", "c", 30)),
    )

    @pytest.mark.parametrize(
        ("method", "values"),
        [
            ("mean", {"a": 52.75, "b": 45, "c": 30}),
            ("median", {"a": 65, "b": 45, "c": 30}),
            ("trimmed", {"a": 65, "b": 45, "c": 30}),
        ],
    )
    def test_values(self, method, values):
        found = calibrate(self.ROWS, method=method)
        assert (found.method, found.values, found.severity) == (method, values, {})
        assert found.plain == {"a": 52.75, "b": 45, "c": 30}
        assert found.count == {"a": 4, "b": 2, "c": 1}

    def test_error_of_a_mean_comes_from_the_spread_within_applications(self):
        found = calibrate(self.ROWS, method="mean")
        within = (42.75**2 + 7.25**2 + 17.25**2 + 18.25**2 + 5**2 + 5**2) / 4
        assert found.stderr == pytest.approx(
            {"a": math.sqrt(within / 4), "b": math.sqrt(within / 2), "c": math.sqrt(within)}
        )

    def test_error_of_a_median_of_three_is_larger_than_the_means(self):
        """The variance of the median of three normal scores is 0.4487, of their mean 0.3333."""
        rows = full({"a": 60, "b": 70}, {"x": 9, "y": 0, "z": -5})
        ratio = calibrate(rows, method="median").stderr["a"] / calibrate(rows, method="mean").stderr["a"]
        assert ratio**2 == pytest.approx(0.4487 * 3, rel=0.02)


class TestBadInput:
    @pytest.mark.parametrize(
        ("scores", "said"),
        [
            ([], "no scores"),
            (scored(("x", "a", math.nan)), "no number"),
            (scored(("x", "a", math.inf)), "no number"),
            ([Score("x", "a", 50, -1)], "not above zero"),
            ([Score("x", "a", 50, 0)], "not above zero"),
            ([Score("x", "a", 50, math.nan)], "not above zero"),
            (scored(("x", "a", 50), ("x", "a", 51)), "twice"),
        ],
    )
    def test_is_refused_with_its_reason(self, scores, said):
        with pytest.raises(ValueError, match=said):
            calibrate(scores)

    def test_unknown_method(self):
        with pytest.raises(ValueError, match="unknown method 'best'"):
            calibrate(scored(("x", "a", 50)), method="best")
