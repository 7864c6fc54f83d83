"""The `features` section: what is known of a unit at its decision time, declared once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from loanwright.config.base import Many, Name, Seconds, Section, Whole, repeated
from loanwright.config.data import ColumnName

Aggregate = Literal[
    "value", "count", "sum", "mean", "min", "max", "std", "distinct", "first", "last", "last_mean", "trend", "share",
    "seconds_since_last",
]  # fmt: skip
Monotone = Literal["increasing", "decreasing"]


class Feature(Section):
    """One aggregate over the rows of a group's source in [decision - window, decision)."""

    name: Name
    """The training table's column."""
    aggregate: Aggregate
    """`value`: the column of the one row with this key (the group's source has one row per key).
    `last_mean`: mean of the last `rows` rows. `trend`: least-squares slope of the column per day.
    `share`: the fraction of rows that match `filter`. `distinct`: exact distinct count."""
    column: ColumnName | None = None
    """What is aggregated; `share` and `seconds_since_last` take none, `count` counts rows without one."""
    window: Seconds | None = None
    """How far back from the decision rows count; absent: all history."""
    filter: str | None = None
    """A restricted SQL condition over the source's columns."""
    rows: Annotated[Whole, Field(ge=1)] | None = None
    """For `last_mean`: of how many rows."""
    fill: float | None = None
    """The null rule: what stands in when there is nothing to aggregate; absent: missing."""
    type: Literal["number", "category"] = "number"
    """A `category` comes from `value`, `first` or `last` of a text, an integer or a boolean."""
    monotone: Monotone | None = None
    """The direction in which the prediction may move with this feature."""
    description: str = ""
    """What it tells."""

    @model_validator(mode="after")
    def _needs(self) -> Feature:
        if self.aggregate not in ("count", "share", "seconds_since_last") and self.column is None:
            raise ValueError(f"feature {self.name!r}: aggregate {self.aggregate!r} needs a 'column'")
        if self.aggregate == "share" and self.filter is None:
            raise ValueError(f"feature {self.name!r}: aggregate 'share' needs a 'filter'")
        if (self.aggregate == "last_mean") != (self.rows is not None):
            raise ValueError(f"feature {self.name!r}: 'rows' goes with aggregate 'last_mean', and only with it")
        if self.aggregate == "value" and (self.window is not None or self.filter is not None):
            raise ValueError(f"feature {self.name!r}: aggregate 'value' takes neither window nor filter")
        if self.type == "category" and self.aggregate not in ("value", "first", "last"):
            raise ValueError(f"feature {self.name!r}: a category comes from 'value', 'first' or 'last'")
        if self.type == "category" and self.monotone is not None:
            raise ValueError(f"feature {self.name!r}: a category has no order, so it cannot be monotone")
        if self.type == "category" and self.fill is not None:
            raise ValueError(f"feature {self.name!r}: 'fill' is a number; a category without a value stays missing")
        return self


class FeatureGroup(Section):
    """Features of one source, joined to the decision by one key."""

    source: Name
    """The source whose rows are aggregated."""
    key: ColumnName
    """The column of this source that holds the key."""
    unit_key: ColumnName | None = None
    """The column of the unit's source to join with; the same name as `key` if absent."""
    features: Annotated[Many[Feature], Field(min_length=1)]
    """The features, in the order of the training table's columns."""


class DerivedFeature(Section):
    """A restricted SQL expression over features declared before it."""

    name: Name
    """The training table's column."""
    expression: Annotated[str, Field(min_length=1)]
    """Restricted SQL over the names of features declared before it."""
    fill: float | None = None
    """What stands in where the expression has no value; absent: missing."""
    monotone: Monotone | None = None
    """The direction in which the prediction may move with this feature."""
    description: str = ""
    """What it tells."""


class Features(Section):
    """All features of a model, in the order of the training table's columns."""

    groups: Annotated[Many[FeatureGroup], Field(min_length=1)]
    """Aggregates, by the source they are taken of."""
    derived: Many[DerivedFeature] = ()
    """Features calculated from other features."""
    hidden: Many[Name] = ()
    """Features computed only for others to be derived from: not given to the model."""

    def names(self) -> tuple[str, ...]:
        """Every feature, hidden ones too: the groups' in order, then the derived."""
        grouped = tuple(feature.name for group in self.groups for feature in group.features)
        return grouped + tuple(feature.name for feature in self.derived)

    @model_validator(mode="after")
    def _distinct(self) -> Features:
        if twice := repeated(self.names()):
            raise ValueError(f"feature {twice!r} is declared twice")
        if twice := repeated(self.hidden):
            raise ValueError(f"feature {twice!r} is hidden twice")
        return self
