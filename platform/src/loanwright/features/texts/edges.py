"""Aggregates by edges: a row version comes and leaves at moments of its own, and a running sum follows both.

Three things are counted so. What `running` counts from when it happened, until it is known, to be taken back.
The row versions that it leaves out. And distinct counts: the stretches of time in which a value is in the window
at all, put together from its rows' stretches, come and leave in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loanwright.features.language.text import nested, select, union
from loanwright.features.texts.ordered import AFTER_ALL, run_along
from loanwright.features.texts.running import Total
from loanwright.features.texts.unit import EVER, Unit
from loanwright.features.texts.visible import MICROSECONDS


@dataclass(frozen=True)
class Distinct:
    """A distinct count that some feature needs: of a column of the rows (null: no value), over one window."""

    column: str
    window: int


def edges_parts(unit: Unit, totals: Mapping[str, Total], distinct: Mapping[str, Distinct]) -> dict[str, str]:
    """For each decision whose key has edges: the totals of the rows that are not natural, and distinct counts.

    Args:
        totals: name → sum.
        distinct: name → distinct count.
    """
    parts: dict[str, str] = {}
    edges: list[str] = []
    names = [*(totals if unit.rows.dated else ()), *distinct]
    if unit.rows.dated and totals:
        parts[unit.part("odd")] = select(["*"], unit.part("unit"), f"WHERE NOT {unit.natural}")
        edges += _decaying(unit, totals, names) if unit.interval else _leaving(unit, totals, names)
    for name, count in distinct.items():
        stretches = unit.part(name)
        parts[stretches] = _stretches(unit, count)
        edges.append(_edge(unit, stretches, "lw_from", {name: "1"}, names))
        edges.append(_edge(unit, stretches, "lw_to", {name: "-1"}, names))
    return parts | (_followed(unit, "edges", edges, names) if edges else {})


def late_parts(unit: Unit, columns: Sequence[str]) -> dict[str, str]:
    """For each decision whose key has rows that come late: less what had happened, but was not known.

    Of natural rows: they are in every window when they come, so every window takes back the same.

    Args:
        columns: of the rows, to be added up.
    """
    come_late = unit.part("behind")
    where = f"WHERE lw_from > lw_event AND {unit.natural}"
    if stretches := unit.looked_at([0]):
        # What was known before the first decision is taken back for none.
        where += f" AND lw_from >= {stretches[0][0]}"
    edges = [
        _edge(unit, come_late, "lw_event", {name: f"- {name}" for name in columns}, columns),
        _edge(unit, come_late, "lw_from", {name: name for name in columns}, columns),
    ]
    rows = select([*unit.keys, "lw_event", "lw_from", *columns], unit.part("unit"), where)
    return {come_late: rows} | _followed(unit, "late", edges, columns)


def _followed(unit: Unit, kind: str, edges: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The running sums of edges, at each decision between the first and the last of its key: elsewhere they are 0."""
    table = unit.part(f"{kind}_edge")
    keys = ", ".join(unit.keys)
    span = select([*unit.keys, "min(lw_pos) AS lw_first", "max(lw_pos) AS lw_last"], table, f"GROUP BY {keys}")
    probes = select(
        [*(f"d.{key}" for key in unit.keys), "lw_pos", "0 AS lw_kind", "lw_ord", *(f"0 AS {name}" for name in names)],
        nested(unit.decisions([f"{unit.moment} AS lw_pos", "lw_ord"]), "d"),
        f"JOIN {nested(span, 'e')}",
        f"ON {' AND '.join(f'e.{key} = d.{key}' for key in unit.keys)} AND lw_pos > lw_first AND lw_pos <= lw_last",
    )
    entries = union(select(["*"], table), probes)
    sums = {name: f"sum({name})" for name in names}
    running = run_along(unit, entries, ["lw_kind", "lw_ord"], sums, passes=unit.dialect.passes)
    return {
        table: union(*edges),
        unit.part(kind): select(["lw_ord", *names], nested(running, "r"), "WHERE lw_kind = 0"),
    }


def _edge(unit: Unit, table: str, at: str, given: Mapping[str, str], names: Sequence[str], where: str = "") -> str:
    columns = [f"{given.get(name, '0')} AS {name}" for name in names]
    return select([*unit.keys, f"{at} AS lw_pos", "1 AS lw_kind", "NULL AS lw_ord", *columns], table, where)


def _leaving(unit: Unit, totals: Mapping[str, Total], names: list[str]) -> list[str]:
    odd = unit.part("odd")
    comes = {
        name: f"CASE WHEN {unit.holds(total.window)} THEN {total.column} ELSE 0 END" for name, total in totals.items()
    }
    edges = [_edge(unit, odd, unit.start, comes, names)]
    for window in dict.fromkeys(total.window for total in totals.values()):
        leaves = {name: f"- {total.column}" for name, total in totals.items() if total.window == window}
        end = f"coalesce(lw_to, {AFTER_ALL})" if window == EVER else unit.end(window) or ""
        edges.append(_edge(unit, odd, end, leaves, names, f"WHERE {unit.holds(window)}"))
    return edges


def _decaying(unit: Unit, totals: Mapping[str, Total], names: list[str]) -> list[str]:
    """A row weighs one thing in each interval of its age: it comes and leaves in each of them."""
    most = max(len(total.weights) for total in totals.values())
    rows = [", ".join(str(_at(total.weights, number)) for total in totals.values()) for number in range(most)]
    interval = unit.interval * MICROSECONDS
    listed = ", ".join(f"({number * interval}, {row})" for number, row in enumerate(rows))
    columns = ", ".join(["lw_age", *(f"weight_{name}" for name in totals)])
    pieces = select(
        [
            *unit.keys,
            "greatest(lw_from, lw_event + lw_age) AS lw_from",
            f"least(lw_event + lw_age + {interval}, lw_to) AS lw_to",
            *(f"{unit.dialect.widened(total.column)} * weight_{name} AS {name}" for name, total in totals.items()),
        ],
        unit.part("odd"),
        f"CROSS JOIN (VALUES {listed}) AS w({columns})",
    )
    table, held = nested(pieces, "p"), "WHERE lw_from < lw_to"
    return [
        _edge(unit, table, "lw_from", {name: name for name in totals}, names, held),
        _edge(unit, table, "lw_to", {name: f"- {name}" for name in totals}, names, held),
    ]


def _at(weights: tuple[int, ...], number: int) -> int:
    return weights[number] if number < len(weights) else 0


def _stretches(unit: Unit, count: Distinct) -> str:
    """Each value's stretches of time in the window: rows whose stretches meet or overlap are one.

    Of rows that come at one moment the one that stays longest says it all. Were they left side by side, two windows
    over them could each put them in an order of its own, and a stretch could begin amid them and count twice.
    """
    end, keys = unit.end(count.window), ", ".join(unit.keys)
    every = select(
        [
            *unit.keys,
            f"{count.column} AS lw_value",
            f"{unit.start} AS lw_from",
            f"coalesce({end}, {AFTER_ALL}) AS lw_to" if end else f"{AFTER_ALL} AS lw_to",
        ],
        unit.part("unit"),
        f"WHERE {count.column} IS NOT NULL AND {unit.holds(count.window)}",
    )
    rows = select(
        [*unit.keys, "lw_value", "lw_from", "max(lw_to) AS lw_to"],
        nested(every, "e"),
        f"GROUP BY {keys}, lw_value, lw_from",
    )
    over = f"OVER ({unit.partition}, lw_value ORDER BY lw_from"
    before = f"max(lw_to) {over} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    begun = select(["*", f"{before} AS lw_before"], nested(rows, "r"))
    fresh = "CASE WHEN lw_before IS NULL OR lw_from > lw_before THEN 1 ELSE 0 END"
    numbered = select(["*", f"sum({fresh}) {over} ROWS UNBOUNDED PRECEDING) AS lw_stretch"], nested(begun, "b"))
    return select(
        [*unit.keys, "min(lw_from) AS lw_from", "max(lw_to) AS lw_to"],
        nested(numbered, "s"),
        f"GROUP BY {keys}, lw_value, lw_stretch",
    )
