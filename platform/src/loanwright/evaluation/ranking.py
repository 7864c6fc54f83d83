"""Rows in the order of their scores, ties kept together, and what has been gathered down to each score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loanwright.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Rows from the riskiest to the safest.

    Attributes:
        order: (rows,) position of each ranked row among the rows as they were given; ties keep their order.
        scores: (rows,) descending.
        labels: (rows,) 0.0 or 1.0.
        ends: (scores,) position of the last row of each distinct score.
    """

    order: NDArray[np.intp]
    scores: Floats
    labels: Floats
    ends: NDArray[np.intp]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.scores)

    @property
    def thresholds(self) -> Floats:
        """The distinct scores, descending."""
        return self.scores[self.ends]

    def once(self) -> Floats:
        """Weights (1, rows) under which every row counts once."""
        return np.ones((1, self.rows))


@dataclass(frozen=True)
class Gathered:
    """Weight of all rows, and of the positives, at or above each distinct score: (resamples, scores) each."""

    weight: Floats
    positives: Floats


def rank(scores: NDArray[np.floating], labels: NDArray[np.number] | NDArray[np.bool_]) -> Ranked:
    """Sorts rows once, for every metric and every resample.

    Args:
        scores: (rows,) higher is riskier.
        labels: (rows,) 0 or 1.

    Raises:
        DataError: there are no rows, or a score is not finite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not len(values):
        raise DataError("there are no rows to measure a model on")
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).sum())} of {len(values)} scores are not finite numbers")
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    return Ranked(order, ranked, np.asarray(labels, dtype=np.float64)[order], ends)


def gather(ranked: Ranked, weights: Floats) -> Gathered:
    """Running totals down the ranking, read off where the score changes.

    Args:
        weights: (resamples, rows) in ranked order; how often each row counts.
    """
    weight = np.cumsum(weights, axis=1)
    positives = np.cumsum(weights * ranked.labels, axis=1)
    if len(ranked.ends) < ranked.rows:
        # and not weight[:, ends], which lies in memory by columns: sums along rows would round differently
        weight, positives = np.take(weight, ranked.ends, axis=1), np.take(positives, ranked.ends, axis=1)
    return Gathered(weight, positives)
