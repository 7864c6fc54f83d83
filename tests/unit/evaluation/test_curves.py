"""What a report draws: exact where it ends, never more points than asked, nothing lost in the bins."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics as reference

from loanwright.evaluation import curves
from loanwright.evaluation.evidence import Point
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import rank
from tests.unit.evaluation.test_metrics import rows


def stored(value: float) -> float:
    """The value as evidence holds it."""
    return Point(x=value, y=0.0).x


@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_roc_lies_on_the_whole_curve_and_keeps_its_ends(kind: str) -> None:
    scores, labels = rows(kind, 0, 3000)
    points = [(point.x, point.y) for point in curves.roc(rank(scores, labels))]
    x, y, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    whole = {(stored(a), stored(b)) for a, b in zip(x, y, strict=True)}
    assert len(points) <= 200
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
    assert set(points) <= whole
    area = np.trapezoid([b for _, b in points], [a for a, _ in points])
    assert area == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-3)


@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_each_roc_point_is_what_its_threshold_flags(kind: str) -> None:
    scores, labels = rows(kind, 3, 1500)
    ranked = rank(scores, labels)
    points, thresholds = curves.roc(ranked), curves.roc_thresholds(ranked)
    assert len(points) == len(thresholds)
    assert thresholds[0] == 1
    for point, threshold in zip(points[1:], thresholds[1:], strict=True):
        flagged = scores >= threshold
        assert point.y == pytest.approx(flagged[labels == 1].mean(), abs=1e-9)
        assert point.x == pytest.approx(flagged[labels == 0].mean(), abs=1e-9)


@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_precision_recall_lies_on_the_whole_curve_and_keeps_its_ends(kind: str) -> None:
    scores, labels = rows(kind, 1, 3000)
    points = [(point.x, point.y) for point in curves.precision_recall(rank(scores, labels))]
    precision, recall, _ = reference.precision_recall_curve(labels, scores)
    whole = {(stored(a), stored(b)) for a, b in zip(recall, precision, strict=True)}
    assert len(points) <= 200
    assert points[-1] == pytest.approx((1, labels.mean()), abs=1e-9)
    assert set(points) <= whole
    top = scores == scores.max()
    assert points[0] == pytest.approx((labels[top].sum() / labels.sum(), labels[top].mean()), abs=1e-9)


def test_a_short_curve_is_not_thinned_and_a_long_one_keeps_what_must_stay() -> None:
    assert curves.thin(np.arange(200.0)).tolist() == list(range(200))
    kept = curves.thin(np.linspace(0, 1, 5000) ** 3, keep=[1234])
    assert len(kept) <= 200
    assert {0, 1234, 4999} <= set(kept.tolist())
    level = curves.thin(np.zeros(5000))
    assert level.tolist() == [0, 4999]


def test_calibration_bins_hold_every_row_and_give_the_calibration_error() -> None:
    scores, labels = rows("distinct", 2, 1234)
    ranked = rank(scores, labels)
    bins = curves.calibration_bins(ranked, 0.95)
    assert len(bins) == 10
    assert sum(one.rows for one in bins) == 1234
    assert {one.rows for one in bins} == {123, 124}
    assert [one.mean_prediction for one in bins] == sorted(one.mean_prediction for one in bins)
    error = sum(one.rows * abs(one.mean_prediction - one.rate) for one in bins) / 1234
    expected = calculate(ranked, ranked.once(), ["expected_calibration_error"])["expected_calibration_error"][0]
    assert error == pytest.approx(expected, abs=1e-9)
    assert all(one.low <= one.rate <= one.high for one in bins)


def test_a_constant_score_is_one_calibration_bin() -> None:
    bins = curves.calibration_bins(rank(np.full(100, 0.2), np.tile([0, 1], 50)), 0.95)
    assert [(one.rows, one.mean_prediction, one.rate) for one in bins] == [(100, 0.2, 0.5)]


def test_wilson_intervals_are_those_of_the_literature() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20
    assert curves.wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert curves.wilson(0, 20, 0.95) == pytest.approx((0, 0.1611), abs=5e-5)


@pytest.mark.parametrize("scores", [[0.0, 0.031, 1.0], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
def test_the_histogram_holds_every_row(scores: list[float]) -> None:
    bins = curves.score_histogram(rank(np.array(scores), np.array([0, 1, 1])))
    assert len(bins) == 25
    assert (sum(one.negatives for one in bins), sum(one.positives for one in bins)) == (1, 2)
    assert bins[0].low >= 0
    assert bins[-1].high <= 1
    assert all(before.high == after.low for before, after in pairwise(bins))


def test_a_depths_threshold_is_the_score_of_its_last_row() -> None:
    from loanwright.config.judgement import Bootstrap
    from loanwright.evaluation.bootstrap import intervals

    ranked = rank(np.arange(1, 101) / 101, np.arange(100) % 3 == 0)
    depths = (0.001, 0.1, 0.29, 0.999)
    table = curves.depth_table(ranked, depths, intervals(ranked, [], Bootstrap(resamples=50), depths))
    assert [one.threshold for one in table] == pytest.approx([n / 101 for n in (100, 91, 72, 1)])
    assert [one.depth for one in table] == list(depths)
    assert table[1].capture.value == pytest.approx(4 / 34)
