"""Windows over all that went before: rows and moments of the keys in one order of time, and what runs along it.

Spark runs through each key by itself. DuckDB, whose windows by key build a tree of partial results for every column,
runs through all keys in one pass, behind one sort: a window without order of its own takes rows as they come, and they
come as the subquery puts them (DuckDB's documentation, "Order Preservation"). What ran through one key then goes on
into the next, so a reader asks only for what that cannot change: differences within a key, sums that are 0 at the end
of each key, and the last value together with its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loanwright.features.language.text import nested, select
from loanwright.features.texts.unit import Unit

AFTER_ALL = 4_611_686_018_427_387_903
"""A moment after every other: what never leaves leaves then, so that every key ends with 0."""


def run_along(unit: Unit, entries: str, columns: Sequence[str], calls: Mapping[str, str], *more: str) -> str:
    """The entries' columns, and aggregates of each entry and all that stand before it.

    Args:
        unit: its key's columns, `lw_pos` and `lw_kind` put the entries in order.
        entries: a query of them.
        columns: are handed on.
        calls: name → aggregate. On DuckDB it goes on over the keys.
        more: columns that order entries further.
    """
    order = ", ".join(["lw_pos, lw_kind", *more])
    if unit.dialect.runs_on:
        over = "OVER (ROWS UNBOUNDED PRECEDING)"
        sort = f"ORDER BY {', '.join(unit.keys)}, {order}"
        table = nested(select(["*"], nested(entries, "u"), sort), "o")
    else:
        over = f"OVER ({unit.partition} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
        table = nested(entries, "u")
    return select([*columns, *(f"{call} {over} AS {name}" for name, call in calls.items())], table)
