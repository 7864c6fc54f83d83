"""The curves of a report: ROC, precision-recall, calibration, the histogram of scores, the depths."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from loanwright.evaluation.evidence import CalibrationBin, Depth, Interval, Point, ScoreBin
from loanwright.evaluation.metrics import CALIBRATION_BINS, mass_cuts
from loanwright.evaluation.ranking import Floats, Ranked, gather

CURVE_POINTS = 200
HISTOGRAM_BINS = 25
_STEP = 20
"""The histogram begins and ends at a twentieth."""


def thin(along: Floats, keep: Iterable[int] = (), points: int = CURVE_POINTS) -> NDArray[np.intp]:
    """Which points of a curve to keep: at most `points`, evenly spaced, the first and last among them.

    Args:
        along: (n,) never falling; what the spacing is measured on.
        keep: points that stay in any case.
        points: how many may stay.
    """
    if len(along) <= points:
        return np.arange(len(along))
    fixed = {0, len(along) - 1, *keep}
    even = np.searchsorted(along, np.linspace(along[0], along[-1], points - len(fixed)))
    return np.unique(np.concatenate([even, np.array(sorted(fixed))]))


def roc(ranked: Ranked) -> tuple[Point, ...]:
    """False positive rate (x) and true positive rate (y), from (0, 0) to (1, 1)."""
    x, y = _rates(ranked)
    return _points(x, y, thin(x + y))


def roc_thresholds(ranked: Ranked) -> tuple[float, ...]:
    """The score from which on rows are taken for positive, at each point of `roc`; 1 where none is."""
    x, y = _rates(ranked)
    return tuple(float(score) for score in np.concatenate([[1.0], ranked.thresholds])[thin(x + y)])


def _rates(ranked: Ranked) -> tuple[Floats, Floats]:
    found, alarms = _found_and_alarms(ranked)
    return alarms / alarms[-1], found / found[-1]


def precision_recall(ranked: Ranked) -> tuple[Point, ...]:
    """Recall (x) and precision (y), from the highest score down to all rows."""
    found, alarms = (values[1:] for values in _found_and_alarms(ranked))
    x, y = found / found[-1], found / (found + alarms)
    return _points(x, y, thin(x))


def calibration_bins(ranked: Ranked, confidence: float, bins: int = CALIBRATION_BINS) -> tuple[CalibrationBin, ...]:
    """Prediction and outcome in bins of equal mass, from the lowest score up: those of the calibration error."""
    cuts = mass_cuts(gather(ranked, ranked.once()), bins)[0]
    edges = np.concatenate([[0], ranked.ends + 1])[cuts]
    found = []
    for first, last in zip(edges[:-1][::-1], edges[1:][::-1], strict=True):
        if first == last:
            continue
        rows, positives = int(last - first), int(ranked.labels[first:last].sum())
        low, high = wilson(positives, rows, confidence)
        prediction = float(ranked.scores[first:last].mean())
        found.append(CalibrationBin(rows=rows, mean_prediction=prediction, rate=positives / rows, low=low, high=high))
    return tuple(found)


def score_histogram(ranked: Ranked) -> tuple[ScoreBin, ...]:
    """Rows of each outcome in 25 bins of equal width over the scores' range, the last bin closed."""
    low = math.floor(float(ranked.scores[-1]) * _STEP) / _STEP
    high = math.ceil(float(ranked.scores[0]) * _STEP) / _STEP
    if low == high:
        low, high = (low, low + 1 / _STEP) if low < 1 else (1 - 1 / _STEP, 1.0)
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    positives, _ = np.histogram(ranked.scores[ranked.labels > 0], edges)
    negatives, _ = np.histogram(ranked.scores[ranked.labels == 0], edges)
    return tuple(
        ScoreBin(
            low=float(edges[i]), high=float(edges[i + 1]), negatives=int(negatives[i]), positives=int(positives[i])
        )
        for i in range(HISTOGRAM_BINS)
    )


def depth_table(ranked: Ranked, depths: Sequence[float], measured: Mapping[str, Interval]) -> tuple[Depth, ...]:
    """Lift and capture at each depth, with the score at which the depth is reached.

    Args:
        ranked: the rows, ranked by score.
        depths: shares of the rows.
        measured: the intervals, with `lift@<depth>` and `capture@<depth>` among them.
    """
    return tuple(
        Depth(
            depth=depth,
            threshold=float(ranked.scores[min(ranked.rows, max(1, math.ceil(depth * ranked.rows - 1e-9))) - 1]),
            lift=measured[f"lift@{depth:g}"],
            capture=measured[f"capture@{depth:g}"],
        )
        for depth in depths
    )


def wilson(positives: int, rows: int, confidence: float) -> tuple[float, float]:
    """The score interval of a rate (Wilson, Journal of the American Statistical Association 22, 1927)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate = positives / rows
    middle = rate + z * z / (2 * rows)
    half = z * math.sqrt(rate * (1 - rate) / rows + z * z / (4 * rows * rows))
    scale = 1 + z * z / rows
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def _found_and_alarms(ranked: Ranked) -> tuple[Floats, Floats]:
    gathered = gather(ranked, ranked.once())
    found = np.concatenate([[0.0], gathered.positives[0]])
    return found, np.concatenate([[0.0], gathered.weight[0]]) - found


def _points(x: Floats, y: Floats, kept: NDArray[np.intp]) -> tuple[Point, ...]:
    return tuple(Point(x=float(x[i]), y=float(y[i])) for i in kept)
