"""Rows of leaves that have one value, told apart by their features: only at the splits that such leaves lie on both
sides of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from loanwright.training.model_text import Tree
from loanwright.training.tree_splits import TreeSplits

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = Mapping[int, "NDArray[np.float64]"]
"""The values of features, by their places in the matrix."""


@dataclass
class Ties:
    """A tree's levels that have several leaves, and which rows fell into which.

    Attributes:
        tree: the tree.
        leaves: of each such level.
        member: (rows,) the number of the level that the row is in, counted from 1; 0: in none.
        counts: how many rows were found in each leaf of them.
    """

    tree: Tree
    leaves: Sequence[Sequence[int]]
    member: NDArray[np.unsignedinteger]
    counts: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tree = TreeSplits(self.tree)
        self._below: list[frozenset[int]] = [frozenset()] * len(self._tree.left)
        # A node's children have larger numbers, and leaves are written as the complement of theirs.
        for node in reversed(range(len(self._below))):
            self._below[node] = self._under(self._tree.left[node]) | self._under(self._tree.right[node])
        self._forks = [self._forks_of(frozenset(level)) for level in self.leaves]

    @property
    def features(self) -> set[int]:
        """The features that tell these leaves apart, by their places in the matrix."""
        return {self._tree.feature[node] for forks in self._forks for node in forks}

    def count(self, first: int, behind: int, columns: Columns) -> None:
        """Counts the rows of one stretch.

        Args:
            first: the number of its first row.
            behind: the one behind its last.
            columns: the values of features in the stretch.
        """
        member = self.member[first:behind]
        for number, (level, forks) in enumerate(zip(self.leaves, self._forks, strict=True), start=1):
            self._sift(0, frozenset(level), forks, np.flatnonzero(member == number), columns)

    def _under(self, child: int) -> frozenset[int]:
        return frozenset([~child]) if child < 0 else self._below[child]

    def _forks_of(self, level: frozenset[int]) -> set[int]:
        """The splits with leaves of the level on both sides."""
        sides = enumerate(zip(self._tree.left, self._tree.right, strict=True))
        return {node for node, (left, right) in sides if level & self._under(left) and level & self._under(right)}

    def _sift(
        self, node: int, level: frozenset[int], forks: set[int], rows: NDArray[np.intp], columns: Columns
    ) -> None:
        """Follows rows, all of them of one level, down to its leaves."""
        while node >= 0 and node not in forks:
            left = self._tree.left[node]
            node = left if level & self._under(left) else self._tree.right[node]
        if node < 0:
            self.counts[~node] = self.counts.get(~node, 0) + rows.size
            return
        leftward = self._tree.goes_left(node, columns[self._tree.feature[node]][rows])
        self._sift(self._tree.left[node], level, forks, rows[leftward], columns)
        self._sift(self._tree.right[node], level, forks, rows[~leftward], columns)
