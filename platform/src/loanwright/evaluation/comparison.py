"""Challenger against champion on the same rows: the paired bootstrap difference of one metric."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loanwright.config.base import Section
from loanwright.config.judgement import Bootstrap, Metric
from loanwright.evaluation.bootstrap import interval, resample_counts
from loanwright.evaluation.evidence import UNDEFINED, Interval, Number
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import rank

LOSSES: frozenset[str] = frozenset({"brier", "log_loss", "expected_calibration_error"})
"""Metrics of which less is better."""


class Comparison(Section):
    """How the challenger stands to the champion.

    `measured`: both scored the same rows. `unchanged`: the champion is this very bundle.
    `incomparable`: the champion cannot score these rows; `reason` says why (no full stop)."""

    outcome: Literal["measured", "unchanged", "incomparable"]
    metric: Metric
    version: str = ""
    """The champion's registered version, where known."""
    rows: int = 0
    confidence: Number = 0.95
    challenger: Number | None = None
    champion: Number | None = None
    difference: Interval = UNDEFINED
    """Challenger minus champion, in the metric's own unit and sign."""
    reason: str = ""


def compare(
    challenger_scores: NDArray[np.float64],
    champion_scores: NDArray[np.float64],
    labels: NDArray[np.integer],
    metric: Metric,
    bootstrap: Bootstrap,
    *,
    version: str = "",
) -> Comparison:
    """The difference of the metric between two models on the same rows, with a percentile interval.

    Both are measured on the same resamples, so what the rows have in common cancels out: the interval
    is far narrower than the two models' own intervals suggest (Efron and Tibshirani 1993, chapter 16).

    Args:
        challenger_scores: (rows,) probabilities of the new model.
        champion_scores: (rows,) probabilities of the champion, for the same rows in the same order.
        labels: (rows,) 0 or 1.
        metric: what is compared.
        bootstrap: resamples, confidence and seed.
        version: the champion's registered version, for the words of the verdict.

    Raises:
        DataError: there are no rows, or a score is not finite.
    """
    ranked = [rank(challenger_scores, labels), rank(champion_scores, labels)]
    challenger, champion = (float(calculate(one, one.once(), [metric])[metric][0]) for one in ranked)
    draws = []
    for counts in resample_counts(len(labels), bootstrap):
        ours, theirs = (calculate(one, np.take(counts, one.order, axis=1), [metric])[metric] for one in ranked)
        draws.append(ours - theirs)
    return Comparison(
        outcome="measured",
        metric=metric,
        version=version,
        rows=len(labels),
        confidence=bootstrap.confidence,
        challenger=challenger if np.isfinite(challenger) else None,
        champion=champion if np.isfinite(champion) else None,
        difference=interval(challenger - champion, np.concatenate(draws), bootstrap.confidence),
    )
