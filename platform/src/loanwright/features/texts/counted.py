"""What a feature counts: the condition a row must fulfil, its value, and its value in whole units.

Everything that adds up runs on whole numbers of 128 bit, with one floating-point operation at the very end,
so that neither the order of the rows nor the number of threads can change a byte: integers as they are,
numbers as multiples of 10^-decimals (`Column.decimals`). Leaving 128 bit is an error of the engine, never a wrap.
"""

from __future__ import annotations

from dataclasses import dataclass

from loanwright.config.data import Column
from loanwright.config.features import Feature
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.language.dialect import Dialect

_NARROW = 3_000_000_000
"""Whole numbers up to here have squares of 64 bit."""
_MATCHING = ("share", "streak")
"""Aggregates whose filter says which rows match, not which count."""


@dataclass(frozen=True)
class Counted:
    """One feature's row-level SQL, over the columns of `rows` (`visible`)."""

    feature: Feature
    condition: str
    """Whether a row counts; null is no."""
    matches: str
    """For `share` and `streak`: whether a row that counts matches."""
    value: str
    """The column as it is, for min, max, first, last."""
    whole: str
    """The column in whole units."""
    square: str
    """The square of that."""
    scale: int
    """How many whole units make 1."""
    by: str
    by_scale: int
    nullable: bool
    """Whether the column may be missing in a row."""

    @property
    def name(self) -> str:
        """The feature's name, as an SQL identifier."""
        return quoted(self.feature.name)


def counted(group: ResolvedGroup, feature: Feature, dialect: Dialect) -> Counted:
    """The row-level SQL of a feature of the group."""
    source = group.source
    column = source.column(feature.column) if feature.column is not None else None
    by = source.column(feature.by) if feature.by is not None else None
    said = group.conditions.get(feature.name, "TRUE")
    matching = feature.aggregate in _MATCHING
    conditions = [] if matching or said == "TRUE" else [f"({said})"]
    if feature.aggregate != "as_of":
        # What the contract says is never missing needs no look, and features then share their sums.
        conditions += [f"{quoted(each.name)} IS NOT NULL" for each in (column, by) if each and each.nullable]
    return Counted(
        feature,
        condition=" AND ".join(conditions) or "TRUE",
        matches=f"({said})",
        value=_value(column, feature),
        whole=_whole(column, dialect),
        square=_square(column, dialect),
        scale=units(column),
        by=_whole(by, dialect),
        by_scale=units(by),
        nullable=column is not None and column.nullable,
    )


def units(column: Column | None) -> int:
    """How many whole units make 1 of this column."""
    return 10**column.decimals if column is not None and column.type == "number" else 1


def _whole(column: Column | None, dialect: Dialect) -> str:
    if column is None:
        return "1"
    name = quoted(column.name)
    if column.type == "number":
        return dialect.widened(f"round({name} * {units(column)})")
    return dialect.summand(f"CAST({name} AS BIGINT)")


def _value(column: Column | None, feature: Feature) -> str:
    if column is None:
        return "NULL"
    name = quoted(column.name)
    if feature.type == "category" or column.type in ("text", "category") or feature.aggregate == "distinct":
        return name
    if column.type == "number":
        # Zero has two signs, and which of them min or max would show depends on the order of the rows.
        return f"CASE WHEN {name} = 0 THEN 0 ELSE {name} END"
    return f"CAST({name} AS BIGINT)"


def _square(column: Column | None, dialect: Dialect) -> str:
    whole = _whole(column, dialect)
    bounds = (column.min, column.max) if column is not None and column.type == "integer" else (None, None)
    narrow = all(bound is not None and abs(bound) <= _NARROW for bound in bounds)
    return f"{whole if narrow else dialect.widened(whole)} * {whole}"
