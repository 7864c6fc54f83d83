"""Aggregates by running sums: one sort puts rows and the edges of every decision's windows in order of time.

A sum over a window is the running sum at its end less the running sum at its start (the edge-union), as if every
row was known when it happened; `edges` takes back what was not, and counts the rows that are known only after
they left a window, or are restated before they leave.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from loanwright.features.language.text import nested, select, union
from loanwright.features.texts.ordered import AFTER_ALL, run_along
from loanwright.features.texts.unit import EVER, Unit
from loanwright.features.texts.visible import MICROSECONDS

_END, _LATE = 0, -1
"""Slots: the windows' end, and what is taken back at it."""
_FEW = 16
"""Stretches of time that are told apart."""


@dataclass(frozen=True)
class Total:
    """A sum that some feature needs: of one column of the rows, over one window, or decaying by one table."""

    column: str
    window: int
    weights: tuple[int, ...] = ()
    """Of a decayed sum: what a row weighs by the whole intervals of its age."""


def summed(totals: Mapping[str, Total]) -> Sequence[str]:
    """The columns that are added up, each once."""
    return tuple(dict.fromkeys(total.column for total in totals.values()))


def running_part(unit: Unit, totals: Mapping[str, Total], wide: Collection[str]) -> str:
    """For each decision: the totals of natural rows. Where rows are known late, part `late` says what to take back.

    Args:
        unit: the rows and the decisions.
        totals: name → sum.
        wide: the columns whose values may need more than 64 bit.
    """
    columns = summed(totals)
    slots = _slots(unit, totals)
    entries = [_entries(unit, slots, columns), _probes(unit, slots, columns)]
    # Sums of 64-bit values cannot leave 128 bit, and differences within a key need no more.
    narrow = all(total.window != EVER and not total.weights and total.column not in wide for total in totals.values())
    if unit.dialect.runs_on and not narrow:
        entries.append(_ends(unit, columns))
    calls = {name: f"sum({name})" for name in columns}
    running = run_along(unit, union(*entries), ["lw_kind", "lw_ord", "lw_slot"], calls, passes=unit.dialect.passes)
    if unit.rows.dated:
        late = select(["0 AS lw_kind", "lw_ord", f"{_LATE} AS lw_slot", *columns], unit.part("late"))
        running = union(running, late)
    found = [f"{_total(unit, name, total, slots)} AS {name}" for name, total in totals.items()]
    return select(
        ["lw_ord", *found], nested(running, "r"), _weights(totals, slots), "WHERE lw_kind = 0", "GROUP BY lw_ord"
    )


def _slots(unit: Unit, totals: Mapping[str, Total]) -> Sequence[int]:
    """How long before the windows' end the running sums are looked at, in microseconds; the end itself first."""
    if unit.interval:
        most = max((len(total.weights) for total in totals.values()), default=0)
        return [number * unit.interval * MICROSECONDS for number in range(most + 1)]
    used = {total.window for total in totals.values()}
    return [0, *(window for window in unit.finite if window in used)]


def _probes(unit: Unit, slots: Sequence[int], sums: Sequence[str]) -> str:
    listed = ", ".join(f"({slot}, {shift})" for slot, shift in enumerate(slots))
    shifts = f"CROSS JOIN (VALUES {listed}) AS p(lw_slot, lw_shift)"
    # A column without nulls is a fifth faster to add up.
    nothing = [f"0 AS {name}" for name in sums]
    return unit.every_decision(
        [f"{unit.moment} - lw_shift AS lw_pos", "0 AS lw_kind", "lw_ord", "lw_slot", *nothing], shifts
    )


def _entries(unit: Unit, slots: Sequence[int], columns: Sequence[str]) -> str:
    none = ["1 AS lw_kind", "NULL AS lw_ord", "NULL AS lw_slot"]
    stretches = unit.looked_at(slots)
    if not 0 < len(stretches) <= _FEW:
        return select([*unit.keys, "lw_event AS lw_pos", *none, *columns], unit.part("unit"), _natural(unit))
    # Rows between which no decision looks are added up before they are sorted: on hot keys that is most of them.
    branches = " ".join(
        f"WHEN lw_event < {start} THEN {start - 1} WHEN lw_event <= {end} THEN lw_event" for start, end in stretches
    )
    moved = f"CASE {branches} ELSE lw_event END AS lw_pos"
    rows = nested(select([*unit.keys, moved, *columns], unit.part("unit"), _natural(unit)), "m")
    sums = [f"sum({name}) AS {name}" for name in columns]
    return select([*unit.keys, "lw_pos", *none, *sums], rows, f"GROUP BY {', '.join(unit.keys)}, lw_pos")


def _ends(unit: Unit, columns: Sequence[str]) -> str:
    """One more entry for each key, behind all others, that takes back all of it."""
    none = ["1 AS lw_kind", "NULL AS lw_ord", "NULL AS lw_slot"]
    sums = [f"- sum({name}) AS {name}" for name in columns]
    return select(
        [*unit.keys, f"{AFTER_ALL} AS lw_pos", *none, *sums],
        unit.part("unit"),
        _natural(unit),
        f"GROUP BY {', '.join(unit.keys)}",
    )


def _natural(unit: Unit) -> str:
    return f"WHERE {unit.natural}" if unit.rows.dated else ""


def _total(unit: Unit, name: str, total: Total, slots: Sequence[int]) -> str:
    if total.weights:
        return f"sum({unit.dialect.summand(f'weight_{name}')} * {total.column})"
    leaves = f" WHEN {slots.index(total.window)} THEN - {total.column}" if total.window != EVER else ""
    late = f" WHEN {_LATE} THEN {total.column}" if unit.rows.dated else ""
    return f"sum(CASE lw_slot WHEN {_END} THEN {total.column}{late}{leaves} END)"


def _weights(totals: Mapping[str, Total], slots: Sequence[int]) -> str:
    """By how much the weight of a row changes at each slot, for sums that decay."""
    decaying = {name: total.weights for name, total in totals.items() if total.weights}
    if not decaying:
        return ""
    rows = [
        ", ".join([str(slot), *(str(_change(weights, max(slot, _END))) for weights in decaying.values())])
        for slot in range(_LATE, len(slots))
    ]
    names = ", ".join(["lw_number", *(f"weight_{name}" for name in decaying)])
    return f"JOIN (VALUES {', '.join(f'({row})' for row in rows)}) AS w({names}) ON w.lw_number = r.lw_slot"


def _change(weights: Sequence[int], slot: int) -> int:
    before = weights[slot - 1] if 0 < slot <= len(weights) else 0
    return (weights[slot] if slot < len(weights) else 0) - before
