"""The paired difference of two models on the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.config.judgement import Bootstrap
from loanwright.evaluation.bootstrap import intervals, resample_counts
from loanwright.evaluation.comparison import compare
from loanwright.evaluation.ranking import rank
from tests.unit.evaluation.test_metrics import from_scikit_learn, rows

FEW = Bootstrap(resamples=60, seed=5)


def noisy(scores: np.ndarray, amount: float, seed: int = 0) -> np.ndarray:
    margin = np.log(scores / (1 - scores)) + amount * np.random.default_rng(seed).normal(size=len(scores))
    return 1 / (1 + np.exp(-margin))


@pytest.mark.parametrize("metric", ["auc", "average_precision", "ks", "brier", "log_loss"])
def test_the_difference_equals_one_by_brute_force(metric: str) -> None:
    scores, labels = rows("distinct", 1, 300)
    other = np.round(noisy(scores, 0.5), 2).clip(0.01, 0.99)
    found = compare(scores, other, labels, metric, FEW)  # type: ignore[arg-type]
    draws = []
    for counts in np.concatenate(list(resample_counts(300, FEW))).astype(int):
        drawn = np.repeat(np.arange(300), counts)
        ours, theirs = (
            from_scikit_learn(s[drawn], labels[drawn], np.ones(len(drawn)))[metric] for s in (scores, other)
        )
        draws.append(ours - theirs)
    ours, theirs = (from_scikit_learn(s, labels, np.ones(300))[metric] for s in (scores, other))
    assert found.difference.value == pytest.approx(ours - theirs, abs=1e-9)
    low, high = np.quantile(draws, [0.025, 0.975])
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high), abs=1e-9)


def test_the_paired_interval_is_narrower_than_the_models_own() -> None:
    scores, labels = rows("distinct", 2, 2000)
    difference = compare(scores, noisy(scores, 0.4), labels, "auc", FEW).difference
    own = intervals(rank(scores, labels), ["auc"], FEW)["auc"]
    assert difference.high - difference.low < 0.5 * (own.high - own.low)
    assert difference.low > 0


def test_a_model_against_itself_differs_by_nothing() -> None:
    scores, labels = rows("ties", 2)
    found = compare(scores, scores.copy(), labels, "ks", FEW, version="7")
    assert (found.difference.value, found.difference.low, found.difference.high) == (0, 0, 0)
    assert (found.outcome, found.version, found.rows, found.confidence) == ("measured", "7", len(labels), 0.95)


def test_one_class_leaves_the_difference_undefined() -> None:
    scores, labels = rows("distinct", 2)
    found = compare(scores, noisy(scores, 1), np.zeros_like(labels), "auc", FEW)
    assert (found.challenger, found.champion, found.difference.value) == (None, None, None)
