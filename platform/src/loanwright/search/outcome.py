"""The best trial beside the declared training, fold by fold: is it better by more than the folds' spread?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loanwright.config.search import Value
from loanwright.evaluation.comparison import LOSSES
from loanwright.search.trials import Result

CONFIDENCE = 0.95
_STUDENT = {
    2: 2.920, 3: 2.353, 4: 2.132, 5: 2.015, 6: 1.943, 7: 1.895, 8: 1.860, 9: 1.833, 10: 1.812, 11: 1.796, 12: 1.782,
    13: 1.771, 14: 1.761, 15: 1.753, 16: 1.746, 17: 1.740, 18: 1.734, 19: 1.729,
}  # fmt: skip
"""The 95 % quantile of Student's t by degrees of freedom, for 3 to 20 folds."""


@dataclass(frozen=True)
class Gain:
    """By how much a trial is better than the declared training: positive is better, whatever the metric's sense.

    Attributes:
        folds: the gain in each fold.
        mean: over the folds.
        margin: what a mean gain must exceed to be taken for more than the folds' spread.
    """

    folds: tuple[float, ...]
    mean: float
    margin: float

    @property
    def beyond_spread(self) -> bool:
        """Whether the gain is more than the folds' spread explains."""
        return self.mean > self.margin


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        metric: what was measured.
        declared: the result of the declared training.
        best: the result with the best mean; the declared one's if no other is better.
        gain: of the best over the declared; None if they are one.
    """

    metric: str
    declared: Result
    best: Result
    gain: Gain | None

    @property
    def sign(self) -> float:
        """1 where more of the metric is better, -1 where less is."""
        return sign_of(self.metric)

    @property
    def changes(self) -> dict[str, Value]:
        """What to change in the training section, by parameter; nothing unless the gain is beyond the spread."""
        if self.gain is None or not self.gain.beyond_spread:
            return {}
        return {name: value for name, value in self.best.values.items() if value != self.declared.values[name]}

    def as_json(self) -> dict[str, Any]:
        """What the outcome's manifest, the summary and the command line need of it."""
        return {
            "metric": self.metric,
            "declared": {"mean": self.declared.mean, "spread": self.declared.spread},
            "best": {"number": self.best.number, "mean": self.best.mean, "spread": self.best.spread},
            "gain": None if self.gain is None else {"mean": self.gain.mean, "margin": self.gain.margin},
            "changes": self.changes,
        }


def sign_of(metric: str) -> float:
    """1 where more of the metric is better, -1 where less is."""
    return -1.0 if metric in LOSSES else 1.0


def judge_results(results: Sequence[Result], metric: str) -> Outcome:
    """The outcome of a search.

    Of equal means the earliest trial counts, so that nothing is changed without need.

    Args:
        results: of all trials; trial 0 is the declared training.
        metric: what was measured.
    """
    sign = sign_of(metric)
    ordered = sorted(results, key=lambda one: one.number)
    declared = ordered[0]
    whole = [(sign * one.mean, one) for one in ordered if one.mean is not None]
    best = max(whole, key=lambda pair: pair[0])[1]
    return Outcome(metric, declared, best, None if best is declared else _gain(declared, best, sign))


def _gain(declared: Result, best: Result, sign: float) -> Gain:
    """The paired gain, and its margin by the corrected resampled t test (Nadeau and Bengio, Machine Learning 52, 2003).

    Folds share the rows they are fitted on, so the plain standard error of their mean is too small: the variance
    counts 1/n plus the ratio of judged to fitted rows. The test is one-sided.
    """
    gains = tuple(sign * (ours.value - theirs.value) for ours, theirs in zip(best.folds, declared.folds, strict=True))
    count = len(gains)
    mean = math.fsum(gains) / count
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (count - 1)
    shared = math.fsum(fold.judged / fold.fitted for fold in declared.folds) / count
    return Gain(gains, mean, _STUDENT[count - 1] * math.sqrt(variance * (1 / count + shared)))
