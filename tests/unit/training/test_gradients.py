"""Gradients whose sums do not depend on any order."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from loanwright.training.gradients import LogLoss, sigmoid

ROWS = 100_000
RNG = np.random.default_rng(3)
SCORES = RNG.normal(-3, 4, ROWS)
LABEL = (RNG.random(ROWS) < 0.2).astype(np.int8)
WEIGHT = (RNG.random(ROWS) * 3).astype(np.float32)


def unrounded(weight: Any) -> tuple[Any, Any]:
    probability = 1 / (1 + np.exp(-SCORES))
    return (
        ((probability - LABEL) * weight).astype(np.float32),
        (probability * (1 - probability) * weight).astype(np.float32),
    )


def sums(values: Any) -> set[float]:
    """The sum in doubles of the values in many orders, and of parts of many sizes."""
    found = set()
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(values).astype(np.float64)
        found.add(float(np.cumsum(shuffled)[-1]))  # one after the other
        cuts = np.sort(np.random.default_rng(seed).integers(0, values.size, 3))
        found.add(float(sum(np.cumsum(part)[-1] if part.size else 0.0 for part in np.split(shuffled, cuts))))
    return found


@pytest.mark.parametrize("weighted", [False, True])
def test_every_order_of_adding_up_gives_the_exact_sum(weighted: bool) -> None:
    loss = LogLoss(LABEL, WEIGHT if weighted else None, ROWS, 3.0 if weighted else 1.0)
    for values in loss(SCORES):
        exact = sum(Fraction(float(value)) for value in values)
        assert sums(values) == {float(exact)}
        assert Fraction(float(exact)) == exact


def test_without_rounding_the_order_shows() -> None:
    assert any(len(sums(values)) > 1 for values in unrounded(WEIGHT))


def test_rounding_changes_next_to_nothing() -> None:
    got = LogLoss(LABEL, WEIGHT, ROWS, 3.0)(SCORES)
    for values, expected in zip(got, unrounded(WEIGHT), strict=True):
        assert np.abs(values - expected).max() < 1e-6
        assert np.corrcoef(values, expected)[0, 1] > 1 - 1e-12


@pytest.mark.parametrize("rows", [1, 1000, 2**27, 10**10])
def test_the_grid_is_as_fine_as_the_sum_of_all_rows_allows(rows: int) -> None:
    scale = LogLoss(LABEL[:1], None, rows).scale
    assert math.log2(scale).is_integer()
    assert 2**51 / 2 <= rows * scale <= 2**52
    assert LogLoss(LABEL[:1], None, rows, 4.0).scale == scale / 4


def test_rows_that_are_not_sampled_count_nothing() -> None:
    sampled = RNG.random(ROWS) < 0.5
    gradient, hessian = LogLoss(LABEL, None, ROWS)(SCORES, sampled)
    assert not gradient[~sampled].any()
    assert not hessian[~sampled].any()
    assert gradient[sampled].all()


def test_the_sigmoid_is_right_to_eleven_digits_and_ends_at_its_ends() -> None:
    scores = np.concatenate([np.linspace(-50, 50, 100_001), RNG.normal(0, 1e-8, 100)])
    right = np.where(
        scores > 0, 1 / (1 + np.exp(-np.abs(scores))), np.exp(-np.abs(scores)) / (1 + np.exp(-np.abs(scores)))
    )
    assert np.abs(sigmoid(scores) / right - 1).max() < 1e-11
    assert sigmoid(np.array([-1e308, -700.0, 700.0, 1e308])).tolist() == pytest.approx([0, 0, 1, 1], abs=1e-25)


def test_the_sigmoid_is_made_of_operations_that_ieee_754_fixes() -> None:
    """The same steps in Python's floats, none of which is left to a library, give the same bits."""

    def by_hand(score: float) -> float:
        x = -min(max(score, -60.0), 60.0)
        twos = float(round(x * (1.0 / math.log(2.0))))
        x -= twos * math.log(2.0)
        square = x * x
        even, odd = (square + 180.0) * square + 1680.0, (square * 20.0 + 840.0) * x
        return (even - odd) / ((even + odd) * 2.0**twos + (even - odd))

    assert sigmoid(SCORES[:2000]).tolist() == [by_hand(score) for score in SCORES[:2000].tolist()]
