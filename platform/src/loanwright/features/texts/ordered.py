"""Windows over all that went before: rows and moments of the keys in one order of time, and what runs along it.

Spark runs through each key by itself. DuckDB, whose windows by key build a tree of partial results for every column,
runs through all keys in one pass, behind one sort: a window without order of its own takes rows as they come, and they
come as the subquery puts them (DuckDB's documentation, "Order Preservation"). For many rows it does so twice side by
side, each time for the keys that a hash deals to that pass. What ran through one key then goes on
into the next, so a reader asks only for what that cannot change: differences within a key, sums that are 0 at the end
of each key, and the last value together with its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loanwright.features.language.text import nested, select, union
from loanwright.features.texts.unit import Unit

AFTER_ALL = 4_611_686_018_427_387_903
"""A moment after every other: what never leaves leaves then, so that every key ends with 0."""


def run_along(
    unit: Unit, entries: str, columns: Sequence[str], calls: Mapping[str, str], *more: str, passes: int = 1
) -> str:
    """The entries' columns, and aggregates of each entry and all that stand before it.

    Args:
        unit: its key's columns, `lw_pos` and `lw_kind` put the entries in order.
        entries: a query of them.
        columns: are handed on.
        calls: name → aggregate. On DuckDB it goes on over the keys.
        more: columns that order entries further.
        passes: side by side, where windows run over all keys; for sums, where the pass costs more than the sort.
    """
    order = ", ".join(["lw_pos, lw_kind", *more])
    if not unit.dialect.runs_on:
        over = f"OVER ({unit.partition} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"
        return select([*columns, *_running(calls, over)], nested(entries, "u"))
    found = [*columns, *_running(calls, "OVER (ROWS UNBOUNDED PRECEDING)")]
    keys = ", ".join(unit.keys)
    dealt = [f"WHERE hash({keys}) % {passes} = {number}" if passes > 1 else "" for number in range(passes)]
    sort = f"ORDER BY {keys}, {order}"
    return union(*(select(found, nested(select(["*"], nested(entries, "u"), chosen, sort), "o")) for chosen in dealt))


def _running(calls: Mapping[str, str], over: str) -> list[str]:
    return [f"{call} {over} AS {name}" for name, call in calls.items()]
