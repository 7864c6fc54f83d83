"""The report's fixed words: what each metric means, what each verdict is called."""

from __future__ import annotations

from typing import NamedTuple


class MetricWords(NamedTuple):
    """How a metric is called, what it means, and with how many digits it is written."""

    label: str
    meaning: str
    digits: int


METRICS: dict[str, MetricWords] = {
    "auc": MetricWords(
        "AUC", "How often a unit with the outcome is ranked above one without it. 0.5 is chance, 1 is perfect.", 3
    ),
    "ks": MetricWords(
        "KS",
        "The widest gap between the shares found of units with and without the outcome. 0 is chance, 1 perfect.",
        3,
    ),
    "average_precision": MetricWords(
        "Average precision", "The share of true outcomes among flagged units, averaged over all thresholds.", 3
    ),
    "brier": MetricWords("Brier score", "The mean squared error of the probabilities. Lower is better.", 4),
    "log_loss": MetricWords(
        "Log loss", "The mean surprise at what happened. Lower is better; sure and wrong costs most.", 4
    ),
    "expected_calibration_error": MetricWords(
        "Expected calibration error",
        "The mean gap between predicted probability and observed rate. Lower is better. "
        "Chance alone makes some gap: the interval is corrected for it, so it lies low and may not hold the value.",
        4,
    ),
    "calibration_slope": MetricWords(
        "Calibration slope", "1 is right. Below 1 predictions are too extreme, above 1 too cautious.", 3
    ),
    "mean_prediction_ratio": MetricWords(
        "Predicted to observed", "The mean prediction over the observed rate. Above 1 the model overstates risk.", 3
    ),
}

DIFFERENCE_DIGITS = 4
"""Digits of the difference between two models, and of the values beside it: two good models differ in the third."""

HEADLINES: dict[str, str] = {
    "pass": "Gates passed",
    "warn": "Gates passed, with warnings",
    "block": "Blocked by its gates",
}

SYNTHETIC_HEADLINES: dict[str, str] = {
    "pass": "Gates passed, on made-up data",
    "warn": "Gates passed with warnings, on made-up data",
    "block": "Blocked by its gates",
}

VERDICTS: dict[str, str] = {"pass": "Pass", "warn": "Warning", "block": "Block"}

WATCH, ACT = 0.1, 0.25
"""The customary marks of the population stability index: look into it; do something about it."""


def metric_words(name: str) -> MetricWords:
    """The words of a metric; a metric that this page does not know is shown under its own name."""
    return METRICS.get(name) or MetricWords(name.replace("_", " "), "", 4)


def stability_words(psi: float) -> str:
    """What a population stability index of that size is called."""
    return "stable" if psi < WATCH else "watch" if psi < ACT else "act"


def direction_words(direction: float | None) -> str:
    """What a rank correlation of a feature with its effect means; None is that of a category, or of a constant."""
    if direction is None:
        return "no one direction"
    if abs(direction) < 0.3:
        return "mixed"
    return "more raises risk" if direction > 0 else "more lowers risk"


def headline(outcome: str, synthetic: bool) -> str:
    """The verdict in a few words: what the gates say, and no more. Made-up data is named as such."""
    return (SYNTHETIC_HEADLINES if synthetic else HEADLINES)[outcome]


def why(gates: int, failed: int) -> str:
    """The sentence beneath the headline: how many gates there are, and how many of them do not hold."""
    if not gates:
        return "No gate is declared, so nothing was asked of it."
    if not failed:
        return "Its one gate holds." if gates == 1 else f"All {gates} gates hold."
    if gates == 1:
        return "Its one gate does not hold."
    return f"{failed} of {gates} gates {'does' if failed == 1 else 'do'} not hold."
