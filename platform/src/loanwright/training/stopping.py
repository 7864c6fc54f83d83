"""Early stopping: the metric of held rows after each round, and the round at which it was best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from loanwright.config.learning import EarlyStopping

if TYPE_CHECKING:
    from numpy.typing import NDArray

Metric = Literal["auc", "average_precision", "binary_logloss"]


class Verdict(NamedTuple):
    """What the values so far say. Rounds are counted from 1."""

    best: int
    """The round to keep."""
    last: int
    """The last round that counts; later ones were trained before this was known."""
    stop: bool
    """Whether `last` is the end."""


def judge(values: Sequence[float], stopping: EarlyStopping) -> Verdict:
    """The best round: the first one that no later round surpasses within `patience`.

    Args:
        values: the metric after each round.
        stopping: what is declared.
    """
    sign = -1.0 if stopping.metric == "binary_logloss" else 1.0
    best = 0
    for place, value in enumerate(values):
        if sign * value > sign * values[best]:
            best = place
        elif place - best >= stopping.patience:
            return Verdict(best + 1, place + 1, True)
    return Verdict(best + 1, len(values), False)


def log_loss(scores: NDArray[np.float64], data: Any) -> tuple[str, float, bool]:
    """The mean log loss at these log-odds, as LightGBM takes an evaluation of one's own.

    LightGBM's is summed over threads, so its last digits depend on their number.
    """
    wrong_way = np.where(data.get_label() > 0, -scores, scores)
    return "binary_logloss", float(np.logaddexp(0.0, wrong_way).mean()), False
