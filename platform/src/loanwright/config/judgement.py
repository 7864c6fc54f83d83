"""The `evaluation` and `gates` sections: what is measured, and what must hold."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from loanwright.config.base import Fraction, Many, Name, Section, Whole, repeated
from loanwright.config.data import ColumnName

Metric = Literal[
    "auc", "average_precision", "ks", "brier", "log_loss", "expected_calibration_error", "calibration_slope",
    "mean_prediction_ratio",
]  # fmt: skip

_SHARES = ("auc", "average_precision", "ks", "brier", "expected_calibration_error")


MONTH = "decision_time"
"""As a slice's column: the month of the decision, UTC."""


CONSTANT, SCORECARD = "constant", "scorecard"
"""Baselines that every model is measured beside, whatever is declared."""


class Bootstrap(Section):
    """Intervals by resampling the test rows."""

    resamples: Annotated[Whole, Field(ge=50, le=10_000)] = 400
    """How often the test rows are drawn anew."""
    confidence: Fraction = 0.95
    """The share of the resamples that an interval covers."""
    seed: Annotated[Whole, Field(ge=0)] = 0
    """Of the drawing."""


class Slice(Section):
    """A column of the unit's source by whose values the metrics are repeated."""

    column: ColumnName
    """A column declared with `slice: true`, a feature, or `decision_time`, which is sliced by month."""
    edges: Many[float] = ()
    """For numbers: the inner boundaries of the bands."""

    @model_validator(mode="after")
    def _rising(self) -> Slice:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"slice {self.column!r}: edges must rise")
        return self


class Economics(Section):
    """What a decision earns or costs, in the lender's money per unit."""

    currency: Annotated[str, Field(min_length=3, max_length=3)]
    """The ISO 4217 code."""
    profit_if_repaid: float
    """Earned by a unit that is accepted and repays."""
    loss_if_defaulted: Annotated[float, Field(gt=0)]
    """Lost by a unit that is accepted and does not."""


class Baseline(Section):
    """A simpler model to measure beside this one: trained in the same way on the same rows, with fewer features."""

    name: Name
    """What the report calls it."""
    features: Annotated[Many[Name], Field(min_length=1)]
    """The features it is given."""
    description: str = ""
    """What it stands for."""

    @model_validator(mode="after")
    def _distinct(self) -> Baseline:
        if self.name in (CONSTANT, SCORECARD):
            raise ValueError(f"the baseline {self.name!r} is measured for every model: name this one otherwise")
        if twice := repeated(self.features):
            raise ValueError(f"baseline {self.name!r} names feature {twice!r} twice")
        return self


class Evaluation(Section):
    """What is measured on the test slice."""

    bootstrap: Bootstrap = Bootstrap()
    """How intervals are made."""
    depths: Many[Fraction] = (0.01, 0.05, 0.1, 0.2)
    """The shares of riskiest units at which lift and capture are shown."""
    slices: Many[Slice] = ()
    """By what the metrics are repeated."""
    economics: Economics | None = None
    """What a decision is worth; absent: no profit is shown."""
    baselines: Annotated[Many[Baseline], Field(max_length=5)] = ()
    """Simpler models that the report shows this one beside, as well as a constant and a scorecard; nothing is judged
    by them."""
    reasons: dict[str, str] = Field(default_factory=dict)
    """Feature name → the words an applicant is told when it counted most against them."""

    @model_validator(mode="after")
    def _distinct(self) -> Evaluation:
        if twice := repeated(baseline.name for baseline in self.baselines):
            raise ValueError(f"baseline {twice!r} is declared twice")
        return self


class Rule(Section):
    """One gate: a metric of the test slice within its bounds."""

    name: Name
    """What the report calls it."""
    metric: Metric
    """The metric that is bounded."""
    min: float | None = None
    """The lowest value that passes."""
    max: float | None = None
    """The highest value that passes."""
    on_fail: Literal["block", "warn"] = "block"
    """Whether a failure stops the registration or is only shown."""

    @model_validator(mode="after")
    def _bounded(self) -> Rule:
        if self.min is None and self.max is None:
            raise ValueError(f"gate {self.name!r} has neither min nor max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"gate {self.name!r} has min {self.min:g} above max {self.max:g}")
        if self.metric in _SHARES:
            for bound in (self.min, self.max):
                if bound is not None and not 0 <= bound <= 1:
                    raise ValueError(f"gate {self.name!r} bounds {self.metric!r}, which is from 0 to 1, at {bound:g}")
        return self


class ChampionRule(Section):
    """Not worse than the champion beyond noise, on the same rows."""

    metric: Literal["auc", "average_precision", "ks", "brier", "log_loss"] = "auc"
    """By which the two are compared."""
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """How much worse is still accepted, beyond the interval of the paired difference."""
    on_fail: Literal["block", "warn"] = "block"
    """Whether a failure stops the registration or is only shown."""
    on_incomparable: Literal["block", "warn"] = "warn"
    """What it is taken for when the champion cannot be scored on these rows, such as when it needs a feature
    that is declared no more."""


class Gates(Section):
    """The policy that decides whether a model may be registered."""

    rules: Many[Rule]
    """Bounds on metrics."""
    champion: ChampionRule = ChampionRule()
    """The comparison with the model in use."""

    @model_validator(mode="after")
    def _distinct(self) -> Gates:
        if twice := repeated(rule.name for rule in self.rules):
            raise ValueError(f"gate {twice!r} is declared twice")
        if any(rule.name == "champion" for rule in self.rules):
            raise ValueError("the name 'champion' is that of the comparison with the champion: name the rule otherwise")
        return self
