"""The `split`, `training` and `calibration` sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from loanwright.config.base import Fraction, Moment, Seconds, Section, Whole

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Fractions(Section):
    """Shares of the units, adding up to 1."""

    train: Fraction
    """To fit the booster, and to stop it early."""
    calibration: Fraction
    """To turn its scores into probabilities."""
    test: Fraction
    """To measure it; nothing is fitted on these."""

    @model_validator(mode="after")
    def _whole(self) -> Fractions:
        total = self.train + self.calibration + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train, calibration and test add up to {total:g}, not 1")
        return self


class Split(Section):
    """Which rows train, calibrate and test: by time with an embargo of the label's maturity, or by hash."""

    method: Literal["hash", "time"]
    """`time` wherever decisions have times; `hash` where they do not."""
    fractions: Fractions | None = None
    """For `hash`: shares of the units by a stable hash of their key."""
    seed: Whole = 0
    """For `hash`: another seed deals the units anew."""
    calibration_from: Moment | None = None
    """For `time`: train ends here, less the embargo."""
    test_from: Moment | None = None
    """For `time`: calibration ends here, less the embargo."""
    until: Moment | None = None
    """For `time`: the end of the test slice; absent: the data's end. Decisions whose label is not final when the
    data ends are left out either way."""

    @model_validator(mode="after")
    def _method(self) -> Split:
        if self.method == "hash":
            if self.fractions is None or self.calibration_from or self.test_from or self.until:
                raise ValueError("split by 'hash' takes 'fractions' and 'seed'")
        elif self.calibration_from is None or self.test_from is None or self.fractions is not None:
            raise ValueError("split by 'time' takes 'calibration_from' and 'test_from'")
        elif self.calibration_from >= self.test_from or (self.until and self.test_from >= self.until):
            raise ValueError("split by 'time' needs calibration_from < test_from < until")
        return self


class EarlyStopping(Section):
    """Stop when rows carved out of train, by the split's own rule, no longer improve."""

    patience: Annotated[Whole, Field(ge=1)]
    """Rounds without improvement."""
    fraction: Fraction = 0.1
    """Share of the train slice that is held out for it."""
    metric: Literal["auc", "average_precision", "binary_logloss"] = "auc"
    """What must improve."""


class Parameters(Section):
    """LightGBM parameters, under LightGBM's names; what is not here is not supported."""

    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[Whole, Field(ge=2, le=131_072)] = 31
    max_depth: Whole = -1
    min_data_in_leaf: Annotated[Whole, Field(ge=1)] = 20
    min_sum_hessian_in_leaf: NotNegative = 1e-3
    min_gain_to_split: NotNegative = 0.0
    feature_fraction: Share = 1.0
    feature_fraction_bynode: Share = 1.0
    bagging_fraction: Share = 1.0
    bagging_freq: Annotated[Whole, Field(ge=0)] = 0
    lambda_l1: NotNegative = 0.0
    lambda_l2: NotNegative = 0.0
    max_bin: Annotated[Whole, Field(ge=2)] = 255
    path_smooth: NotNegative = 0.0
    extra_trees: bool = False
    scale_pos_weight: Positive = 1.0
    cat_smooth: NotNegative = 10.0
    cat_l2: NotNegative = 10.0
    max_cat_threshold: Annotated[Whole, Field(ge=1)] = 32
    min_data_per_group: Annotated[Whole, Field(ge=1)] = 100

    @model_validator(mode="after")
    def _bagged(self) -> Parameters:
        if self.bagging_fraction < 1 and self.bagging_freq == 0:
            raise ValueError("bagging_fraction does nothing while bagging_freq is 0: set bagging_freq to 1")
        return self


class Weights(Section):
    """How much a row counts in fitting. Nothing else is weighted: not early stopping, calibration or any metric."""

    classes: Literal["equal", "balanced"] = "equal"
    """`balanced`: both outcomes count as much in all, a row by rows / (2 * rows of its outcome)."""
    half_life: Seconds | None = None
    """A decision that is this much older than the newest one counts half as much. Absent: age does not matter."""


class Training(Section):
    """How the booster is fitted."""

    objective: Literal["binary"] = "binary"
    """What is fitted: the log-odds of a 0/1 label."""
    rounds: Annotated[Whole, Field(ge=1, le=100_000)]
    """How many trees, at most."""
    early_stopping: EarlyStopping | None = None
    """Absent: all rounds are run."""
    seed: Annotated[Whole, Field(ge=0)] = 0
    """Of everything random in it."""
    exact: bool = True
    """The same bytes for any number of workers: two processes at least, and nothing that depends on their number.
    Off: one worker is one plain process with threads, and with more the promise is not given."""
    segment: Annotated[Whole, Field(ge=1)] = 50
    """Rounds between two checkpoints; columns are drawn by a seed of the segment's. Another number gives another
    booster."""
    weights: Weights = Weights()
    """How much a row counts in fitting."""
    parameters: Parameters = Parameters()
    """Of LightGBM."""

    @model_validator(mode="after")
    def _exact(self) -> Training:
        if self.exact and self.parameters.extra_trees:
            raise ValueError(
                "with extra_trees the trees depend on the number of workers: leave it out, or set exact to false"
            )
        return self

    @model_validator(mode="after")
    def _weighed_once(self) -> Training:
        if self.weights.classes == "balanced" and self.parameters.scale_pos_weight != 1:
            raise ValueError(
                "weights.classes and parameters.scale_pos_weight both weigh the outcomes: give one of them"
            )
        return self


class Calibration(Section):
    """How raw scores become probabilities, fitted on the calibration slice."""

    method: Literal["none", "sigmoid", "isotonic", "beta"] = "sigmoid"
    """`sigmoid` (Platt) and `beta` are smooth and need few rows; `isotonic` is free and needs thousands."""
