"""Dealing rows by the hash of their unit: where a row lies, and which others there are, makes no difference."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_STEP = 0x9E3779B97F4A7C15
_SPREAD = 0xD1342543DE82EF95


def mixed(unit_hash: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """The hash dealt anew by a seed: one step of SplitMix64 (Steele, Lea and Flood, 2014)."""
    offset = np.uint64((seed * _SPREAD + _STEP) % 2**64)
    dealt = unit_hash.astype(np.uint64) + offset
    dealt = (dealt ^ (dealt >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    dealt = (dealt ^ (dealt >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return dealt ^ (dealt >> np.uint64(31))


def bound(share: Fraction) -> np.uint64:
    """The hash below which that share of all hashes lies."""
    return np.uint64(min(int(share * 2**64), 2**64 - 1))
