"""The evidence: everything that was measured of a model on the test slice, as plain frozen types."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator

from loanwright.config.base import Many, Section


def _stored(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot stand in the evidence: write None where a value is not defined")
    return float(f"{value:.10g}") + 0.0


Number = Annotated[float, AfterValidator(_stored)]
"""A finite number with ten significant digits: the bits behind them depend on the processor that
calculated them, and the same model measured twice has to leave the same bytes. Never minus zero."""


class Interval(Section):
    """A value and its bootstrap interval; None where it is not defined (one class only)."""

    value: Number | None
    low: Number | None
    high: Number | None


UNDEFINED = Interval(value=None, low=None, high=None)


class Point(Section):
    """A point of a curve."""

    x: Number
    y: Number


class CalibrationBin(Section):
    """Units of similar score: what was predicted and what happened, with a Wilson interval."""

    rows: int
    mean_prediction: Number
    rate: Number
    low: Number
    high: Number


class ScoreBin(Section):
    """How many units of each outcome have a calibrated score in [low, high)."""

    low: Number
    high: Number
    negatives: int
    positives: int


class Depth(Section):
    """What the riskiest `depth` of the units holds."""

    depth: Number
    threshold: Number
    lift: Interval
    capture: Interval


class SliceMetrics(Section):
    """The metrics of the units with one value of one column."""

    column: str
    value: str
    rows: int
    positives: int
    mean_prediction: Number | None
    rate: Number | None
    auc: Interval
    brier: Interval


class Importance(Section):
    """How much a feature counts: share of the trees' total gain, mean |SHAP| (log-odds), direction.

    `direction` is the rank correlation of the feature's value with its SHAP value; None for categories."""

    feature: str
    gain_share: Number
    mean_abs_shap: Number
    direction: Number | None


class MonotoneCheck(Section):
    """A feature whose declared direction was found to hold: over all steps of the trees, in so many test rows."""

    feature: str
    direction: Literal["increasing", "decreasing"]
    values: int
    """One for each step of the trees; 1 where the model does not use it."""
    rows: int
    effect: Number
    """The mean change of the log-odds from the lowest to the highest of them."""


class Shift(Section):
    """Population stability index between the train and the test slice."""

    name: str
    psi: Number


class ProfitPoint(Section):
    """Profit per unit, in the declared currency, when the riskiest are declined from a threshold on."""

    approved: Number
    threshold: Number
    profit: Number


class PartSummary(Section):
    """One part of the split."""

    name: Literal["train", "validation", "calibration", "test", "left_out"]
    rows: int
    positives: int
    from_time: str | None
    to_time: str | None


class BaselineMetrics(Section):
    """A simpler model, fitted on the same rows and measured on the same test rows.

    A difference is the model's value minus this one's, by resamples of rows that both are measured on."""

    name: str
    description: str
    features: int
    """How many it was given."""
    auc: Interval
    difference: Interval
    """Of the AUC."""
    log_loss: Interval = UNDEFINED
    """This and what follows: not defined where its scores could not be calibrated."""
    log_loss_difference: Interval = UNDEFINED
    brier: Interval = UNDEFINED
    brier_difference: Interval = UNDEFINED


class TruthAuc(Section):
    """The AUC of the true chances of a synthetic world: a bound, for they are drawn from what no lender knows."""

    auc: Number
    rows: int
    """Approved units of these months whose outcome was known at the world's end."""
    positives: int
    first_month: str
    last_month: str


class ValueShare(Section):
    """How often a category has a value, among the rows that have one."""

    value: str
    share: Number


class FeatureProfile(Section):
    """What a feature is like on the test rows."""

    name: str
    rows: int
    """How many it was looked at in."""
    missing: Number
    """Share of the rows without a value."""
    distinct: int
    low: Number | None = None
    median: Number | None = None
    high: Number | None = None
    histogram: Many[int] = ()
    """Of a number: rows in bins of equal width from the 1st to the 99th percentile, what lies outside in the
    outermost. Of a category: rows of its most frequent values."""
    top: Many[ValueShare] = ()
    """Of a category: its most frequent values."""


class Evidence(Section):
    """What `evaluate` measured. All scores are calibrated probabilities unless said otherwise."""

    label: str
    rows: int
    positives: int
    confidence: Number
    metrics: dict[str, Interval]
    """auc, average_precision, ks, brier, log_loss, expected_calibration_error, calibration_slope,
    mean_prediction_ratio (mean prediction / observed rate)."""
    roc: Many[Point]
    roc_thresholds: Many[Number] = ()
    """The score at each point of `roc`."""
    precision_recall: Many[Point]
    calibration: Many[CalibrationBin]
    scores: Many[ScoreBin]
    depths: Many[Depth]
    slices: Many[SliceMetrics]
    importance: Many[Importance]
    stability: Many[Shift]
    profit: Many[ProfitPoint]
    parts: Many[PartSummary]
    split: dict[str, str]
    """The split's method and boundaries, in words."""
    rounds: int
    calibration_method: str
    profiles: Many[FeatureProfile] = ()
    """Coverage and distribution of the features, in the table's order."""
    baselines: Many[BaselineMetrics] = ()
    """The constant, the scorecard, then the declared ones."""
    monotone: Many[MonotoneCheck] = ()
    """The features with a declared direction. A model that breaks one has no evidence."""
    truth: TruthAuc | None = None
    """Only where the rows are of a synthetic world that publishes it."""
    notes: Many[str] = ()
