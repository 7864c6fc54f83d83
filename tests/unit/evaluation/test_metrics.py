"""Every metric against scikit-learn, against rows written out as often as they weigh, and where it has no value."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from sklearn import metrics as reference

from loanwright.config.judgement import Metric
from loanwright.evaluation.metrics import CALIBRATION_BINS, METRICS, calculate
from loanwright.evaluation.ranking import rank

DEPTHS = (0.013, 0.1, 0.5, 1.0)


def rows(kind: str, seed: int, count: int = 700) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels: all distinct, mostly tied, or with the certain scores of an isotonic calibrator."""
    random = np.random.default_rng(seed)
    margin = random.normal(size=count) - 1.2
    labels = (random.random(count) < 1 / (1 + np.exp(-margin))).astype(np.int8)
    scores = 1 / (1 + np.exp(-(1.3 * margin + 0.2)))
    if kind == "ties":
        scores = np.round(scores, 1)
    if kind == "certain":
        scores = np.where(scores < 0.1, 0.0, np.where(scores > 0.6, 1.0, np.round(scores, 2)))
    return scores, labels


def measured(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    ranked = rank(scores, labels)
    counts = ranked.once() if weights is None else weights[ranked.order][None, :].astype(float)
    return {name: float(value[0]) for name, value in calculate(ranked, counts, METRICS, DEPTHS).items()}


def from_scikit_learn(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    alarms, found, _ = reference.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    return {
        "auc": reference.roc_auc_score(labels, scores, sample_weight=weights),
        "average_precision": reference.average_precision_score(labels, scores, sample_weight=weights),
        "ks": np.abs(found - alarms).max(),
        "brier": reference.brier_score_loss(labels, scores, sample_weight=weights),
        "log_loss": reference.log_loss(labels, scores, sample_weight=weights),
        "mean_prediction_ratio": np.average(scores, weights=weights) / np.average(labels, weights=weights),
    }


def test_the_metrics_are_those_a_declaration_may_name() -> None:
    assert set(METRICS) == set(get_args(Metric))


@pytest.mark.parametrize("kind", ["distinct", "ties", "certain"])
@pytest.mark.parametrize("seed", range(4))
def test_metrics_equal_those_of_scikit_learn(kind: str, seed: int) -> None:
    scores, labels = rows(kind, seed)
    weights = np.random.default_rng(seed).integers(0, 4, size=len(scores))
    for counts in (np.ones(len(scores)), weights):
        found = measured(scores, labels, counts)
        for name, value in from_scikit_learn(scores, labels, counts).items():
            assert found[name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("kind", ["distinct", "ties", "certain"])
def test_a_weight_is_so_many_copies_of_the_row(kind: str) -> None:
    scores, labels = rows(kind, 9)
    weights = np.random.default_rng(0).integers(0, 4, size=len(scores))
    copies = measured(np.repeat(scores, weights), np.repeat(labels, weights))
    for name, value in measured(scores, labels, weights).items():
        assert value == pytest.approx(copies[name], abs=1e-10), name


def test_the_order_of_the_rows_does_not_matter() -> None:
    scores, labels = rows("ties", 2)
    shuffled = np.random.default_rng(1).permutation(len(scores))
    assert measured(scores, labels) == pytest.approx(measured(scores[shuffled], labels[shuffled]), abs=1e-12)


def test_auc_counts_a_tie_one_half() -> None:
    assert measured(np.array([0.5, 0.5]), np.array([0, 1]))["auc"] == 0.5
    assert measured(np.array([0.2, 0.5, 0.5, 0.9]), np.array([0, 0, 1, 1]))["auc"] == 3.5 / 4


def test_ks_counts_a_model_that_ranks_upside_down() -> None:
    assert measured(np.array([0.9, 0.8, 0.2, 0.1]), np.array([0, 0, 1, 1]))["ks"] == 1


def test_calibration_error_by_hand() -> None:
    scores = np.repeat(np.arange(1, 11) / 20, 10)
    labels = np.zeros(100, dtype=int)
    for decile in range(10):
        labels[10 * decile : 10 * decile + decile % 4] = 1
    by_hand = np.mean([abs((d + 1) / 20 - (d % 4) / 10) for d in range(10)])
    assert CALIBRATION_BINS == 10
    assert measured(scores, labels)["expected_calibration_error"] == pytest.approx(by_hand, abs=1e-12)


def test_calibration_error_keeps_tied_rows_in_one_bin() -> None:
    # one score that is right for all of its rows together; any bins that tear it apart could see a gap
    scores, labels = np.full(200, 0.25), np.tile([1, 0, 0, 0], 50)
    assert measured(scores, labels)["expected_calibration_error"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_calibration_slope_is_the_maximum_of_the_likelihood(kind: str) -> None:
    from scipy.optimize import minimize

    scores, labels = rows(kind, 5)
    inner = np.clip(scores, 1e-6, 1 - 1e-6)
    logits = np.log(inner / (1 - inner))

    def loss(parameters: Any) -> Any:
        margin = parameters[0] + parameters[1] * logits
        return (np.logaddexp(0, margin) - labels * margin).sum()

    best = minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-9, "xrtol": 1e-12}).x
    assert measured(scores, labels)["calibration_slope"] == pytest.approx(best[1], abs=1e-6)


def test_calibration_slope_undoes_a_stretched_logit() -> None:
    scores, labels = rows("distinct", 3)
    stretched = 1 / (1 + np.exp(-2 * np.log(scores / (1 - scores))))
    plain, sharp = measured(scores, labels), measured(stretched, labels)
    assert sharp["calibration_slope"] == pytest.approx(plain["calibration_slope"] / 2, rel=1e-8)


def test_lift_and_capture_share_out_the_tie_at_which_a_depth_ends() -> None:
    scores, labels = np.array([0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1]), np.array([1, 1, 0, 0, 1, 0, 0, 0])
    ranked = rank(scores, labels)
    values = calculate(ranked, ranked.once(), [], [0.25])
    # the riskiest two: the first row, and one of three tied rows of which one is positive
    assert values["capture@0.25"][0] == pytest.approx((1 + 1 / 3) / 3, abs=1e-12)
    assert values["lift@0.25"][0] == pytest.approx((1 + 1 / 3) / 3 / 0.25, abs=1e-12)
    assert measured(scores, labels)["capture@1"] == 1


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_the_metrics_of_two_undefined(label: int) -> None:
    scores, _ = rows("distinct", 0, 50)
    found = measured(scores, np.full(50, label))
    assert np.isnan([found[name] for name in ("auc", "ks", "calibration_slope")]).all()
    assert np.isnan(found["average_precision"]) == (label == 0)
    assert np.isnan(found["mean_prediction_ratio"]) == (label == 0)
    assert np.isfinite([found["brier"], found["log_loss"], found["expected_calibration_error"]]).all()


def test_a_constant_score_and_separated_classes_have_no_slope() -> None:
    labels = np.tile([0, 1], 50)
    assert np.isnan(measured(np.full(100, 0.4), labels)["calibration_slope"])
    assert np.isnan(measured(np.where(labels, 0.7, 0.3), labels)["calibration_slope"])


def test_resamples_are_measured_each_by_itself() -> None:
    scores, labels = rows("ties", 7, 300)
    ranked = rank(scores, labels)
    weights = np.random.default_rng(2).integers(0, 3, size=(5, 300)).astype(float)
    weights[3] *= ranked.labels  # one class only
    together = calculate(ranked, weights, METRICS, DEPTHS)
    for row in range(5):
        alone = calculate(ranked, weights[row : row + 1], METRICS, DEPTHS)
        for name, value in alone.items():
            assert np.array_equal(together[name][row], value[0], equal_nan=True), name
