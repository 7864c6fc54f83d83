"""Aggregates by running sums: one sort puts rows and the edges of every decision's windows in order of time.

A sum over a window is the running sum at its end less the running sum at its start (the edge-union), if every
row came before it left: rows that come late are put in twice, where they come and where they happened. Rows
that come later than that, or are restated before they leave, are counted in `edges`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    sides = ("came_", "left_") if unit.rows.dated else ("",)
    sums = [f"{side}{column}" for side in sides for column in columns]
    slots = _slots(unit, totals)
    union_of = union(*_entries(unit, columns, growing), _probes(unit, slots, [*sums, *growing]))
    over = f"OVER ({unit.partition} ORDER BY lw_pos, lw_kind ROWS UNBOUNDED PRECEDING)"
    running = select(
        [
            "lw_kind",
            "lw_ord",
            "lw_slot",
            *(unit.keys if growing else ()),
            *(f"sum({name}) {over} AS {name}" for name in sums),
            *(f"{extreme.call}({name}) {over} AS {name}" for name, extreme in growing.items()),
        ],
        nested(union_of, "u"),
    )
    found = [f"{_total(unit, name, total, slots)} AS {name}" for name, total in totals.items()]
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


def _probes(unit: Unit, slots: Sequence[int], named: Sequence[str]) -> str:
    listed = ", ".join(f"({slot}, {shift})" for slot, shift in enumerate(slots))
    shifts = f"CROSS JOIN (VALUES {listed}) AS p(lw_slot, lw_shift)"
    nothing = [f"NULL AS {name}" for name in named]
    return unit.decisions(
        [f"{unit.moment} - lw_shift AS lw_pos", "0 AS lw_kind", "lw_ord", "lw_slot", *nothing], shifts
    )


def _entries(unit: Unit, columns: Sequence[str], growing: Mapping[str, Growing]) -> list[str]:
    part = unit.part("unit")
    none = ["1 AS lw_kind", "NULL AS lw_ord", "NULL AS lw_slot"]
    if not unit.rows.dated:
        extremes = [f"{extreme.column} AS {name}" for name, extreme in growing.items()]
        return [select([*unit.keys, "lw_event AS lw_pos", *none, *columns, *extremes], part)]
    came = [f"{column} AS came_{column}" for column in columns]
    both = [f"CASE WHEN lw_from = lw_event THEN {column} END AS left_{column}" for column in columns]
    natural = f"WHERE {unit.natural}"
    entries = [select([*unit.keys, "lw_from AS lw_pos", *none, *came, *both], part, natural)]
    if unit.finite:
        nothing = [f"NULL AS came_{column}" for column in columns]
        left = [f"{column} AS left_{column}" for column in columns]
        late = f"{natural} AND lw_from > lw_event"
        entries.append(select([*unit.keys, "lw_event AS lw_pos", *none, *nothing, *left], part, late))
    return entries


def _total(unit: Unit, name: str, total: Total, slots: Sequence[int]) -> str:
    came, left = (f"{side}{total.column}" for side in (("came_", "left_") if unit.rows.dated else ("", "")))
    if total.weights:
        return f"sum(weight_{name} * CASE lw_slot WHEN 0 THEN {came} ELSE {left} END)"
    leaves = f" WHEN {slots.index(total.window)} THEN - {left}" if total.window != EVER else ""
    return f"sum(CASE lw_slot WHEN 0 THEN {came}{leaves} END)"


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
