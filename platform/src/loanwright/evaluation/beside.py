"""Several models measured beside one on the same resamples: what each is worth, and what the one is ahead by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loanwright.config.judgement import Bootstrap
from loanwright.evaluation.bootstrap import interval, resample_counts
from loanwright.evaluation.evidence import Interval
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import Floats, Ranked, rank

METRICS = ("auc", "log_loss", "brier")
_Draws = dict[str, Floats]


def measure_beside(
    ours: Floats, others: Sequence[Floats], labels: NDArray[np.integer], bootstrap: Bootstrap
) -> list[tuple[dict[str, Interval], dict[str, Interval]]]:
    """For each of the others: its metrics, and ours minus its.

    All are measured on the same resamples, so what the rows have in common cancels out of a difference (as in
    `comparison.compare`, which does it for two models and one metric). What log loss and Brier score tell of scores
    that are no probabilities is of no use.

    Args:
        ours: (rows,) probabilities of the one model.
        others: (rows,) each.
        labels: (rows,) 0 or 1.
        bootstrap: resamples, confidence and seed.

    Raises:
        DataError: there are no rows, or a score is not finite.
    """
    ranked = [rank(scores, labels) for scores in (ours, *others)]
    values = [calculate(one, one.once(), METRICS) for one in ranked]
    draws = _draws(ranked, len(labels), bootstrap)

    def told(of: int, less: int | None = None) -> dict[str, Interval]:
        return {
            name: interval(
                float(values[of][name][0] - (0 if less is None else values[less][name][0])),
                draws[of][name] - (0 if less is None else draws[less][name]),
                bootstrap.confidence,
            )
            for name in METRICS
        }

    return [(told(number), told(0, number)) for number in range(1, len(ranked))]


def _draws(ranked: Sequence[Ranked], rows: int, bootstrap: Bootstrap) -> list[_Draws]:
    chunks: list[list[_Draws]] = [[] for _ in ranked]
    for counts in resample_counts(rows, bootstrap):
        for one, kept in zip(ranked, chunks, strict=True):
            kept.append(calculate(one, np.take(counts, one.order, axis=1), METRICS))
    return [{name: np.concatenate([chunk[name] for chunk in kept]) for name in METRICS} for kept in chunks]
