"""What each aggregate makes of the rows that count: the definition, in Python over lists.

What adds up is a whole number of any size until one quotient at the very end, whose two sides are each
rounded to the nearest double first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from loanwright.config.data import Column, Source
from loanwright.config.features import Feature
from loanwright.features.definition.decay import WEIGHT_ONE, decay_table, intervals_of
from loanwright.features.definition.rows import SECOND, GroupRows, Seen
from loanwright.features.definition.sketch import cell, linear_counting

_DAY = 86_400


@dataclass(frozen=True)
class Counted:
    """The rows that count for a feature at a decision, in their total order."""

    feature: Feature
    source: Source
    rows: Sequence[Seen]
    at: int
    """When the decision is taken, in microseconds."""
    group: GroupRows

    def values(self, name: str | None) -> list[Any]:
        """A column's values; of none, none."""
        return [] if name is None else [each.row[name] for each in self.rows]

    @property
    def own(self) -> list[Any]:
        """The values of the feature's column."""
        return self.values(self.feature.column)

    @property
    def units(self) -> list[int]:
        """Those in whole units."""
        return [in_units(value, self.column(self.feature.column)) for value in self.own]

    @property
    def scale(self) -> int:
        """How many whole units make 1."""
        return scale_of(self.column(self.feature.column))

    @property
    def ages(self) -> list[int]:
        """Microseconds from each row to the window's end."""
        end = self.at - (self.feature.offset or 0) * SECOND
        return [end - (each.event or 0) for each in self.rows]

    @property
    def matching(self) -> list[bool]:
        """Of each row whether the filter is exactly true."""
        return [self.group.matches(self.feature, each.row) for each in self.rows]

    def column(self, name: str | None) -> Column | None:
        """A column's contract."""
        return None if name is None else self.source.column(name)


def scale_of(column: Column | None) -> int:
    """How many whole units make 1 of a column."""
    return int(10**column.decimals) if column is not None and column.type == "number" else 1


def in_units(value: Any, column: Column | None) -> int:
    """A value in whole units: one product of doubles, halves away from zero."""
    if column is None or column.type != "number":
        return int(value)
    return int(Decimal(float(value) * float(scale_of(column))).to_integral_value(ROUND_HALF_UP))


def value_of(counted: Counted) -> Any:
    """The feature's value: a float, a text of a category, or None."""
    found = _AGGREGATES[counted.feature.aggregate](counted)
    return counted.feature.fill if found is None else found


def as_it_is(value: Any, feature: Feature) -> Any:
    """A single value as a number, or as a category's text."""
    if value is None:
        return None
    return as_text(value) if feature.type == "category" else float(value)


def as_text(value: Any) -> str:
    """A text, a whole number or a truth value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quotient(numerator: int, denominator: int) -> float | None:
    return float(numerator) / float(denominator) if denominator else None


def _ratio(of: Counted) -> float | None:
    by = of.column(of.feature.by)
    divisor = sum(in_units(value, by) for value in of.values(of.feature.by))
    return _quotient(sum(of.units) * scale_of(by), divisor * of.scale)


def _mean(units: Sequence[int], scale: int) -> float | None:
    return _quotient(sum(units), len(units) * scale)


def _deviation(of: Counted) -> float | None:
    """The sample's: with n - 1."""
    n, units = len(of.rows), of.units
    squares = n * sum(unit * unit for unit in units) - sum(units) ** 2
    variance = _quotient(squares, n * (n - 1) * of.scale**2)
    return None if variance is None else math.sqrt(variance)


def _slope(of: Counted) -> float | None:
    """Least squares over the whole seconds at which rows happened, per day."""
    n, seconds, units = len(of.rows), [(each.event or 0) // SECOND for each in of.rows], of.units
    spread = n * sum(second * second for second in seconds) - sum(seconds) ** 2
    products = sum(second * unit for second, unit in zip(seconds, units, strict=True))
    return _quotient((n * products - sum(seconds) * sum(units)) * _DAY, spread * of.scale)


def _distinct(of: Counted) -> float:
    if of.feature.sketch is None:
        return float(len(set(of.own)))
    cells = {cell(as_text(value), of.feature.sketch) for value in of.own}
    return linear_counting(of.feature.sketch)[len(cells)]


def _streak(of: Counted) -> float | None:
    latest = of.matching[-(of.feature.rows or 0) :]
    if not latest:
        return None
    return float(next((n for n, matches in enumerate(reversed(latest)) if not matches), len(latest)))


def _seconds_since(of: Counted, position: int) -> float | None:
    return _quotient(of.at - (of.rows[position].event or 0), SECOND) if of.rows else None


def _weights(of: Counted) -> list[int]:
    step, window = of.feature.step, of.feature.window or 0
    table = decay_table(step, of.feature.half_life or 0, window // step)
    return [table[intervals_of(age, step)] for age in of.ages]


def _decayed_sum(of: Counted) -> float | None:
    total = sum(weight * unit for weight, unit in zip(_weights(of), of.units, strict=True))
    return _quotient(total, WEIGHT_ONE * of.scale) if of.rows else None


def _single(of: Counted, choose: Callable[[list[Any]], Any]) -> Any:
    """One of the values, of which zero has one sign: which of two zeros is the least, nobody says."""
    found = as_it_is(choose(of.own), of.feature) if of.rows else None
    return found + 0.0 if isinstance(found, float) else found


def _balance(of: Counted) -> float | None:
    return 0.0 if not of.rows and of.feature.fill is None else _sum(of)


def _sum(of: Counted) -> float | None:
    return _quotient(sum(of.units), of.scale) if of.rows else None


_AGGREGATES: Mapping[str, Callable[[Counted], Any]] = {
    "value": lambda of: as_it_is(of.own[-1], of.feature) if of.rows else None,
    "count": lambda of: float(len(of.rows)),
    "sum": _sum,
    "ratio": _ratio,
    "balance": _balance,
    "mean": lambda of: _mean(of.units, of.scale),
    "min": lambda of: _single(of, min),
    "max": lambda of: _single(of, max),
    "std": _deviation,
    "distinct": _distinct,
    "first": lambda of: _single(of, lambda values: values[0]),
    "last": lambda of: _single(of, lambda values: values[-1]),
    "as_of": lambda of: _single(of, lambda values: values[-1]),
    "last_mean": lambda of: _mean(of.units[-(of.feature.rows or 0) :], of.scale),
    "trend": _slope,
    "share": lambda of: _quotient(sum(of.matching), len(of.rows)),
    "streak": _streak,
    "seconds_since_first": lambda of: _seconds_since(of, 0),
    "seconds_since_last": lambda of: _seconds_since(of, -1),
    "decayed_sum": _decayed_sum,
    "decayed_count": lambda of: _quotient(sum(_weights(of)), WEIGHT_ONE),
}
