"""How many training rows each leaf holds. From two processes on LightGBM only estimates it, and SHAP goes by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from loanwright.training.model_text import Tree

if TYPE_CHECKING:
    import lightgbm as lgb
    from numpy.typing import NDArray

    from loanwright.training.dataset import ChosenRows

_AT_ONCE = 4_000_000
"""Leaf numbers in memory at once."""


def count_leaves(booster: lgb.Booster, rows: ChosenRows, threads: int) -> list[list[int]]:
    """For each tree the number of these rows in each leaf."""
    trees = booster.num_trees()
    counts: list[NDArray[np.int64]] = []
    step = max(1, _AT_ONCE // max(trees, 1))
    for matrix in rows.matrices():
        for start in range(0, len(matrix), step):
            leaves = booster.predict(matrix[start : start + step], pred_leaf=True, num_threads=threads)
            leaves = np.asarray(leaves, dtype=np.int64).reshape(-1, trees)
            for tree in range(trees):
                found = np.bincount(leaves[:, tree])
                if len(counts) <= tree:
                    counts.append(found)
                else:
                    counts[tree] = _added(counts[tree], found)
    return [found.tolist() for found in counts] or [[] for _ in range(trees)]


def added(counts: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    """The counts of several processes together."""
    total = [np.asarray(found, dtype=np.int64) for found in counts[0]]
    for other in counts[1:]:
        total = [_added(mine, np.asarray(found, dtype=np.int64)) for mine, found in zip(total, other, strict=True)]
    return [found.tolist() for found in total]


def write_counts(tree: Tree, counts: Sequence[int]) -> None:
    """Writes the leaves' counts, and those of the nodes above them, into a tree."""
    leaves = [*counts, *[0] * (tree.leaves - len(counts))]
    left, right = tree.places("left_child"), tree.places("right_child")
    inner = [0] * len(left)
    # A node's children have larger numbers, and leaves are written as the complement of theirs.
    for node in reversed(range(len(left))):
        inner[node] = sum(leaves[~child] if child < 0 else inner[child] for child in (left[node], right[node]))
    tree.write("leaf_count", leaves)
    tree.write("internal_count", inner)


def _added(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    longer, shorter = (one, other) if one.size >= other.size else (other, one)
    together = longer.copy()
    together[: shorter.size] += shorter
    return together
