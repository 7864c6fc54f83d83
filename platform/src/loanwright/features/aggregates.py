"""One declared aggregate as one SQL expression over the rows that count for a decision.

Everything that adds up runs on whole numbers of 128 bit, with one floating-point operation at the very
end, so that neither the order of the rows nor the number of threads can change a byte: integers as they
are, numbers as multiples of 10^-decimals (`Column.decimals`). A sum that leaves 128 bit is an error of
the engine, never wrapped. The expressions read one row for each pair of decision and counted row::

    _at     the decision's time, whole microseconds of UTC
    event   when the row happened, whole microseconds of UTC
    age     _at - event, whole seconds
    seq     the row's place in the total order (event time, known time, row key)
    "v.x"   column x;  "u.x" the same in whole units;  "f.n" whether declared filter number n holds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loanwright.config.data import Column
from loanwright.config.features import Aggregate, Feature
from loanwright.data.engine import quoted

ADDING: frozenset[Aggregate] = frozenset({"sum", "mean", "std", "last_mean", "trend"})
"""Aggregates that add values up, and so run on whole units."""
ORDERED: frozenset[Aggregate] = frozenset({"first", "last", "last_mean"})
"""Aggregates that need the rows' total order."""

MICROSECONDS = 1_000_000
_DAY = 86_400


def units(column: Column) -> int:
    """How many whole units make 1 of this column."""
    return 10**column.decimals if column.type == "number" else 1


@dataclass(frozen=True)
class Counted:
    """What a feature counts: its column's contract, the number of its filter, and the window if it is to be applied."""

    feature: Feature
    column: Column | None
    filter: int | None
    window: int | None
    """Seconds; None if no older rows are there."""

    @property
    def value(self) -> str:
        """The column's value."""
        return quoted(f"v.{self.feature.column}")

    @property
    def whole(self) -> str:
        """The column's value in whole units."""
        return quoted(f"u.{self.feature.column}")

    @property
    def matches(self) -> str:
        """Whether the declared filter holds."""
        return quoted(f"f.{self.filter}")

    @property
    def scale(self) -> int:
        """How many whole units make 1."""
        return units(self.column) if self.column is not None else 1

    @property
    def n(self) -> str:
        """How many rows count."""
        return self.over("count(*)")

    def over(self, call: str, *more: str) -> str:
        """An aggregate's call, over the rows that count and fulfil `more`."""
        conditions = list(more)
        if self.window is not None:
            conditions.append(f"event >= _at - {self.window * MICROSECONDS}")
        if self.filter is not None and self.feature.aggregate != "share":
            conditions.append(self.matches)
        if self.feature.column is not None:
            conditions.append(f"{self.value} IS NOT NULL")
        return f"{call} FILTER (WHERE {' AND '.join(conditions)})" if conditions else call

    def total(self, *factors: str) -> str:
        """The exact sum of a product of whole numbers."""
        return self.over(f"sum({' * '.join(factors)})")


def expression(counted: Counted) -> str:
    """The SQL expression of one feature, null when there is nothing to aggregate.

    A null in the column is no row for it. `count` and `distinct` of nothing are 0.
    """
    return _WRITERS[counted.feature.aggregate](counted)


def _std(of: Counted) -> str:
    moment = f"{of.n} * {of.total(of.whole, of.whole)} - {of.total(of.whole)} * {of.total(of.whole)}"
    freedom = f"CAST({of.n} AS HUGEINT) * ({of.n} - 1) * {of.scale**2}"
    return f"sqrt({_ratio_of_large(moment, freedom)})"


def _trend(of: Counted) -> str:
    # Age runs against time, so the slope over time is minus the slope over age.
    covariance = f"{of.total('age')} * {of.total(of.whole)} - {of.n} * {of.total('age', of.whole)}"
    variance = f"{of.n} * {of.total('age', 'age')} - {of.total('age')} * {of.total('age')}"
    return _ratio_of_large(f"({covariance}) * {_DAY}", f"({variance}) * {of.scale}")


def _last_mean(of: Counted) -> str:
    latest = of.over(f"arg_max({of.whole}, seq, {of.feature.rows})")
    return _ratio(f"list_sum({latest})", f"len({latest}) * {of.scale}")


def _ratio(numerator: str, denominator: str) -> str:
    return f"CAST({numerator} AS DOUBLE) / nullif(CAST({denominator} AS DOUBLE), 0)"


def _ratio_of_large(numerator: str, denominator: str) -> str:
    # Squares pass 64 bit soon, where the engine's own cast rounds twice; by way of text it gives the nearest double.
    return _ratio(f"CAST({numerator} AS VARCHAR)", f"CAST({denominator} AS VARCHAR)")


_WRITERS: Mapping[Aggregate, Callable[[Counted], str]] = {
    "count": lambda of: of.n,
    "distinct": lambda of: of.over(f"count(DISTINCT {of.value})"),
    "min": lambda of: of.over(f"min({of.value})"),
    "max": lambda of: of.over(f"max({of.value})"),
    "first": lambda of: of.over(f"arg_min({of.value}, seq)"),
    "last": lambda of: of.over(f"arg_max({of.value}, seq)"),
    "sum": lambda of: _ratio(of.total(of.whole), str(of.scale)) if of.scale > 1 else of.total(of.whole),
    "mean": lambda of: _ratio(of.total(of.whole), f"{of.n} * {of.scale}"),
    "std": _std,
    "last_mean": _last_mean,
    "trend": _trend,
    "share": lambda of: _ratio(of.over("count(*)", of.matches), of.n),
    "seconds_since_last": lambda of: f"CAST(min(_at - event){of.over('')} AS DOUBLE) / {MICROSECONDS}",
}
"""Every aggregate but `value`, which is read and not aggregated."""
