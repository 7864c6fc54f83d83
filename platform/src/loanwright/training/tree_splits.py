"""A tree's splits, and which way a row goes at each, as LightGBM decides it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from loanwright.training.model_text import Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CATEGORY, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
_SMALLEST = 1e-35
"""LightGBM takes what is smaller for zero."""


class TreeSplits:
    """The splits of one tree, by their numbers.

    Attributes:
        left: where the left branch leads: to a split, or to a leaf, written as the complement of its number.
        right: where the right one leads.
        feature: the place of the split's feature in the matrix.
    """

    def __init__(self, tree: Tree) -> None:
        self.left, self.right = tree.places("left_child"), tree.places("right_child")
        self.feature = tree.places("split_feature")
        self._kind, self._threshold = tree.places("decision_type"), tree.numbers("threshold")
        self._sets: list[NDArray[np.bool_]] = []
        if any(kind & _CATEGORY for kind in self._kind):
            words = np.asarray(tree.places("cat_threshold"), dtype="<u4")
            bounds = tree.places("cat_boundaries")
            for first, behind in pairwise(bounds):
                bits = np.unpackbits(words[first:behind].view(np.uint8), bitorder="little")
                self._sets.append(bits.astype(np.bool_))

    def goes_left(self, split: int, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether rows go left.

        Args:
            split: its number.
            values: (rows,) of the split's feature; missing ones are NaN.
        """
        missing = np.isnan(values)
        if self._kind[split] & _CATEGORY:
            named = self._sets[int(self._threshold[split])]
            code = np.where(missing, -1, values).astype(np.int64)
            known = (code >= 0) & (code < named.size)
            return known & named[np.where(known, code, 0)]
        how = (self._kind[split] >> 2) & 3
        if how != _MISSING_NAN:
            values = np.where(missing, 0.0, values)
            missing = (np.abs(values) <= _SMALLEST) if how == _MISSING_ZERO else np.zeros(values.size, dtype=np.bool_)
        left: NDArray[np.bool_] = values <= self._threshold[split]
        left[missing] = bool(self._kind[split] & _DEFAULT_LEFT)
        return left
