"""Which leaf a row fell into, told by how far a round moved its log-odds: a tenth of a walk through the tree.

A round adds the value of a row's leaf to its log-odds. The difference is that value up to the last bits, so it names
the leaf, unless leaves have one value, as monotone constraints and L1 bring about: such leaves are one level here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CELLS = 4096
"""Cells of the table that most rows are looked up in; it fits into a core's nearest cache."""
_LAST_BITS = 2.0**-48
"""Of the log-odds: sixteen times what an addition and a subtraction can round away."""


class Levels:
    """The values that a tree's leaves have.

    Args:
        values: of each leaf.
        reach: no row's log-odds were ever larger.
    """

    def __init__(self, values: Sequence[float], reach: float) -> None:
        value = np.asarray(values, dtype=np.float64)
        order = np.argsort(value, kind="stable")
        apart = np.diff(value[order]) > (reach + 1.0) * _LAST_BITS
        self.of_leaf = np.empty(value.size, dtype=np.intp)
        self.of_leaf[order] = np.concatenate([[0], np.cumsum(apart)])
        """(leaves,) the level of each leaf."""
        first = np.concatenate([[True], apart])
        self._lowest = value[order][first]
        highest = value[order][np.concatenate([apart, [True]])]
        self._between = (self._lowest[1:] + highest[:-1]) / 2
        width = highest[-1] - self._lowest[0]
        # What was rounded away must be less than a cell, or all are doubtful.
        self._per_cell = (_CELLS - 1) / width if width > (reach + 1.0) * _LAST_BITS * _CELLS else 0.0
        self._owner = self._cells()

    def __len__(self) -> int:
        return len(self._lowest)

    def _cells(self) -> NDArray[np.int32]:
        """(cells,) the level that a cell belongs to: one with no other in it or beside it; else it is doubtful."""
        cell = self._cell(self._lowest)
        alone = np.ones(len(self), dtype=np.bool_)
        close = np.diff(cell) <= 1
        alone[1:] &= ~close
        alone[:-1] &= ~close
        owner = np.full(_CELLS + 1, len(self), dtype=np.int32)
        owner[cell[alone]] = np.flatnonzero(alone)
        return owner

    def _cell(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        cell: NDArray[np.int64] = ((values - self._lowest[0]) * self._per_cell + 0.5).astype(np.int64)
        return cell

    def find(self, moved: NDArray[np.float64]) -> NDArray[np.int32]:
        """(rows,) the level of each row.

        Args:
            moved: (rows,) the log-odds after the round less those before it.
        """
        found = self._owner[self._cell(moved)]
        doubtful = np.flatnonzero(found == len(self))
        if doubtful.size:
            found[doubtful] = np.searchsorted(self._between, moved[doubtful])
        return found
