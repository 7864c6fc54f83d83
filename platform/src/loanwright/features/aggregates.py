"""One declared aggregate as one SQL expression over the rows joined to a decision.

Everything that adds up runs on whole numbers of 128 bit, with one floating-point operation at the very
end, so that neither the order of the rows nor the number of threads can change a byte: integers as they
are, numbers as multiples of 10^-decimals (`Column.decimals`). The expressions stand in a query of this
shape, and name its columns::

    SELECT d.unit_key, <expression>, ... FROM decisions d JOIN rows r ON ... GROUP BY d.unit_key

    d.at      the decision's time, whole microseconds of UTC
    r.event   when the row happened, whole microseconds of UTC
    r.seq     the row's place in the total order (event time, known time, row key)
    r."v.x"   the column x;  r."u.x" the same in whole units;  r."f.n" the declared filter number n
"""

from __future__ import annotations

from dataclasses import dataclass

from loanwright.config.data import Column
from loanwright.config.features import Aggregate, Feature

ADDING: frozenset[Aggregate] = frozenset({"sum", "mean", "std", "last_mean", "trend"})
"""Aggregates that add values up, and so run on whole units."""
ORDERED: frozenset[Aggregate] = frozenset({"first", "last", "last_mean"})
"""Aggregates that need the rows' total order."""
_MICROSECONDS = 1_000_000
_DAY = 86_400


@dataclass(frozen=True)
class Rows:
    """What an aggregate may count: the feature, its column's contract and the number of its filter."""

    feature: Feature
    column: Column | None
    filter: int | None


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def units(column: Column) -> int:
    """How many whole units make 1 of this column."""
    return 10**column.decimals if column.type == "number" else 1


def aggregate(rows: Rows, *, time_bound: bool) -> str:
    """The SQL expression of one feature, null when there is nothing to aggregate.

    A null in the column is no row for it. `count` and `distinct` of nothing are 0.

    Args:
        rows: the feature and what it counts.
        time_bound: whether the window must be applied here, because the join lets older rows pass.
    """
    feature = rows.feature
    value = quoted(f"v.{feature.column}")
    whole = f"r.{quoted(f'u.{feature.column}')}"
    conditions = []
    if time_bound and feature.window is not None:
        conditions.append(f"r.event >= d.at - {feature.window * _MICROSECONDS}")
    if rows.filter is not None and feature.aggregate != "share":
        conditions.append(f'r."f.{rows.filter}"')
    if feature.column is not None:
        conditions.append(f"r.{value} IS NOT NULL")
    where = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""

    def total(what: str) -> str:
        return f"sum({what}){where}"

    n = f"count(*){where}"
    scale = units(rows.column) if rows.column is not None else 1
    age = f"CAST((d.at - r.event) // {_MICROSECONDS} AS HUGEINT)"
    match feature.aggregate:
        case "count":
            return n
        case "distinct":
            return f"count(DISTINCT r.{value}){where}"
        case "min" | "max":
            return f"{feature.aggregate}(r.{value}){where}"
        case "first":
            return f"arg_min(r.{value}, r.seq){where}"
        case "last":
            return f"arg_max(r.{value}, r.seq){where}"
        case "sum":
            return _ratio(total(whole), str(scale))
        case "mean":
            return _ratio(total(whole), f"({n} * {scale})")
        case "last_mean":
            latest = f"arg_max({whole}, r.seq, {feature.rows}){where}"
            return _ratio(f"list_sum({latest})", f"(len({latest}) * {scale})")
        case "std":
            moment = f"{n} * {total(f'{whole} * {whole}')} - {total(whole)} * {total(whole)}"
            freedom = f"CAST({n} AS HUGEINT) * ({n} - 1) * {scale * scale}"
            return f"CASE WHEN {n} > 1 THEN sqrt({_ratio(moment, freedom)}) END"
        case "trend":
            # Age is time before the decision, so the slope over age is minus the slope over time.
            covariance = f"{total(age)} * {total(whole)} - {n} * {total(f'{age} * {whole}')}"
            variance = f"{n} * {total(f'{age} * {age}')} - {total(age)} * {total(age)}"
            return _ratio(f"({covariance}) * {_DAY}", f"({variance}) * {scale}")
        case "share":
            matching = " AND ".join([*conditions, f'r."f.{rows.filter}"'])
            return _ratio(f"count(*) FILTER (WHERE {matching})", n)
        case "seconds_since_last":
            return f"CAST(d.at - max(r.event){where} AS DOUBLE) / {_MICROSECONDS}"
        case "value":
            raise ValueError("'value' is read, not aggregated")


def _ratio(numerator: str, denominator: str) -> str:
    return f"CAST({numerator} AS DOUBLE) / nullif(CAST({denominator} AS DOUBLE), 0)"
