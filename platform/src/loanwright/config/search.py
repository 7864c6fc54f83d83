"""The `search` section: among which LightGBM parameters better ones are looked for, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from loanwright.config.base import Many, Seconds, Section, Whole
from loanwright.config.learning import Training

Value = bool | float
"""What a parameter may be set to; whole numbers are floats until the parameter's own type reads them."""


class Dimension(Section):
    """Where one parameter is looked for: in a range, or among a few values."""

    low: float | None = None
    """The least value; whole where the parameter is."""
    high: float | None = None
    """The largest value, itself included."""
    log: bool = False
    """Whether a factor counts, and not a difference: for rates and penalties."""
    values: Many[Value] = ()
    """Instead of a range: the values to choose from."""

    @model_validator(mode="after")
    def _one_kind(self) -> Dimension:
        if self.values:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("takes a range ('low', 'high', 'log') or 'values', not both")
            if len({(type(value), value) for value in self.values}) < max(2, len(self.values)):
                raise ValueError("needs at least two 'values', each of them once")
        elif self.low is None or self.high is None:
            raise ValueError("needs 'low' and 'high', or 'values'")
        elif self.low >= self.high:
            raise ValueError(f"needs low < high, and {self.low:g} is not below {self.high:g}")
        elif self.log and self.low <= 0:
            raise ValueError(f"'log' needs a low above 0, not {self.low:g}")
        return self


class Space(Section):
    """The parameters that are searched; all others stay as `training` declares them."""

    rounds: Dimension | None = None
    """How many trees, where no early stopping finds that out."""
    learning_rate: Dimension | None = None
    num_leaves: Dimension | None = None
    max_depth: Dimension | None = None
    min_data_in_leaf: Dimension | None = None
    min_sum_hessian_in_leaf: Dimension | None = None
    min_gain_to_split: Dimension | None = None
    feature_fraction: Dimension | None = None
    feature_fraction_bynode: Dimension | None = None
    bagging_fraction: Dimension | None = None
    bagging_freq: Dimension | None = None
    lambda_l1: Dimension | None = None
    lambda_l2: Dimension | None = None
    max_bin: Dimension | None = None
    path_smooth: Dimension | None = None
    extra_trees: Dimension | None = None
    scale_pos_weight: Dimension | None = None
    cat_smooth: Dimension | None = None
    cat_l2: Dimension | None = None
    max_cat_threshold: Dimension | None = None
    min_data_per_group: Dimension | None = None

    @model_validator(mode="after")
    def _something(self) -> Space:
        if not self.dimensions:
            raise ValueError("names no parameter to search")
        return self

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """What is searched, by parameter, in the order of the fields."""
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: dimension for name, dimension in named.items() if dimension is not None}


class Search(Section):
    """How better LightGBM parameters are looked for, within the train part; training itself does not read this."""

    space: Space
    """What is searched, and where."""
    metric: Literal["auc", "average_precision", "ks", "brier", "log_loss"] = "auc"
    """What must improve: its mean over the folds."""
    folds: Annotated[Whole, Field(ge=3, le=20)] = 5
    """Into how many folds the train part is dealt, by the split's own method: by time, each is judged by a model of
    what was known before it."""
    generations: Annotated[Whole, Field(ge=1, le=50)] = 5
    """How often new trials are drawn from what the ones before them found."""
    trials_per_generation: Annotated[Whole, Field(ge=1, le=100)] = 8
    """How many trials run side by side; the first one of all is the declared training itself."""
    budget: Seconds | None = None
    """No generation is begun later than this after the first one. It never changes what is in a generation."""
    seed: Annotated[Whole, Field(ge=0)] = 0
    """Of the drawing of trials."""


def with_values(training: Training, values: Mapping[str, Value]) -> dict[str, Any]:
    """The training section, as JSON, with these values in place of its own; not yet checked.

    Args:
        training: the declared section.
        values: by name of a LightGBM parameter, or `rounds`.
    """
    document = training.model_dump(mode="json")
    for name, value in values.items():
        (document if name == "rounds" else document["parameters"])[name] = value
    return document


def declared_values(training: Training, space: Space) -> dict[str, Value]:
    """What `training` itself says of the parameters that are searched."""
    of_parameters = training.parameters.model_dump()
    return {name: training.rounds if name == "rounds" else of_parameters[name] for name in space.dimensions}
