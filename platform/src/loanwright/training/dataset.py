"""LightGBM data sets filled from a training table row group by row group.

LightGBM keeps a row as one small integer, its bin, for each feature. Every row group is read, turned into a matrix,
binned with boundaries that were found before, and let go. The raw matrix is never in memory as a whole. Training and
validation rows take the same path, so their bins are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable
    from loanwright.training.encoding import Encoding


class ChosenRows:
    """Some rows of a training table as LightGBM sees them, with one row group's matrix in memory at a time.

    Args:
        table: the training table.
        encoding: of its features.
        rows: one truth value for each row of the table.
        beat: called for each row group that was read.
    """

    def __init__(
        self,
        table: TrainingTable,
        encoding: Encoding,
        rows: NDArray[np.bool_],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.encoding = encoding
        self._table, self._rows, self._beat = table, rows, beat
        self.counts = [int(rows[start:end].sum()) for start, end in pairwise(table.bounds)]
        self._number: int | None = None
        self._matrix: NDArray[np.float64] | None = None

    def matrix(self, number: int) -> NDArray[np.float64]:
        """(chosen rows, features) of one row group."""
        if self._number != number or self._matrix is None:
            self._matrix = None  # let go before the next is read
            start, end = self._table.bounds[number : number + 2]
            self._matrix = self.encoding.read_matrix(self._table, number, self._rows[start:end])
            self._number = number
            self._beat()
        return self._matrix

    def columns(self, number: int, places: Sequence[int]) -> dict[int, NDArray[np.float64]]:
        """(chosen rows,) each of these columns of one row group's matrix, by their places."""
        start, end = self._table.bounds[number : number + 2]
        return self.encoding.read_columns(self._table, number, self._rows[start:end], places)

    def matrices(self) -> Iterator[NDArray[np.float64]]:
        """The matrices of all row groups that have such rows, in order."""
        for number, count in enumerate(self.counts):
            if count:
                yield self.matrix(number)
        self._matrix = None

    def gathered(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """(chosen rows, features) of all of them, each row at its place."""
        matrix = np.empty((sum(self.counts), len(self.encoding.features)), dtype=np.float64)
        start = 0
        for part in self.matrices():
            matrix[places[start : start + len(part)]] = part
            start += len(part)
        return matrix

    def binned(self, bins: lgb.Dataset, label: NDArray[np.int8]) -> lgb.Dataset:
        """The rows as a constructed data set, with the bins of another one.

        Args:
            bins: the data set that has them, constructed.
            label: (chosen rows,) their outcomes.
        """
        import lightgbm as lgb

        lgb.Sequence.register(_Group)
        groups = [_Group(self, number, count) for number, count in enumerate(self.counts) if count]
        data = lgb.Dataset(
            groups, label=label, reference=bins, feature_name=self.encoding.names, params=bins.params
        ).construct()
        self._matrix = None
        return data


class _Group:
    """The chosen rows of one row group, as LightGBM's ``Sequence`` (registered as one above)."""

    def __init__(self, source: ChosenRows, number: int, rows: int) -> None:
        self._source = source
        self._number = number
        self._rows = rows
        self.batch_size = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, place: int | slice) -> NDArray[np.float64]:
        return self._source.matrix(self._number)[place]
