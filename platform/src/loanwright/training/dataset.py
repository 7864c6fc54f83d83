"""LightGBM data sets filled from a training table row group by row group.

LightGBM keeps a row as one small integer, its bin, for each feature. Bin boundaries are found on a sample
held in a data set of its own; then every row group is read, turned into a matrix, binned with those
boundaries and let go. The raw matrix is never in memory as a whole. Training and validation rows take the
same path, so their bins are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.errors import DataError
from loanwright.training.parameters import derive_seed
from loanwright.training.resources import SAMPLE_ROWS

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable
    from loanwright.training.encoding import Encoding


class _Rows:
    """The chosen rows of one row group, as LightGBM's ``Sequence`` (registered as one below)."""

    def __init__(self, source: _Source, number: int, rows: int) -> None:
        self._source = source
        self._number = number
        self._rows = rows
        self.batch_size = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, place: int | slice) -> NDArray[np.float64]:
        return self._source.matrix(self._number)[place]


class _Source:
    """Reads row groups on demand and keeps the matrix of the last one."""

    def __init__(self, table: TrainingTable, encoding: Encoding, rows: NDArray[np.bool_]) -> None:
        self._table, self._encoding, self._rows = table, encoding, rows
        self._number: int | None = None
        self._matrix: NDArray[np.float64] | None = None

    def matrix(self, number: int) -> NDArray[np.float64]:
        if self._number != number or self._matrix is None:
            self._matrix = None  # let go before the next is read
            start, end = self._table.bounds[number : number + 2]
            self._matrix = self._encoding.read_matrix(self._table, number, self._rows[start:end])
            self._number = number
        return self._matrix

    def sequences(self) -> list[_Rows]:
        bounds = self._table.bounds
        counts = [int(self._rows[start:end].sum()) for start, end in pairwise(bounds)]
        return [_Rows(self, number, count) for number, count in enumerate(counts) if count]


def training_data(
    table: TrainingTable,
    encoding: Encoding,
    rows: NDArray[np.bool_],
    label: NDArray[np.int8],
    parameters: Mapping[str, Any],
) -> lgb.Dataset:
    """The constructed data set of the rows to fit on.

    Args:
        table: the training table.
        encoding: of its features.
        rows: one truth value for each row of the table: those to fit on.
        label: one label for each row of the table.
        parameters: LightGBM's, as given to the training as well.

    Raises:
        DataError: no feature takes more than one value in these rows.
    """
    import lightgbm as lgb

    sample = _sample(rows, derive_seed(parameters["data_random_seed"], "bins"))
    bins = lgb.Dataset(
        _gathered(table, encoding, sample),
        label=label[sample],
        feature_name=encoding.names,
        categorical_feature=encoding.categorical,
        params={**parameters, "bin_construct_sample_cnt": int(sample.sum())},
    ).construct()
    if all(bins.feature_num_bin(place) <= 1 for place in range(len(encoding.features))):
        raise DataError(
            f"none of the {len(encoding.features)} features takes more than one value in the {int(rows.sum()):,} rows "
            "to train on",
            fix="Check the features' windows and keys against the data",
        )
    return _filled(table, encoding, rows, label, bins)


def validation_data(
    table: TrainingTable,
    encoding: Encoding,
    rows: NDArray[np.bool_],
    label: NDArray[np.int8],
    reference: lgb.Dataset,
) -> lgb.Dataset:
    """The constructed data set of other rows, with the bins of `reference`; arguments as of `training_data`."""
    return _filled(table, encoding, rows, label, reference)


def _filled(
    table: TrainingTable,
    encoding: Encoding,
    rows: NDArray[np.bool_],
    label: NDArray[np.int8],
    reference: lgb.Dataset,
) -> lgb.Dataset:
    import lightgbm as lgb

    lgb.Sequence.register(_Rows)
    sequences = _Source(table, encoding, rows).sequences()
    return lgb.Dataset(
        sequences, label=label[rows], reference=reference, feature_name=encoding.names, params=reference.params
    ).construct()


def _gathered(table: TrainingTable, encoding: Encoding, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    matrix = np.empty((int(rows.sum()), len(encoding.features)), dtype=np.float64)
    place = 0
    for number, (start, end) in enumerate(pairwise(table.bounds)):
        part = encoding.read_matrix(table, number, rows[start:end])
        matrix[place : place + len(part)] = part
        place += len(part)
    return matrix


def _sample(rows: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    places = np.flatnonzero(rows)
    if places.size <= SAMPLE_ROWS:
        return rows
    chosen = np.zeros_like(rows)
    chosen[np.random.default_rng(seed).choice(places, SAMPLE_ROWS, replace=False)] = True
    return chosen
