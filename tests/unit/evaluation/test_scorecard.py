"""The scorecard: bins with the evidence of their rows, and a regression that is the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from loanwright.evaluation.binning import BINS, bin_feature
from loanwright.evaluation.scorecard import MOST, fit_scorecard
from loanwright.training.encoding import EncodedFeature

RNG = np.random.default_rng(3)
ROWS = 4000
LABEL = (RNG.random(ROWS) < 0.25).astype(np.int8)
MISSING = np.nan


def number(name: str) -> EncodedFeature:
    return EncodedFeature(name=name, type="number", monotone=None)


def test_a_number_has_bins_of_equal_mass_and_one_for_what_is_missing() -> None:
    column = RNG.normal(size=ROWS)
    column[:400] = MISSING
    binned = bin_feature(column, LABEL, None)
    assert binned.edges is not None
    assert len(binned.edges) == BINS - 1
    assert set(binned.edges) <= set(column.tolist())
    filled = np.bincount(np.searchsorted(binned.edges, column[400:], side="right"))
    assert filled.min() >= 358
    assert filled.max() <= 362
    rate, first = LABEL.mean(), LABEL[:400]
    expected = np.log((first.sum() + rate) / (400 - first.sum() + 1 - rate)) - np.log(rate / (1 - rate))
    assert np.unique(binned.evidence(column[:400])) == pytest.approx([expected])


def test_a_number_of_few_values_has_a_bin_for_each() -> None:
    column = np.repeat([0.0, 1.0, 7.0], [2900, 600, 500])
    binned = bin_feature(column, LABEL, None)
    assert binned.edges is not None
    assert binned.edges.tolist() == [1.0, 7.0]
    assert len(np.unique(binned.evidence(column))) == 3


def test_rare_categories_are_one_and_what_was_never_seen_says_nothing() -> None:
    column = np.repeat([0.0, 1.0, 2.0, 3.0], [2000, 1990, 6, 4])
    binned = bin_feature(column, LABEL, 5)
    assert binned.bins.tolist() == [0, 1, 2, 2, 2]
    evidence = binned.evidence(np.array([2.0, 3.0, 4.0, MISSING]))
    assert len(set(evidence[:3])) == 1
    assert evidence[3] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("column", [np.full(ROWS, MISSING), np.zeros(ROWS)])
@pytest.mark.parametrize("categories", [None, 3])
def test_a_column_that_tells_nothing_is_not_taken(column: np.ndarray, categories: int | None) -> None:
    binned = bin_feature(column, LABEL, categories)
    assert np.isfinite(binned.weights).all()
    feature = EncodedFeature(name="a", type="number" if categories is None else "category", monotone=None)
    if categories:
        feature["categories"] = ["x", "y", "z"]
    card = fit_scorecard(column[:, None], LABEL, [feature])
    assert np.unique(card.margins(column[:, None])) == pytest.approx(
        [np.log(LABEL.mean() / (1 - LABEL.mean()))], abs=0.01
    )


def test_a_curve_is_learned_that_a_line_cannot_follow() -> None:
    x = RNG.normal(size=ROWS)
    label = (RNG.random(ROWS) < np.where(np.abs(x) > 1, 0.8, 0.1)).astype(np.int8)
    margins = fit_scorecard(x[:, None], label, [number("a")]).margins(x[:, None])
    line = LogisticRegression().fit(x[:, None], label).decision_function(x[:, None])
    assert margins[np.abs(x) > 1.5].min() > margins[np.abs(x) < 0.5].max() + 2
    assert abs(np.corrcoef(line, np.abs(x))[0, 1]) < 0.1


def test_only_the_features_that_tell_most_are_taken() -> None:
    matrix = RNG.normal(size=(ROWS, MOST + 20))
    label = (matrix[:, 70] + RNG.normal(size=ROWS) > 0.8).astype(np.int8)
    card = fit_scorecard(matrix, label, [number(f"n{place}") for place in range(MOST + 20)])
    assert len(card.terms) == MOST
    strength = {place: abs(coefficient) for place, coefficient, _ in card.terms}
    assert 70 in strength


def test_outcomes_that_are_all_alike_give_a_constant() -> None:
    card = fit_scorecard(RNG.normal(size=(50, 2)), np.zeros(50, dtype=np.int8), [number("a"), number("b")])
    assert card.terms == ()
    assert card.intercept == pytest.approx(np.log(0.5 / 50.5), abs=1e-6)


def test_threads_change_nothing() -> None:
    matrix = RNG.normal(size=(ROWS, 40))
    label = (matrix[:, :5].sum(axis=1) + RNG.normal(size=ROWS) > 1).astype(np.int8)
    features = [number(f"n{place}") for place in range(40)]
    found = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            found.append(fit_scorecard(matrix, label, features).margins(matrix))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
