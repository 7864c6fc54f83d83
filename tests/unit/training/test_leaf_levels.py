"""A row's leaf is told by how far its log-odds moved, however close the values of leaves lie."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.training.leaf_levels import Levels

REACH = 40.0


def _moved(values: np.ndarray, leaf: np.ndarray, seed: int = 0) -> np.ndarray:
    before = np.random.default_rng(seed).uniform(-REACH / 2, REACH / 2, leaf.size)
    return (before + values[leaf]) - before


@pytest.mark.parametrize(
    "gap", [1e-1, 1e-4, 1e-7, 1e-10, 1e-12], ids=["far", "a cell", "less than a cell", "close", "very close"]
)
def test_leaves_are_told_apart(gap: float) -> None:
    rng = np.random.default_rng(1)
    near = np.arange(9) * gap
    values = np.concatenate([rng.normal(0.0, 0.1, 40), near + 0.05, [-3.0]])
    rng.shuffle(values)
    leaf = rng.integers(0, values.size, 60_000)
    levels = Levels(values, REACH)
    assert len(levels) == values.size
    np.testing.assert_array_equal(levels.find(_moved(values, leaf)), levels.of_leaf[leaf])


def test_values_that_all_lie_close_are_told_apart() -> None:
    values = np.array([0.2, 0.2 + 1e-12, 0.2 + 3e-12])
    leaf = np.random.default_rng(2).integers(0, 3, 10_000)
    levels = Levels(values, REACH)
    np.testing.assert_array_equal(levels.find(_moved(values, leaf)), leaf)


def test_what_rounding_may_hide_is_one_level() -> None:
    values = np.array([0.3, -0.1, 0.3, np.nextafter(0.3, 1.0), 0.7])
    levels = Levels(values, REACH)
    np.testing.assert_array_equal(levels.of_leaf, [1, 0, 1, 1, 2])
    leaf = np.random.default_rng(3).integers(0, 5, 10_000)
    np.testing.assert_array_equal(levels.find(_moved(values, leaf)), levels.of_leaf[leaf])


def test_leaves_of_one_value_alone() -> None:
    levels = Levels([0.0, 0.0], REACH)
    assert len(levels) == 1
    np.testing.assert_array_equal(levels.find(np.zeros(5)), np.zeros(5))
