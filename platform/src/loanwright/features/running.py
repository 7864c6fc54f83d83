"""Aggregates by running sums: one sort puts rows and the edges of every decision's windows in order of time.

A sum over a window is the running sum at its end less the running sum at its start (the edge-union), as if every
row was known when it happened; `edges` takes back what was not, and counts the rows that are known only after
they left a window, or are restated before they leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loanwright.features.dialect import Dialect
from loanwright.features.text import nested, select, union
from loanwright.features.unit import EVER, Unit
from loanwright.features.visible import MICROSECONDS


@dataclass(frozen=True)
class Total:
    """A sum that some feature needs: of one column of the rows, over one window, or decaying by one table."""

    column: str
    window: int
    weights: tuple[int, ...] = ()
    """Of a decayed sum: what a row weighs by the whole intervals of its age."""


@dataclass(frozen=True)
class Growing:
    """An extreme over all history, which only ever grows or only ever falls as rows come."""

    call: str
    """`min` or `max`."""
    column: str


def running_part(unit: Unit, totals: Mapping[str, Total], growing: Mapping[str, Growing]) -> str:
    """For each decision: the totals of natural rows, and the extremes of all that had come.

    Args:
        totals: name → sum.
        growing: name → extreme.
    """
    columns = tuple(dict.fromkeys(total.column for total in totals.values()))
    slots = _slots(unit, totals)
    union_of = union(_entries(unit, columns, growing), _probes(unit, slots, columns, list(growing)))
    over = f"OVER ({unit.partition} ORDER BY lw_pos, lw_kind ROWS UNBOUNDED PRECEDING)"
    running = select(
        [
            "lw_kind",
            "lw_ord",
            "lw_slot",
            *(unit.keys if growing else ()),
            *(f"sum({name}) {over} AS {name}" for name in columns),
            *(f"{extreme.call}({name}) {over} AS {name}" for name, extreme in growing.items()),
        ],
        nested(union_of, "u"),
    )
    found = [f"{_total(name, total, slots, unit.dialect)} AS {name}" for name, total in totals.items()]
    found += [f"max(CASE WHEN lw_slot = 0 THEN {name} END) AS {name}" for name in growing]
    keys = list(unit.keys) if growing else []
    return select(
        ["lw_ord", *keys, *found],
        nested(running, "r"),
        _weights(totals, slots),
        "WHERE lw_kind = 0",
        f"GROUP BY {', '.join(['lw_ord', *keys])}",
    )


def _slots(unit: Unit, totals: Mapping[str, Total]) -> Sequence[int]:
    """How long before the windows' end the running sums are looked at, in microseconds; the end itself first."""
    if unit.interval:
        most = max((len(total.weights) for total in totals.values()), default=0)
        return [number * unit.interval * MICROSECONDS for number in range(most + 1)]
    used = {total.window for total in totals.values()}
    return [0, *(window for window in unit.finite if window in used)]


def _probes(unit: Unit, slots: Sequence[int], sums: Sequence[str], growing: Sequence[str]) -> str:
    listed = ", ".join(f"({slot}, {shift})" for slot, shift in enumerate(slots))
    shifts = f"CROSS JOIN (VALUES {listed}) AS p(lw_slot, lw_shift)"
    # A column without nulls is a fifth faster to add up.
    nothing = [*(f"0 AS {name}" for name in sums), *(f"NULL AS {name}" for name in growing)]
    return unit.decisions(
        [f"{unit.moment} - lw_shift AS lw_pos", "0 AS lw_kind", "lw_ord", "lw_slot", *nothing], shifts
    )


def _entries(unit: Unit, columns: Sequence[str], growing: Mapping[str, Growing]) -> str:
    none = ["1 AS lw_kind", "NULL AS lw_ord", "NULL AS lw_slot"]
    extremes = [f"{extreme.column} AS {name}" for name, extreme in growing.items()]
    natural = f"WHERE {unit.natural}" if unit.rows.dated else ""
    return select([*unit.keys, "lw_event AS lw_pos", *none, *columns, *extremes], unit.part("unit"), natural)


def _total(name: str, total: Total, slots: Sequence[int], dialect: Dialect) -> str:
    if total.weights:
        return f"sum({dialect.summand(f'weight_{name}')} * {total.column})"
    leaves = f" WHEN {slots.index(total.window)} THEN - {total.column}" if total.window != EVER else ""
    return f"sum(CASE lw_slot WHEN 0 THEN {total.column}{leaves} END)"


def _weights(totals: Mapping[str, Total], slots: Sequence[int]) -> str:
    """By how much the weight of a row changes at each slot, for sums that decay."""
    decaying = {name: total.weights for name, total in totals.items() if total.weights}
    if not decaying:
        return ""
    rows = [
        ", ".join([str(slot), *(str(_change(weights, slot)) for weights in decaying.values())])
        for slot in range(len(slots))
    ]
    names = ", ".join(["lw_number", *(f"weight_{name}" for name in decaying)])
    return f"JOIN (VALUES {', '.join(f'({row})' for row in rows)}) AS w({names}) ON w.lw_number = r.lw_slot"


def _change(weights: Sequence[int], slot: int) -> int:
    before = weights[slot - 1] if 0 < slot <= len(weights) else 0
    return (weights[slot] if slot < len(weights) else 0) - before
