"""The rows of one process: read, binned, and what training needs to know of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Training
from loanwright.training.dataset import ChosenRows
from loanwright.training.weights import WeightFacts, row_weights

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.features.table import Keys, TrainingTable
    from loanwright.training.encoding import Encoding


@dataclass(frozen=True)
class Totals(WeightFacts):
    """What the rows of all processes have in common.

    Attributes:
        start: the log-odds before the first tree.
        held_rows: how many are held out for early stopping.
        largest_weight: of a row.
    """

    start: float
    held_rows: int = 0
    largest_weight: float = 1.0


@dataclass(frozen=True)
class Share:
    """The rows of one process, or those that are held out for early stopping.

    Attributes:
        rows: the rows themselves.
        data: the same, binned.
        label: (rows,) 0 or 1.
        unit_hash: (rows,) where rows are sampled by it; else None.
        weight: (rows,) how much each counts in fitting; None: 1.
    """

    rows: ChosenRows
    data: lgb.Dataset
    label: NDArray[np.int8]
    unit_hash: NDArray[np.uint64] | None
    weight: NDArray[np.float32] | None = None


def load_share(
    table: TrainingTable,
    encoding: Encoding,
    bins: lgb.Dataset,
    keys: Keys,
    chosen: NDArray[np.bool_],
    training: Training,
    totals: Totals,
    beat: Callable[[], None] = lambda: None,
) -> Share:
    """Reads and bins the chosen rows of a table.

    Args:
        table: the training table, or a piece of it.
        encoding: of its features.
        bins: a data set that has the bins.
        keys: of the table's rows.
        chosen: one truth value for each row of the table.
        training: the declared section.
        totals: of the rows that are fitted on, whoever has them.
        beat: called for each row group that was read.
    """
    rows, label = ChosenRows(table, encoding, chosen, beat), keys.label[chosen]
    data = rows.binned(bins, label)
    weight = row_weights(training, totals, label, keys.decision_time[chosen])
    unit_hash = keys.unit_hash[chosen] if training.parameters.bagging_fraction < 1 else None
    return Share(rows, data, label, unit_hash, weight)
