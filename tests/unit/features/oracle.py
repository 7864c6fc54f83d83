"""What a feature is, written so plainly that it can be checked by reading: one decision, one feature, lists.

Times are whole microseconds, rows are dictionaries, filters are Python functions by their declared text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from loanwright.config.data import Source
from loanwright.config.features import Feature, FeatureGroup

Row = Mapping[str, Any]
Filters = Mapping[str, Callable[[Row], bool | None]]

DAY = 86_400_000_000


def versions_at(rows: Sequence[Row], source: Source, decision: int) -> list[Row]:
    """Of every row the version that was the latest known strictly before the decision, if there was one."""
    latest: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: row[source.known]):
        if row[source.known] < decision:
            latest[tuple(row[name] for name in source.key)] = row
    return list(latest.values())


def counted(
    rows: Sequence[Row],
    source: Source,
    group: FeatureGroup,
    feature: Feature,
    filters: Filters,
    key: Any,
    decision: int,
) -> list[Row]:
    """The rows that count for the feature, in their total order; of `share` also those that do not match."""
    found = []
    for row in versions_at(rows, source, decision):
        if key is None or row[group.key] != key:
            continue
        happened = row[source.event_time]
        if happened >= decision:
            continue
        if feature.window is not None and happened < decision - feature.window * 1_000_000:
            continue
        if feature.filter is not None and feature.aggregate != "share" and filters[feature.filter](row) is not True:
            continue
        if feature.column is not None and row[feature.column] is None:
            continue
        found.append(row)
    return sorted(found, key=lambda row: (row[source.event_time], row[source.known], *[row[n] for n in source.key]))


def value(rows: Sequence[Row], source: Source, feature: Feature, filters: Filters, decision: int) -> Any:
    """The feature of the rows that count, in their order."""
    if feature.aggregate == "count":
        return float(len(rows))
    if feature.aggregate == "distinct":
        return float(len({row[feature.column] for row in rows}))
    result = _of_some(rows, source, feature, filters, decision) if rows else None
    return feature.fill if result is None else result


def _of_some(rows: Sequence[Row], source: Source, feature: Feature, filters: Filters, decision: int) -> Any:
    values = [row[feature.column] for row in rows] if feature.column else []
    units = [_exact(value) for value in values]
    result: Any
    match feature.aggregate:
        case "value" | "last":
            result = _as_declared(values[-1], feature)
        case "first":
            result = _as_declared(values[0], feature)
        case "min":
            result = float(min(values)) + 0.0
        case "max":
            result = float(max(values)) + 0.0
        case "sum":
            result = float(sum(units))
        case "mean":
            result = float(sum(units) / len(units))
        case "last_mean":
            latest = units[-(feature.rows or 0) :]
            result = float(sum(latest) / len(latest))
        case "std":
            result = _deviation(values)
        case "trend":
            result = _slope([-((decision - row[source.event_time]) // 1_000_000) for row in rows], values)
        case "share":
            matching = [row for row in rows if filters[feature.filter or ""](row) is True]
            result = len(matching) / len(rows)
        case "seconds_since_last":
            result = (decision - max(row[source.event_time] for row in rows)) / 1_000_000
        case _:
            raise AssertionError(feature.aggregate)
    return result


def _deviation(values: Sequence[Any]) -> float | None:
    """The sample standard deviation: root of one quotient of two whole numbers."""
    n, scale, whole = len(values), _scale(values), [int(_exact(value) * _scale(values)) for value in values]
    squares = n * sum(unit * unit for unit in whole) - sum(whole) ** 2
    return math.sqrt(float(squares) / float(n * (n - 1) * scale**2)) if n > 1 else None


def _slope(seconds: Sequence[int], values: Sequence[Any]) -> float | None:
    """Least squares per day, one quotient of two whole numbers; None if all seconds are one."""
    n, scale, whole = len(values), _scale(values), [int(_exact(value) * _scale(values)) for value in values]
    spread = n * sum(second * second for second in seconds) - sum(seconds) ** 2
    products = sum(second * unit for second, unit in zip(seconds, whole, strict=True))
    together = n * products - sum(seconds) * sum(whole)
    return float(together * 86_400) / float(spread * scale) if spread else None


def _scale(values: Sequence[Any]) -> int:
    return 10**6 if isinstance(values[0], float) else 1


def _exact(value: Any) -> Any:
    """A value as it adds up: whole numbers as they are, others in the column's six declared decimals."""
    if isinstance(value, float):
        return Fraction(int(Decimal(value * 10**6).to_integral_value(ROUND_HALF_UP)), 10**6)
    return Fraction(value) if isinstance(value, int) else None


def _as_declared(value: Any, feature: Feature) -> Any:
    if feature.type == "category":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return float(value) + 0.0
