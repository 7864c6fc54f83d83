"""Bin boundaries, found once and shared by all who hold rows of one training set.

They are found on a sample that is drawn by a hash of the row's unit, so neither the order of rows nor their deal to
files and processes changes them. LightGBM's binary form carries them from process to process; it is no part of a
bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.data.dealing import mixed
from loanwright.errors import DataError
from loanwright.training.dataset import ChosenRows
from loanwright.training.parameters import derive_seed
from loanwright.training.resources import SAMPLE_ROWS

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable
    from loanwright.training.encoding import Encoding

_CARRIERS = 10
"""Rows that a file of bins holds, since LightGBM writes none without."""


def find_bins(
    table: TrainingTable,
    encoding: Encoding,
    rows: NDArray[np.bool_],
    unit_hash: NDArray[np.uint64],
    parameters: Mapping[str, Any],
) -> lgb.Dataset:
    """A constructed data set of a sample, which has the bins.

    Args:
        table: the training table.
        encoding: of its features.
        rows: one truth value for each row of the table: those to fit on.
        unit_hash: of each row of the table.
        parameters: LightGBM's, as given to the training as well.

    Raises:
        DataError: no feature takes more than one value in these rows.
    """
    import lightgbm as lgb

    sample, places = _sample(rows, mixed(unit_hash, derive_seed(parameters["data_random_seed"], "bins")))
    bins = lgb.Dataset(
        ChosenRows(table, encoding, sample).gathered(places),
        feature_name=encoding.names,
        categorical_feature=encoding.categorical,
        params=dict(parameters),
    ).construct()
    if all(bins.feature_num_bin(place) <= 1 for place in range(len(encoding.features))):
        raise DataError(
            f"none of the {len(encoding.features)} features takes more than one value in the {int(rows.sum()):,} rows "
            "to train on",
            fix="Check the features' windows and keys against the data",
        )
    return bins


def save_bins(bins: lgb.Dataset, path: Path) -> None:
    """Writes the bins, and a few rows that carry them, to a file."""
    bins.subset(list(range(min(_CARRIERS, bins.num_data())))).construct().save_binary(str(path))


def load_bins(path: Path, parameters: Mapping[str, Any]) -> lgb.Dataset:
    """The data set that has the bins of a file."""
    import lightgbm as lgb

    return lgb.Dataset(str(path), params=dict(parameters)).construct()


def _sample(rows: NDArray[np.bool_], dealt: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """The rows with the smallest hashes, and the place of each in the order of the hashes."""
    chosen = dealt[rows]
    if chosen.size > SAMPLE_ROWS:
        rows = rows & (dealt <= np.partition(chosen, SAMPLE_ROWS - 1)[SAMPLE_ROWS - 1])
        chosen = dealt[rows]
    places = np.empty(chosen.size, dtype=np.intp)
    places[np.argsort(chosen, kind="stable")] = np.arange(chosen.size)
    return rows, places
