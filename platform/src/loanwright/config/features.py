"""The `features` section: what is known of a unit at its decision time, declared once."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from loanwright.config.aggregates import AGGREGATES, Aggregate
from loanwright.config.base import (
    DURATION_SCHEMA,
    LONGEST_NAME,
    Many,
    Name,
    Seconds,
    Section,
    Whole,
    as_seconds,
    repeated,
    spell_duration,
)
from loanwright.config.data import ColumnName

Monotone = Literal["increasing", "decreasing"]
ALL = "all"
"""Among `windows`: all history."""
_MOST_INTERVALS = 400
_MOST_KEYS = 4


def _window(value: Any) -> Any:
    if value == ALL:
        return 0
    seconds = as_seconds(value)
    if seconds <= 0:
        raise ValueError(f"must be above 0, not {value!r}; all history is '{ALL}'")
    return seconds


def _spelt(window: int) -> str:
    return spell_duration(window) if window else ALL


Window = Annotated[
    int,
    BeforeValidator(_window),
    PlainSerializer(_spelt, return_type=str),
    WithJsonSchema({"$comment": "window", "anyOf": [{"const": ALL}, *DURATION_SCHEMA]}),
]
"""Seconds; 0 stands for all history, written `all`."""


class Feature(Section):
    """One aggregate over the rows of a group's source in [decision - offset - window, decision - offset).

    Whatever the window, only rows known before the decision count, in the version known then.
    """

    name: Name
    """The training table's column; with `windows`, each column's name has its window behind it: `paid_30d`."""
    aggregate: Aggregate
    """`value`: the column of the one row with this key (the group's source has one row per key).
    `ratio`: the sum of `column` over the sum of `by`. `last_mean`: mean of the last `rows` rows.
    `streak`: how many of the last `rows` rows match `filter` without a break, counted from the latest.
    `as_of`: the latest row's column, null if it is null there (`last` skips nulls). `balance`: the sum of a signed
    column over all history. `trend`: least-squares slope of the column per day. `share`: the fraction of rows
    that match `filter`. `distinct`: distinct count, exact unless `sketch` is given. `decayed_sum`, `decayed_count`:
    a row of n whole `interval`s of age weighs 2^(-n interval / half_life)."""
    column: ColumnName | None = None
    """What is aggregated; `count`, `decayed_count` count rows without one."""
    by: ColumnName | None = None
    """For `ratio`: the column whose sum the other is divided by."""
    window: Seconds | None = None
    """How far back rows count; absent: all history."""
    windows: Annotated[Many[Window], Field(min_length=1)] | None = None
    """Several windows at once, each a feature of its own; `all` is all history."""
    offset: Seconds | None = None
    """How long before the decision the window ends; what is known is still what was known at the decision."""
    filter: str | None = None
    """A restricted SQL condition over the source's columns, and `outcome` if the group has one."""
    rows: Annotated[Whole, Field(ge=1, le=64)] | None = None
    """For `last_mean` and `streak`: of how many rows."""
    half_life: Seconds | None = None
    """For decayed sums: after how long a row weighs half."""
    interval: Seconds | None = None
    """For decayed sums: the whole intervals that age is counted in, back from the window's end; absent: `half_life`."""
    sketch: Literal[256, 1024, 4096, 16384] | None = None
    """For `distinct`: estimate by linear counting in so many cells (Whang et al., 1990) instead of exactly."""
    fill: float | None = None
    """The null rule: what stands in when there is nothing to aggregate; absent: missing."""
    type: Literal["number", "category"] = "number"
    """A `category` comes from `value`, `as_of`, `first` or `last` of a text, an integer or a boolean."""
    monotone: Monotone | None = None
    """The direction in which the prediction may move with this feature."""
    credit: bool = True
    """Whether it may be used in a credit decision; where `purpose` is `credit`, other features must be hidden."""
    owner: str = ""
    """Who answers for it; absent: the model's owner."""
    description: str = ""
    """What it tells."""

    @model_validator(mode="after")
    def _needs(self) -> Feature:
        shape = AGGREGATES[self.aggregate]
        if problem := shape.problem(self.aggregate, {name for name in shape.ABOUT if getattr(self, name) is not None}):
            raise ValueError(f"feature {self.name!r}: {problem}")
        if self.window is not None and self.windows is not None:
            raise ValueError(f"feature {self.name!r} has both 'window' and 'windows'")
        if self.windows is not None and (twice := repeated(map(str, self.windows))):
            raise ValueError(f"feature {self.name!r} has window {_spelt(int(twice))!r} twice")
        if too_long := next((each.name for each in self.spread() if len(each.name) > LONGEST_NAME), None):
            raise ValueError(f"feature {too_long!r} has a name of more than {LONGEST_NAME} characters with its window")
        if self.half_life is not None:
            self._check_decay()
        if self.type == "category" and not shape.category:
            raise ValueError(f"feature {self.name!r}: a category comes from 'value', 'first', 'last' or 'as_of'")
        if self.type == "category" and self.monotone is not None:
            raise ValueError(f"feature {self.name!r}: a category has no order, so it cannot be monotone")
        if self.type == "category" and self.fill is not None:
            raise ValueError(f"feature {self.name!r}: 'fill' is a number; a category without a value stays missing")
        return self

    def _check_decay(self) -> None:
        step = self.step
        for window in self.windows or (self.window,):
            if not window:
                raise ValueError(f"feature {self.name!r}: a decayed sum needs a window, after which rows weigh nothing")
            if window % step:
                raise ValueError(
                    f"feature {self.name!r}: window {_spelt(window)!r} is no whole number of intervals "
                    f"of {_spelt(step)!r}"
                )
            if window // step > _MOST_INTERVALS:
                raise ValueError(
                    f"feature {self.name!r}: window {_spelt(window)!r} has {window // step:,} intervals of "
                    f"{_spelt(step)!r}, more than {_MOST_INTERVALS}: declare a longer 'interval'"
                )

    @property
    def step(self) -> int:
        """Seconds of the intervals in which a decayed sum counts age."""
        return self.interval or self.half_life or 0

    def spread(self) -> tuple[Feature, ...]:
        """One feature for each window: itself, unless it declares several."""
        if self.windows is None:
            return (self,)
        return tuple(
            self.model_copy(update={"name": f"{self.name}_{_spelt(window)}", "window": window or None, "windows": None})
            for window in self.windows
        )


def _key_columns(value: Any) -> Any:
    names = value if isinstance(value, list | tuple) else [value]
    if not 1 <= len(names) <= _MOST_KEYS or not all(isinstance(name, str) and 1 <= len(name) <= 200 for name in names):
        raise ValueError(f"must be the name of a column, or a list of 1 to {_MOST_KEYS} of them")
    return value


KeyColumns = Annotated[
    ColumnName | Annotated[Many[ColumnName], Field(min_length=1, max_length=_MOST_KEYS)], BeforeValidator(_key_columns)
]
"""One column, or several that make a key together."""


class Via(Section):
    """Where a group's rows get their key from, if they do not hold it: a row of another source."""

    source: Name
    """The source that holds the key: one row (in each version) for each value of `key`."""
    key: ColumnName
    """That source's column to join by: its only key."""
    column: ColumnName | None = None
    """The column of the group's source to join with; the same name as `key` if absent."""


class Outcome(Section):
    """What became of a group's rows, as far as it was final and known: the condition `outcome` in its filters.

    A row counts from its maturity on: windows are measured on that time, and not on when it happened.
    """

    source: Name
    """The source of the events; it has an `event_time`."""
    key: ColumnName
    """The event source's column that names the group's row, which has a single key."""
    filter: str = "true"
    """A restricted SQL condition over the event source's columns: which events count."""
    within: Seconds
    """How long after the row an event counts."""
    matures_after: Seconds
    """How long after the row its outcome is final."""

    @model_validator(mode="after")
    def _final(self) -> Outcome:
        if self.within > self.matures_after:
            raise ValueError("within is longer than matures_after: an outcome is not final before its window ends")
        return self


class FeatureGroup(Section):
    """Features of one source, joined to the decision by one key, or by a pair."""

    source: Name
    """The source whose rows are aggregated."""
    key: KeyColumns
    """The column of this source (or of `via`'s) that holds the key, or several that make it together."""
    unit_key: KeyColumns | None = None
    """The columns of the unit's source to join with; the same names as `key` if absent."""
    via: Via | None = None
    """The source that holds the key, where the rows themselves do not."""
    outcome: Outcome | None = None
    """What became of the rows: makes `outcome` a condition that their filters may use."""
    features: Annotated[Many[Feature], Field(min_length=1)]
    """The features, in the order of the training table's columns."""

    @cached_property
    def every(self) -> tuple[Feature, ...]:
        """The features, each with one window."""
        return tuple(one for feature in self.features for one in feature.spread())

    def part(self, chosen: tuple[Feature, ...]) -> FeatureGroup:
        """The group with these features alone."""
        return FeatureGroup(
            source=self.source,
            key=self.key,
            unit_key=self.unit_key,
            via=self.via,
            outcome=self.outcome,
            features=chosen,
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that make the key."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def unit_keys(self) -> tuple[str, ...]:
        """The columns of the unit's source that the key is joined with."""
        if self.unit_key is None:
            return self.keys
        return (self.unit_key,) if isinstance(self.unit_key, str) else self.unit_key

    @model_validator(mode="after")
    def _pairs(self) -> FeatureGroup:
        if len(self.keys) != len(self.unit_keys):
            raise ValueError(
                f"joins {len(self.keys)} columns of {self.source!r} with {len(self.unit_keys)} of the unit"
            )
        if twice := repeated(self.keys):
            raise ValueError(f"names {twice!r} twice in its key")
        return self


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
    credit: bool = True
    """Whether it may be used in a credit decision; a feature derived from one that may not, may not either."""
    owner: str = ""
    """Who answers for it; absent: the model's owner."""
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
    purpose: Literal["credit", "other"] = "credit"
    """What the model decides about: a `credit` decision is given no feature that may not be used in one."""

    def names(self) -> tuple[str, ...]:
        """Every feature, hidden ones too: the groups' in order, then the derived."""
        grouped = tuple(feature.name for group in self.groups for feature in group.every)
        return grouped + tuple(feature.name for feature in self.derived)

    @model_validator(mode="after")
    def _distinct(self) -> Features:
        if twice := repeated(self.names()):
            raise ValueError(f"feature {twice!r} is declared twice")
        if twice := repeated(self.hidden):
            raise ValueError(f"feature {twice!r} is hidden twice")
        return self
