"""How much a row counts in fitting: by its outcome, and by its age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Training, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 1 << 16
"""What age leaves of a weight is a multiple of 1 / GRID: the last bits of a power depend on the processor."""
_SECOND = 1_000_000


@dataclass(frozen=True)
class WeightFacts:
    """What a row's weight needs to know of all rows that are fitted on; whoever sees some of them alone is told."""

    rows: int
    positives: int
    latest: int
    """The newest decision, in microseconds since 1970, UTC."""

    @classmethod
    def of(cls, label: NDArray[np.int8], decision_time: NDArray[np.datetime64]) -> WeightFacts:
        """The facts of these rows.

        Args:
            label: (rows,) 0 or 1, both of them present.
            decision_time: (rows,) microseconds, UTC.
        """
        latest = decision_time.max().astype("datetime64[us]").astype(np.int64)
        return cls(int(label.size), int(label.sum()), int(latest))


def row_weights(
    training: Training, facts: WeightFacts, label: NDArray[np.int8], decision_time: NDArray[np.datetime64]
) -> NDArray[np.float32] | None:
    """The weight of each row; None where all count 1.

    The weight of its outcome (`weights.classes`, `scale_pos_weight`) times 2^(-age / half-life), the latter rounded to
    `GRID` and never 0. A row's weight depends on
    the row and the facts alone, so it is the same whoever holds the row.

    Args:
        training: the declared section.
        facts: of all rows that are fitted on.
        label: (rows,) 0 or 1.
        decision_time: (rows,) microseconds, UTC.
    """
    declared, positive = training.weights, training.parameters.scale_pos_weight
    if declared == Weights() and positive == 1:
        return None
    weights = np.where(label > 0, positive, 1.0)
    if declared.classes == "balanced":
        negatives = facts.rows - facts.positives
        weights = np.where(label > 0, facts.rows / (2 * facts.positives), facts.rows / (2 * negatives))
    if declared.half_life is not None:
        age = (facts.latest - decision_time.astype("datetime64[us]").astype(np.int64)) / _SECOND
        weights = weights * np.maximum(np.rint(np.exp2(-age / declared.half_life) * GRID), 1) / GRID
    return np.asarray(weights, dtype=np.float32)
