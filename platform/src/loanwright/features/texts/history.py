"""Aggregates of all that came before, where rows are known when they happen and never restated.

The newest row of all is the newest in any window that it is in, and an extreme of all history only ever grows or falls:
the rows and the decisions of each key stand in order of time, and each decision reads off what has come before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loanwright.features.language.text import nested, select, union
from loanwright.features.texts.ordered import run_along
from loanwright.features.texts.unit import Unit


@dataclass(frozen=True)
class Newest:
    """What some feature needs of the newest row that counts for it."""

    column: str
    """Null: the row does not count."""
    keys: tuple[str, ...]
    """The key's columns of rows that count; null of all others."""


@dataclass(frozen=True)
class Grown:
    """What some feature needs of all rows that have come."""

    call: str
    """`min`, `max`, or `first`: the value of the first row."""
    column: str


def newest_part(unit: Unit, wanted: Mapping[str, Newest]) -> str:
    """For each decision: values of the newest rows.

    Args:
        unit: the rows and the decisions.
        wanted: name → value.
    """
    rows = list(dict.fromkeys(column for each in wanted.values() for column in (each.column, *each.keys)))
    calls = {name: unit.dialect.last(name) for name in rows}
    running = run_along(unit, _entries(unit, rows), ["lw_kind", "lw_ord", "lw_pos", *unit.keys], calls, *_order(unit))
    found = []
    for name, each in wanted.items():
        same = " AND ".join(f"{key} = {own}" for key, own in zip(each.keys, unit.keys, strict=True))
        found.append(f"CASE WHEN {same} THEN {each.column} END AS {name}")
    return select(["lw_ord", unit.decided, *found], nested(running, "r"), "WHERE lw_kind = 0")


def grown_part(unit: Unit, wanted: Mapping[str, Grown]) -> str:
    """For each decision: extremes, and values of the first rows.

    Args:
        unit: the rows and the decisions.
        wanted: name → aggregate.
    """
    order = ", ".join(["lw_pos, lw_kind", *_order(unit)])
    over = f"OVER ({unit.partition} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
    found = []
    for name, each in wanted.items():
        call = unit.dialect.first(each.column) if each.call == "first" else f"{each.call}({each.column})"
        found.append(f"{call} {over} AS {name}")
    entries = _entries(unit, list(dict.fromkeys(each.column for each in wanted.values())))
    running = select(["lw_kind", "lw_ord", "lw_pos", *found], nested(entries, "u"))
    return select(["lw_ord", unit.decided, *wanted], nested(running, "r"), "WHERE lw_kind = 0")


def _order(unit: Unit) -> Sequence[str]:
    return unit.rows.order[1:]


def _entries(unit: Unit, columns: Sequence[str]) -> str:
    rows = select(
        [*unit.keys, "lw_event AS lw_pos", "1 AS lw_kind", "NULL AS lw_ord", *_order(unit), *columns],
        unit.part("unit"),
    )
    nothing = [f"NULL AS {name}" for name in (*_order(unit), *columns)]
    return union(rows, unit.every_decision([f"{unit.moment} AS lw_pos", "0 AS lw_kind", "lw_ord", *nothing]))
