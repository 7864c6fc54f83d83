"""A logistic scorecard: what a lender would have without boosted trees, to hold a model against."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loanwright.evaluation.binning import BinnedFeature, bin_feature
from loanwright.evaluation.ranking import Floats
from loanwright.training.encoding import EncodedFeature

MOST = 60
"""Features at most: those that tell most each by itself. A scorecard in use has fewer."""
_DIGITS = 6
"""Of a coefficient. Its further digits depend on the machine's linear algebra."""


@dataclass(frozen=True)
class Scorecard:
    """An intercept, and a coefficient for the weight of evidence of each chosen feature."""

    intercept: float
    terms: tuple[tuple[int, float, BinnedFeature], ...]
    """Matrix column, coefficient, bins."""

    def margins(self, matrix: Floats) -> Floats:
        """(rows,) log-odds of the rows of a model's matrix."""
        total = np.full(len(matrix), self.intercept)
        for place, coefficient, binned in self.terms:
            # not a matrix product: a BLAS may add up in another order on another machine
            total += coefficient * binned.evidence(matrix[:, place])
        return total


def fit_scorecard(matrix: Floats, label: NDArray[np.int8], features: Sequence[EncodedFeature]) -> Scorecard:
    """Fits a scorecard: bins, weights of evidence, and a logistic regression on these by scikit-learn.

    Args:
        matrix: (rows, features) as the model's encoding gives it.
        label: (rows,) 0 or 1; where they are all alike, the scorecard knows no more than that.
        features: of the matrix, in the order of its columns.
    """
    rate = (float(label.sum()) + 0.5) / (label.size + 1)
    constant = Scorecard(round(float(np.log(rate / (1 - rate))), _DIGITS), ())
    if label.min() == label.max():
        return constant
    from sklearn.linear_model import LogisticRegression

    binned = [
        bin_feature(matrix[:, place], label, len(feature["categories"]) if "categories" in feature else None)
        for place, feature in enumerate(features)
    ]
    order = sorted(range(len(binned)), key=lambda place: (-round(binned[place].information, 9), place))
    chosen = sorted(place for place in order[:MOST] if binned[place].information > 0)
    if not chosen:
        return constant
    evidence = np.column_stack([binned[place].evidence(matrix[:, place]) for place in chosen])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fit that is not perfectly converged: it is a yardstick all the same
        regression = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=100).fit(evidence, label)
    coefficients = np.round(regression.coef_[0], _DIGITS)
    terms = zip(chosen, coefficients.tolist(), [binned[place] for place in chosen], strict=True)
    return Scorecard(round(float(regression.intercept_[0]), _DIGITS), tuple(terms))
