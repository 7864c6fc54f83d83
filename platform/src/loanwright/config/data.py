"""The `data` section: what one row of the training table is, and the contracts of its sources."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from loanwright.config.base import Many, Moment, Name, Seconds, Section, Whole, repeated, without_secret
from loanwright.errors import near

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
Scalar = Annotated[
    bool | Whole | float | str, WithJsonSchema({"$comment": "scalar", "type": ["boolean", "number", "string"]})
]
"""A value that a column may hold."""

_SCHEMES = ("public", "world", "s3", "sql+env", "file")
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*/.+")
_LOGIN = re.compile(r"[^/]*:.*@")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "category": (str, int),
    "boolean": (bool,),
    "time": (),
}


def holds(column_type: str, value: bool | float | str) -> bool:
    """Whether a column of that declared type can hold the value; nothing declared can equal a time."""
    return isinstance(value, _PYTHON_TYPES[column_type]) and (isinstance(value, bool) == (column_type == "boolean"))


class Column(Section):
    """The contract of one column."""

    name: ColumnName
    """As the source spells it."""
    type: Literal["integer", "number", "text", "category", "boolean", "time"]
    """`integer` (64 bit; money is integer minor units), `number` (finite float), `text`, `category`
    (text or integer with few values), `boolean`, or `time` (UTC; a plain day is its midnight)."""
    nullable: bool = False
    """Whether a value may be missing."""
    min: float | None = None
    """The smallest value a number may have."""
    max: float | None = None
    """The largest value a number may have."""
    values: Annotated[Many[Scalar], Field(min_length=1)] | None = None
    """All values the column may take."""
    decimals: Annotated[Whole, Field(ge=0, le=9)] = 6
    """For `number`: how many decimal places count where the column is added up (sum, mean, std, trend),
    which is done in whole units of that size, exactly."""
    null_values: Many[str] = ()
    """Texts that a CSV file writes for 'missing', beside the empty one."""
    time_zone: str | None = None
    """IANA zone of a time column without one; times without a zone are refused otherwise."""
    barred: bool = False
    """May never feed a feature: protected attributes, outcomes, anything known only afterwards."""
    slice: bool = False
    """Carried beside the features (as `unit.<name>`), so that metrics can be shown by its values."""
    description: str = ""
    """What it means."""

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            from zoneinfo import ZoneInfo, available_timezones

            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"{value!r} is no IANA time zone{near(value, available_timezones())}") from None
        return value

    @model_validator(mode="after")
    def _bounds(self) -> Column:
        if (self.min is not None or self.max is not None) and self.type not in ("integer", "number"):
            raise ValueError(f"column {self.name!r} is of type {self.type!r}: min and max are for numbers")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"column {self.name!r} has min {self.min:g} above max {self.max:g}")
        if self.time_zone is not None and self.type != "time":
            raise ValueError(f"column {self.name!r} is of type {self.type!r}: time_zone is for times")
        for value in self.values or ():
            if not holds(self.type, value):
                raise ValueError(f"column {self.name!r} is of type {self.type!r} and cannot hold the value {value!r}")
        return self


def _address(value: str) -> str:
    scheme, sign, rest = value.partition("://")
    if sign and scheme not in _SCHEMES:
        raise ValueError(
            f"{without_secret(scheme) + sign!r} is not read: a source is at public://<set>/<table>, "
            "world://<table>, s3://bucket/prefix/, a path, "
            "or sql+env://VARIABLE/<table> for a database whose address stands in that environment variable"
        )
    host = rest.partition("/")[0]
    if scheme == "sql+env" and not _TABLE.fullmatch(rest):
        raise ValueError("a table of a database is sql+env://VARIABLE/<table>: its address stands in that variable")
    if ("@" in host or ":" in host) if sign else _LOGIN.match(value):
        raise ValueError(
            "holds a user or a password, which would be written to files: a database's address stands in an "
            "environment variable, as in sql+env://VARIABLE/<table>, and S3's keys in AWS_*"
        )
    return value


Address = Annotated[str, Field(min_length=1), AfterValidator(_address)]
"""Where a source's rows are. It is stored and shown, so it holds no secret."""


class Volume(Section):
    """How many rows a source may have."""

    min: Annotated[Whole, Field(ge=1)] = 1
    """The fewest."""
    max: Whole | None = None
    """The most."""

    @model_validator(mode="after")
    def _ordered(self) -> Volume:
        if self.max is not None and self.min > self.max:
            raise ValueError(f"rows has min {self.min} above max {self.max}")
        return self


class Source(Section):
    """One table of the outside world, and what must hold of it."""

    name: Name
    """What the rest of the declaration calls it."""
    uri: Address
    """`public://<set>/<table>`, `world://<table>` (synthetic), `s3://bucket/prefix/`, a path of a file or folder, or
    `sql+env://VARIABLE/<table>` (a database whose address stands in that environment variable)."""
    format: Literal["auto", "parquet", "csv"] = "auto"
    """`auto` goes by the files' names."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """The character between the fields of a CSV file."""
    encoding: str = "utf-8"
    """The text encoding of a CSV file."""
    key: Annotated[Many[ColumnName], Field(min_length=1)]
    """The columns that name a row; unique together (with the known time, where rows are restated)."""
    event_time: ColumnName | None = None
    """When it happened. Windows are measured on it."""
    known_time: ColumnName | None = None
    """When it could first be known; the event time if absent."""
    early_known: Literal["refuse", "clip"] = "refuse"
    """What to do about rows known before they happened: `clip` takes them as known when they happened."""
    columns: Annotated[Many[Column], Field(min_length=1)]
    """The contracts of the columns that are read."""
    rows: Volume = Volume()
    """How many rows there may be."""
    max_age: Seconds | None = None
    """Freshness: the newest row may be at most this old at `data_cutoff`, or now if there is none."""
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    """What to do about columns that are not declared."""
    synthetic: bool = False
    """The rows were made up: no model of them is ever called usable. Parquet files can say so themselves."""

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, value: str) -> str:
        try:
            codecs.lookup(value)
        except (LookupError, ValueError):
            raise ValueError(f"{value!r} is no known text encoding; the usual ones are 'utf-8' and 'cp1252'") from None
        return value

    @model_validator(mode="after")
    def _distinct(self) -> Source:
        if twice := repeated(column.name for column in self.columns):
            raise ValueError(f"source {self.name!r} declares column {twice!r} twice")
        if twice := repeated(self.key):
            raise ValueError(f"source {self.name!r} names column {twice!r} twice in its key")
        if self.early_known == "clip" and (self.event_time is None or self.known_time is None):
            raise ValueError(f"source {self.name!r} clips a known_time to its event_time, and does not have both")
        return self

    def column(self, name: str) -> Column | None:
        """The column's contract, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def known(self) -> str | None:
        """The column that says when a row was known."""
        return self.known_time or self.event_time


class Unit(Section):
    """What a decision is about: one row of `source` is one decision."""

    name: Name
    """A word for it, such as `client` or `application`."""
    source: Name
    """The source whose rows are the decisions."""
    key: ColumnName
    """The column that identifies a decision."""


class DecisionTime(Section):
    """When the decision is taken: a column of the unit's source, or one constant moment."""

    column: ColumnName | None = None
    """A time column of the unit's source."""
    constant: Moment | None = None
    """One moment for all decisions, for data without times of its own."""

    @model_validator(mode="after")
    def _one(self) -> DecisionTime:
        if (self.column is None) == (self.constant is None):
            raise ValueError("decision_time takes either 'column' or 'constant'")
        return self


class LabelEvent(Section):
    """A label made from events: is there a matching row in [decision, decision + within)?"""

    source: Name
    """The source of the events; it has an `event_time`."""
    key: ColumnName
    """The event source's column that holds the unit's key."""
    filter: str = "true"
    """A restricted SQL condition over the source's columns: which rows count."""
    within: Seconds
    """How long after the decision a row counts."""


class Label(Section):
    """What is predicted: a 0/1 column of the unit's source, or an event."""

    name: Name
    """What the prediction is called."""
    column: ColumnName | None = None
    """The unit's source's column that tells what happened."""
    positive: Scalar = 1
    """The column's value that counts as 1; every other value is 0."""
    event: LabelEvent | None = None
    """Events that tell what happened, instead of a column."""
    matures_after: Seconds
    """How long after the decision the outcome is final: the embargo of a split by time."""

    @model_validator(mode="after")
    def _one(self) -> Label:
        if (self.column is None) == (self.event is None):
            raise ValueError("label takes either 'column' or 'event'")
        return self


class Data(Section):
    """Sources, unit, decision time and label."""

    unit: Unit
    """What a decision is about."""
    decision_time: DecisionTime
    """When it is taken."""
    label: Label
    """What is predicted."""
    sources: Annotated[Many[Source], Field(min_length=1)]
    """The tables that are read, and what must hold of them."""

    def source(self, name: str) -> Source | None:
        """The source of that name, or None."""
        return next((source for source in self.sources if source.name == name), None)

    @property
    def unit_source(self) -> Source:
        """The source whose rows are the decisions (checked to exist when the declaration is read)."""
        return next(source for source in self.sources if source.name == self.unit.source)

    @model_validator(mode="after")
    def _distinct(self) -> Data:
        if twice := repeated(source.name for source in self.sources):
            raise ValueError(f"source {twice!r} is declared twice")
        return self
