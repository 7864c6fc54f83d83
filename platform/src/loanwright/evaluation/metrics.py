"""Metrics of a binary classifier, exact under ties and weights, for many resamples at a time.

Every function takes rows ranked once and weights of shape (resamples, rows) in that order, and returns
one value for each resample: (resamples,), NaN where the metric is not defined (as AUC with one class).
A weight is how often a row counts: a row of weight 2 is exactly the same as that row twice. So a
bootstrap never sorts again, and a point value is the case of one resample of ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from loanwright.evaluation.ranking import Floats, Gathered, Ranked, gather

CALIBRATION_BINS = 10
"""Equal-mass bins of the expected calibration error."""
_CERTAIN = float(np.finfo(np.float64).eps)
_LOGIT_LIMIT = 1e-6
_NEWTON_STEPS = 30


def calculate(ranked: Ranked, weights: Floats, names: Iterable[str], depths: Sequence[float] = ()) -> dict[str, Floats]:
    """The named metrics for each resample; with `depths` also `lift@<depth>` and `capture@<depth>`.

    Args:
        ranked: the rows, ranked by score.
        weights: (resamples, rows) in ranked order.
        names: which of `METRICS`.
        depths: shares of the weight, counted from the riskiest row.

    Returns:
        Name → (resamples,).
    """
    gathered = gather(ranked, weights)
    values = {name: _BY_NAME[name](ranked, weights, gathered) for name in names}
    if depths:
        captured = capture(gathered, depths)
        for column, depth in enumerate(depths):
            values[f"capture@{depth:g}"] = captured[:, column]
            values[f"lift@{depth:g}"] = captured[:, column] / depth
    return values


def auc(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Probability that a positive scores above a negative, ties counting one half.

    The Mann-Whitney statistic with midranks, which is the trapezoidal area under the ROC curve
    (Hanley and McNeil, Radiology 143, 1982).
    """
    positives, negatives = _classes(gathered)
    found, alarms = gathered.positives, gathered.weight - gathered.positives
    area = ((alarms[:, 1:] - alarms[:, :-1]) * (found[:, 1:] + found[:, :-1])).sum(axis=1)
    return _ratio((area + alarms[:, 0] * found[:, 0]) / 2, positives * negatives)


def average_precision(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Precision averaged over the steps of recall, without interpolation, at distinct scores.

    As scikit-learn's `average_precision_score`; linear interpolation between points of the
    precision-recall curve is too optimistic (Davis and Goadrich, ICML 2006).
    """
    precision = gathered.positives / np.maximum(gathered.weight, 1e-300)
    steps = np.diff(gathered.positives, axis=1, prepend=0.0)
    return _ratio((precision * steps).sum(axis=1), gathered.positives[:, -1])


def ks(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Kolmogorov-Smirnov: the largest distance between the two classes' score distributions, two-sided."""
    positives, negatives = _classes(gathered)
    defined = (positives > 0) & (negatives > 0)
    per_positive = np.divide(1.0, positives, out=np.full_like(positives, np.nan), where=defined)[:, None]
    per_negative = np.divide(1.0, negatives, out=np.full_like(negatives, np.nan), where=defined)[:, None]
    alarms = gathered.weight - gathered.positives
    return np.asarray(np.abs(gathered.positives * per_positive - alarms * per_negative).max(axis=1))


def brier(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Mean squared error of the probability (Brier, Monthly Weather Review 78, 1950)."""
    return _mean((ranked.scores - ranked.labels) ** 2, weights, gathered)


def log_loss(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Mean negative log-likelihood, probabilities kept 2.2e-16 from 0 and 1 as scikit-learn does."""
    scores = np.clip(ranked.scores, _CERTAIN, 1 - _CERTAIN)
    return _mean(-np.log(np.where(ranked.labels > 0, scores, 1 - scores)), weights, gathered)


def expected_calibration_error(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Mean distance between predicted and observed rate over 10 bins of equal weight, weighted by it.

    Bins of equal mass rather than width: a lender's scores crowd at the low end (Nixon et al., Measuring
    Calibration in Deep Learning, 2019). Rows of one score are never torn apart: they lie in the bin of
    their midrank. The value is biased upwards by noise, by about the root of rate / rows per bin.
    """
    excess = np.zeros((len(weights), len(ranked.ends) + 1))
    excess[:, 1:] = np.cumsum(weights * (ranked.scores - ranked.labels), axis=1)[:, ranked.ends]
    at_cuts = np.take_along_axis(excess, mass_cuts(gathered, CALIBRATION_BINS), axis=1)
    return np.asarray(np.abs(np.diff(at_cuts, axis=1)).sum(axis=1) / gathered.weight[:, -1])


def mass_cuts(gathered: Gathered, bins: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Where each bin of equal weight begins, in distinct scores: (resamples, bins + 1), first 0, last all.

    A score belongs to the bin in which its midrank lies; a bin may be empty.
    """
    total = gathered.weight[:, -1]
    below = np.concatenate([np.zeros((len(total), 1)), gathered.weight[:, :-1]], axis=1)
    middle = (gathered.weight + below) * bins
    cuts = np.zeros((len(total), bins + 1), dtype=np.intp)
    inner = 2 * np.arange(1, bins)
    for row, doubled in enumerate(middle):
        cuts[row, 1:-1] = np.searchsorted(doubled, inner * total[row], side="left")
    cuts[:, -1] = middle.shape[1]
    return cuts


def calibration_slope(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Slope of a logistic regression of the label on the score's logit; 1 is right, below 1 over-confident.

    Cox, Biometrika 45, 1958; Van Calster et al., BMC Medicine 17, 2019. Fitted by Newton's method to
    about 1e-10, from the fit to all rows; scores are kept 1e-6 from 0 and 1. Not defined where the scores are
    all alike or separate the classes.
    """
    scores = np.clip(ranked.scores, _LOGIT_LIMIT, 1 - _LOGIT_LIMIT)
    logits = np.log(scores) - np.log1p(-scores)
    logits -= logits.mean()  # the slope does not care, and the equations are far better conditioned
    rate = ranked.labels.mean()
    if not 0 < rate < 1 or not logits.any():
        return np.full(len(weights), np.nan)
    # from a slope of 0 and the right intercept on, where the curvature is greatest, steps do not overshoot
    start = _newton(logits, ranked.labels, ranked.once(), np.array([[np.log(rate / (1 - rate)), 0.0]]))
    if np.isnan(start).any():
        return np.full(len(weights), np.nan)
    positives, negatives = _classes(gathered)
    fitted = _newton(logits, ranked.labels, weights, start)[:, 1]
    return np.where((positives > 0) & (negatives > 0), fitted, np.nan)


def _newton(x: Floats, labels: Floats, weights: Floats, start: Floats) -> Floats:
    """Intercept and slope for each resample: (resamples, 2), NaN where Newton's method finds no end.

    All begin at the one `start`, (1, 2), so that the first step works out each row's curvature only once."""
    found = np.full((len(weights), 2), np.nan)
    open_rows = np.arange(len(weights))
    parameters = start
    for _ in range(_NEWTON_STEPS):
        chosen = weights if len(open_rows) == len(weights) else weights[open_rows]
        half = np.tanh((parameters[:, :1] + parameters[:, 1:] * x) / 2)
        residual = chosen * (labels - 0.5 - half / 2)
        curvature = chosen * (1 - half * half) / 4
        g0, g1 = residual.sum(axis=1), (residual * x).sum(axis=1)
        h0 = curvature.sum(axis=1)
        curvature *= x
        h1, h2 = curvature.sum(axis=1), (curvature * x).sum(axis=1)
        determinant = h0 * h2 - h1 * h1
        solvable = determinant > 1e-12 * np.maximum(h0 * h2, 1e-300)
        safe = np.where(solvable, determinant, 1.0)
        step = np.stack([(h2 * g0 - h1 * g1) / safe, (h0 * g1 - h1 * g0) / safe], axis=1)
        parameters = parameters + step
        # the error left after a step is of the order of the step's square
        done = solvable & (np.abs(step).max(axis=1) < 1e-6 * (1 + np.abs(parameters).max(axis=1)))
        found[open_rows[done]] = parameters[done]
        going = solvable & ~done
        open_rows, parameters = open_rows[going], parameters[going]
        if not len(open_rows):
            break
    return found


def mean_prediction_ratio(ranked: Ranked, weights: Floats, gathered: Gathered) -> Floats:
    """Mean prediction over observed rate: calibration in the large, as a ratio; 1 is right."""
    return _ratio((weights * ranked.scores).sum(axis=1), gathered.positives[:, -1])


def capture(gathered: Gathered, depths: Sequence[float]) -> Floats:
    """Share of the positives among the riskiest share of the rows: (resamples, depths).

    Where a depth ends among rows of one score, they count in part: the mean over all orders of the tie.
    """
    totals, positives = gathered.weight[:, -1], gathered.positives[:, -1]
    found = np.empty((len(totals), len(depths)))
    wanted = np.asarray(depths, dtype=np.float64)
    for row in range(len(totals)):
        x = np.concatenate([[0.0], gathered.weight[row]])
        y = np.concatenate([[0.0], gathered.positives[row]])
        found[row] = np.interp(wanted * totals[row], x, y)
    return np.asarray(_ratio(found, positives[:, None]))


def _classes(gathered: Gathered) -> tuple[Floats, Floats]:
    positives = gathered.positives[:, -1]
    return positives, gathered.weight[:, -1] - positives


def _mean(loss: Floats, weights: Floats, gathered: Gathered) -> Floats:
    # a pairwise sum and not a matrix product: BLAS adds up in another order with another number of threads
    return np.asarray((weights * loss).sum(axis=1) / gathered.weight[:, -1])


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    shape = np.broadcast(numerator, denominator).shape
    defined = np.broadcast_to(denominator > 0, shape)
    return np.asarray(np.divide(numerator, denominator, out=np.full(shape, np.nan), where=defined))


_BY_NAME: dict[str, Callable[[Ranked, Floats, Gathered], Floats]] = {
    function.__name__: function
    for function in (
        auc,
        average_precision,
        ks,
        brier,
        log_loss,
        expected_calibration_error,
        calibration_slope,
        mean_prediction_ratio,
    )
}
METRICS: tuple[str, ...] = tuple(_BY_NAME)
"""The names of all metrics, in the order in which they are shown."""
