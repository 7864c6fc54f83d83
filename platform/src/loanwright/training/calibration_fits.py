"""Fitting each kind of calibrator to margins and outcomes; deterministic, single-threaded numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from loanwright.errors import DataError
from loanwright.training.calibrators import Beta, Calibrator, Identity, Isotonic, Sigmoid, logistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def fit_calibrator(method: str, margins: Floats, label: NDArray[np.int8]) -> Calibrator:
    """The calibrator of that method that fits best.

    Args:
        method: none, sigmoid, isotonic or beta.
        margins: the booster's log-odds, one for each row.
        label: 0 or 1 for each row, both of them present (of no account to ``none``).

    Raises:
        DataError: outcomes do not rise with the margins, so that every row would get one probability.
    """
    if method == Identity.method:
        return Identity()
    fits: dict[str, Callable[[Floats, NDArray[np.int8]], Calibrator | None]] = {
        Sigmoid.method: _sigmoid,
        Beta.method: _beta,
        Isotonic.method: _isotonic,
    }
    calibrator = fits[method](margins, label)
    if calibrator is None:
        raise DataError(
            f"in the {label.size:,} rows to calibrate on the outcome does not rise with the model's score, "
            f"so {method} calibration would give every row the same probability",
            fix="Check that the label means the same in the train and the calibration part, and give the model more "
            "to learn from",
        )
    return calibrator


def _sigmoid(margins: Floats, label: NDArray[np.int8]) -> Sigmoid | None:
    fitted = _logistic_fit([margins], label)
    return None if fitted is None or fitted[0] <= 0 else Sigmoid(float(fitted[0]), float(fitted[1]))


def _beta(margins: Floats, label: NDArray[np.int8]) -> Beta | None:
    # ln s and -ln(1 - s), from the margin so that neither underflows.
    low, high = -np.logaddexp(0.0, -margins), np.logaddexp(0.0, margins)
    both = _logistic_fit([low, high], label)
    if both is not None and min(both[0], both[1]) >= 0:
        return Beta(float(both[0]), float(both[1]), float(both[2]))
    # As the paper does: where one of the two would fall, it is left out.
    only_low, only_high = _logistic_fit([low], label), _logistic_fit([high], label)
    if (both is None or both[0] < 0) and only_high is not None and only_high[0] > 0:
        return Beta(0.0, float(only_high[0]), float(only_high[1]))
    if only_low is not None and only_low[0] > 0:
        return Beta(float(only_low[0]), 0.0, float(only_low[1]))
    return None


def _isotonic(margins: Floats, label: NDArray[np.int8]) -> Isotonic | None:
    """Pool adjacent violators (Ayer et al. 1955); equal margins are one point."""
    points, place, counts = np.unique(margins, return_inverse=True, return_counts=True)
    positives = np.bincount(place, weights=label, minlength=points.size)
    # Blocks as a stack of [first point, rows, positives]; whole numbers, so comparisons are exact.
    blocks: list[tuple[int, int, int]] = []
    for first, (rows, positive) in enumerate(zip(counts.tolist(), positives.astype(np.int64).tolist(), strict=True)):
        block = (first, rows, positive)
        while blocks and blocks[-1][2] * block[1] >= block[2] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    if len(blocks) == 1:
        return None
    ends = [block[0] - 1 for block in blocks[1:]] + [points.size - 1]
    x: list[float] = []
    y: list[float] = []
    for (first, rows, positive), last in zip(blocks, ends, strict=True):
        for point in {first, last} if first == last else (first, last):
            x.append(float(points[point]))
            y.append(positive / rows)
    return Isotonic(tuple(x), tuple(y))


def _logistic_fit(columns: list[Floats], label: NDArray[np.int8], rounds: int = 100) -> Floats | None:
    """Weights of a logistic regression and its intercept, last; None if the columns do not determine them.

    Newton's method with step halving (Lin, Lin & Weng 2007) on Platt's smoothed targets, which keep the
    weights finite where a margin tells the outcomes apart without an error. Columns are standardised first.
    """
    scales = [(float(column.mean()), float(column.std())) for column in columns]
    if any(scale < 1e-12 for _, scale in scales):
        return None
    design = [(column - mean) / scale for column, (mean, scale) in zip(columns, scales, strict=True)]
    design.append(np.ones(label.size))
    positives = int(label.sum())
    target = np.where(label > 0, (positives + 1) / (positives + 2), 1 / (label.size - positives + 2))
    weights = np.zeros(len(design))
    weights[-1] = np.log((positives + 1) / (label.size - positives + 1))

    def linear(at: Floats) -> Floats:
        # Not a matrix product: a BLAS may add up in another order on another machine.
        total = np.zeros(label.size)
        for column, weight in zip(design, at, strict=True):
            total += column * weight
        return total

    def loss(at: Floats) -> float:
        margin = linear(at)
        return float((np.logaddexp(0.0, margin) - target * margin).sum())

    current = loss(weights)
    for _ in range(rounds):
        predicted = logistic(linear(weights))
        gradient = np.array([((predicted - target) * column).sum() for column in design])
        if float(np.abs(gradient).max()) < 1e-9 * label.size:
            break
        spread = predicted * (1 - predicted)
        hessian = np.array([[(spread * one * other).sum() for other in design] for one in design])
        step = np.linalg.solve(hessian + 1e-12 * np.eye(len(design)), gradient)
        for _ in range(30):
            after = loss(weights - step)
            if after <= current:
                break
            step = step / 2
        else:
            break
        weights, current = weights - step, after
    for place, (mean, scale) in enumerate(scales):
        weights[place] /= scale
        weights[-1] -= weights[place] * mean
    return weights
