"""What counts as better: the paired gain over the folds, against what their spread explains."""

from __future__ import annotations

import math

import pytest
from scipy.stats import t as student

from loanwright.search.outcome import _STUDENT, CONFIDENCE, judge_results
from tests.unit.search.searches import a_result

DECLARED = a_result(0, 0.70, 0.75, 0.80, 0.72)


def test_the_quantiles_are_students() -> None:
    assert {df: round(float(student.ppf(CONFIDENCE, df)), 3) for df in range(2, 20)} == _STUDENT


def test_a_gain_in_every_fold_is_proposed_though_folds_differ_far_more() -> None:
    best = a_result(3, 0.712, 0.761, 0.811, 0.731)
    outcome = judge_results([best, DECLARED, a_result(1, 0.6, 0.6, 0.6, 0.6)], "auc")
    assert outcome.best is best
    assert outcome.gain is not None
    assert outcome.gain.mean == pytest.approx(0.01125)
    assert outcome.gain.mean < (best.spread or 0), "the folds' own spread is no measure"
    assert outcome.changes == {"num_leaves": 10}


def test_a_gain_in_some_folds_only_is_not() -> None:
    outcome = judge_results([DECLARED, a_result(1, 0.75, 0.74, 0.80, 0.73)], "auc")
    assert outcome.gain is not None
    assert outcome.gain.mean > 0
    assert not outcome.gain.beyond_spread
    assert outcome.changes == {}


def test_the_margin_is_that_of_the_corrected_resampled_t_test() -> None:
    outcome = judge_results([DECLARED, a_result(1, 0.72, 0.76, 0.83, 0.72)], "auc")
    gains = [0.02, 0.01, 0.03, 0.0]
    mean = sum(gains) / 4
    variance = sum((gain - mean) ** 2 for gain in gains) / 3
    assert outcome.gain is not None
    assert outcome.gain.margin == pytest.approx(
        float(student.ppf(0.95, 3)) * math.sqrt(variance * (1 / 4 + 100 / 400)), rel=1e-3
    )


def test_less_is_better_of_a_loss() -> None:
    best = a_result(2, 0.60, 0.65, 0.70, 0.62)
    outcome = judge_results([DECLARED, best, a_result(1, 0.9, 0.9, 0.9, 0.9)], "brier")
    assert outcome.best is best
    assert outcome.gain is not None
    assert outcome.gain.mean == pytest.approx(0.1)
    assert outcome.changes == {"num_leaves": 9}


def test_nothing_better_proposes_nothing_and_of_equals_the_declared_stays() -> None:
    outcome = judge_results([DECLARED, a_result(1, 0.70, 0.75, 0.80, 0.72), a_result(2, failed="nothing")], "auc")
    assert outcome.best is DECLARED
    assert outcome.gain is None
    assert outcome.changes == {}
    assert outcome.as_json()["gain"] is None


def test_only_values_that_differ_are_proposed() -> None:
    declared = a_result(0, 0.7, 0.7, 0.7, parameters={"num_leaves": 7, "max_bin": 63})
    best = a_result(1, 0.9, 0.9, 0.9, parameters={"num_leaves": 7, "max_bin": 255})
    assert judge_results([declared, best], "auc").changes == {"max_bin": 255}
