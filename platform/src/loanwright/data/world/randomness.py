"""Random numbers that depend on the seed, the stage and the block alone, and identifiers that tell nothing."""

from __future__ import annotations

import hashlib

import numpy as np

from loanwright.data.world.clock import Bools, Floats, Ints

BLOCK = 2048
"""Customers who are simulated together: the unit of randomness, whatever process simulates them."""
_SPREAD = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_FEWEST_BITS = 20


def stream(seed: int, stage: str, block: int) -> np.random.Generator:
    """The random numbers of one stage of one block: Philox, keyed by a hash of the three."""
    digest = hashlib.sha256(f"{seed}/{stage}/{block}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))


def scrambled(index: Ints, count: int, what: str) -> Ints:
    """Distinct identifiers for the indices below `count`, in no visible order: a bijection of that many bits.

    It multiplies by odd numbers and folds the upper half onto the lower, both of which can be undone.
    """
    bits = max(_FEWEST_BITS, (count - 1).bit_length())
    mask = np.uint64((1 << bits) - 1)
    half = np.uint64(bits // 2)
    salt = np.uint64(int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big")) & mask
    value = index.astype(np.uint64) ^ salt
    for factor in _SPREAD:
        value = (value * np.uint64(factor)) & mask
        value ^= value >> half
    return value.astype(np.int64) + 1


def chance(random: np.random.Generator, probability: Floats | float, size: int) -> Bools:
    """Independent events with these probabilities."""
    return random.random(size) < probability


def between(random: np.random.Generator, low: float, high: float, size: int) -> Floats:
    """Uniform numbers in [low, high)."""
    return low + (high - low) * random.random(size)


def whole(values: Floats) -> Ints:
    """The nearest whole numbers."""
    return np.rint(values).astype(np.int64)


def logistic(values: Floats) -> Floats:
    """The probability of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)
