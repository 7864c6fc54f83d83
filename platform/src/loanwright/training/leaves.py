"""How many training rows each leaf holds. From two processes on LightGBM only estimates it, and SHAP goes by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from loanwright.training.leaf_levels import Levels
from loanwright.training.leaf_ties import Ties
from loanwright.training.model_text import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from loanwright.training.dataset import ChosenRows

_AT_ONCE = 16_384
"""Rows that fit into a core's cache with all that is made of them."""
_BYTE = 256
_WAITING = 25
"""Trees whose ties are told apart in one pass over the features; each costs a byte a row until then."""


class LeafCounter:
    """Counts the rows of this process in each leaf of the trees as they are grown.

    Args:
        rows: the rows.
        beat: called for each row group that is read.
    """

    def __init__(self, rows: ChosenRows, beat: Callable[[], None] = lambda: None) -> None:
        self._rows, self._beat = rows, beat
        self._before: NDArray[np.float64] | None = None
        self._reach = 0.0
        self._counts: list[list[int]] = []
        self._waiting: dict[int, Ties] = {}

    def begin(self, scores: NDArray[np.float64]) -> None:
        """Takes down the log-odds of all rows before the first tree that is counted."""
        self._before = scores.copy()
        self._reach = float(np.abs(scores).max(initial=0.0))

    def count(self, tree: Tree, scores: NDArray[np.float64]) -> None:
        """Counts for one tree.

        Args:
            tree: the one that was grown last.
            scores: (rows,) the log-odds of all rows with it.
        """
        if self._before is None:
            raise AssertionError("begin comes first")
        values = tree.numbers("leaf_value")
        self._reach += max(abs(value) for value in values)
        levels = Levels(values, self._reach)
        leaves = [np.flatnonzero(levels.of_leaf == level).tolist() for level in range(len(levels))]
        tied = [level for level in range(len(levels)) if len(leaves[level]) > 1]
        number = np.zeros(len(levels), dtype=np.uint8 if len(tied) < _BYTE else np.uint32)
        number[tied] = np.arange(1, len(tied) + 1)
        member = np.empty(scores.size if tied else 0, dtype=number.dtype)
        found = np.zeros(len(levels), dtype=np.int64)
        for start in range(0, scores.size, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            level = levels.find(scores[part] - self._before[part])
            found += np.bincount(level, minlength=len(levels))
            if tied:
                member[part] = number[level]
            self._before[part] = scores[part]
        self._counts.append([int(found[level]) for level in levels.of_leaf])
        if tied:
            self._waiting[len(self._counts) - 1] = Ties(tree, [leaves[level] for level in tied], member)
        if len(self._waiting) == _WAITING:
            self._untie()

    def take(self) -> list[list[int]]:
        """For each tree that was counted since the last call, the rows in each leaf."""
        self._untie()
        counts, self._counts = self._counts, []
        return counts

    def _untie(self) -> None:
        """Tells apart the rows that fell into leaves of one value, by one pass over the features that it needs."""
        wanted = sorted({feature for ties in self._waiting.values() for feature in ties.features})
        start = 0
        for group, rows in enumerate(self._rows.counts if wanted else []):
            if rows:
                columns = self._rows.columns(group, wanted)
                for ties in self._waiting.values():
                    ties.count(start, start + rows, columns)
                start += rows
                self._beat()
        for tree, ties in self._waiting.items():
            for level in ties.leaves:
                for leaf in level:
                    self._counts[tree][leaf] = ties.counts.get(leaf, 0)
        self._waiting = {}


def added(counts: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    """The counts of several processes together: for each tree the rows in each leaf."""
    return [[sum(leaf) for leaf in zip(*tree, strict=True)] for tree in zip(*counts, strict=True)]


def write_counts(tree: Tree, leaves: Sequence[int]) -> None:
    """Writes the leaves' counts, and those of the nodes above them, into a tree."""
    left, right = tree.places("left_child"), tree.places("right_child")
    inner = [0] * len(left)
    # A node's children have larger numbers, and leaves are written as the complement of theirs.
    for node in reversed(range(len(left))):
        inner[node] = sum(leaves[~child] if child < 0 else inner[child] for child in (left[node], right[node]))
    tree.write("leaf_count", leaves)
    tree.write("internal_count", inner)
