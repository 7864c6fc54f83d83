"""A look at one column of a file: the narrowest type that holds all its values, and what those are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loanwright.config.data import Column

if TYPE_CHECKING:
    import duckdb

MOST_VALUES = 50
"""A text column with at most so many different values is a category."""

_FEW = 5
"""A text that differs in more than every fifth row is no category."""
_FIRST = 2_000
"""Rows on which the types that a column cannot have are ruled out, before the rest are tried on all."""
_MISSING = ("NA", "N/A", "n/a", "NULL", "null", "None", "none", "NaN", "nan", "?", "-", ".")
_CANDIDATES = {
    "text": ("integer", "number", "boolean", "time", "naive"),
    "integer": ("integer",),
    "float": ("integer", "number"),
    "boolean": ("boolean",),
    "zoned": ("time",),
    "day": ("time",),
    "naive": ("naive",),
    "null": (),
}


@dataclass(frozen=True)
class Seen:
    """One column as its values are: the contract they keep, how many differ, and from where to where they go.

    `values` are all different values as text, most frequent first, if they are few; else empty.
    """

    column: Column
    distinct: int
    missing: int
    low: str
    high: str
    values: tuple[str, ...]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


def contract(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> Column | None:
    """What a column's values keep to; None if no declared type can hold them.

    Args:
        connection: has the column in a table `given`, as the file gives it.
        name: of the column.
        kind: how the file holds it, as `contract_types.physical` says.
    """
    from loanwright.data.contract_types import converted, raw
    from loanwright.data.engine import quoted

    if kind not in _CANDIDATES:
        return None
    markers = _markers(connection, name) if kind == "text" else ()
    possible = [_as(candidate, name, markers) for candidate in _CANDIDATES[kind]]
    there = f"count({raw(_as('text', name, markers), kind)})"
    given = 0
    for table in (f"(SELECT * FROM given LIMIT {_FIRST})", "given"):
        counts = ", ".join([there, *(f"count({converted(column, kind)})" for column in possible)])
        given, *held = connection.execute(f"SELECT {counts} FROM {table}").fetchall()[0]
        possible = [column for column, count in zip(possible, held, strict=True) if count == given]
    if not possible or not given:
        return _as("text", name, ()) if kind == "text" or not given else None
    best = possible[0]
    if best.type != "number":
        return best
    infinite = f"SELECT DISTINCT {quoted(name)}::VARCHAR FROM given WHERE isinf({converted(best, kind)}) ORDER BY 1"
    texts = tuple(row[0] for row in connection.execute(infinite).fetchall())
    if texts and kind != "text":
        return None
    return best.model_copy(update={"null_values": best.null_values + texts})


def summary(connection: duckdb.DuckDBPyConnection, column: Column, *, whole: bool) -> Seen:
    """What a column's values are like.

    Args:
        connection: has the column's typed values in a table `seen`.
        column: its contract so far.
        whole: whether these are all of its values; if not, others may be missing.
    """
    from loanwright.data.engine import as_text, quoted

    name, shown = quoted(column.name), as_text(column.name, column.type)
    least, most = (f"(SELECT {shown} FROM (SELECT {end}({name}) AS {name} FROM seen))" for end in ("min", "max"))
    rows, distinct, missing, low, high = connection.execute(
        f"SELECT count(*), count(DISTINCT {name}), count(*) - count({name}), {least}, {most} FROM seen"
    ).fetchall()[0]
    values: tuple[str, ...] = ()
    if distinct <= MOST_VALUES:
        query = f"SELECT {shown} FROM seen WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY count(*) DESC, {name}"
        values = tuple(row[0] for row in connection.execute(query).fetchall())
    few = column.type == "text" and 0 < distinct <= MOST_VALUES and distinct * _FEW <= rows
    changed = {"nullable": missing > 0 or not whole, "type": "category" if few else column.type}
    return Seen(column.model_copy(update=changed), distinct, missing, low or "", high or "", values)


def _markers(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """The texts in a column that may mean 'missing'; they do if all others are of one narrower type."""
    from loanwright.data.engine import literal, quoted

    known = ", ".join(map(literal, _MISSING))
    query = f"SELECT DISTINCT {quoted(name)} FROM given WHERE {quoted(name)} IN ({known}) ORDER BY 1"
    return tuple(row[0] for row in connection.execute(query).fetchall())


def _as(candidate: str, name: str, markers: tuple[str, ...]) -> Column:
    declared = {"type": "time", "time_zone": "UTC"} if candidate == "naive" else {"type": candidate}
    return Column.model_validate({"name": name, "null_values": markers, **declared})
