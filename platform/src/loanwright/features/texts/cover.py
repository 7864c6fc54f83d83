"""Aggregates that do not subtract: each row version counts for a range of its key's decisions.

The decisions of a key are numbered in time, and a version counts for those in [first, last). A range is the
union of few blocks of 2^n decisions (the canonical cover of a segment tree), so rows are aggregated by block, and
a decision looks up the one block of each size that it lies in: n log n whatever the skew of the keys, and rows
may be late or restated. Windows are taken apart into pieces, from the shortest on, so that no row counts twice.
(De Berg et al., Computational Geometry, ch. 10.3: segment trees.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loanwright.features.language.text import nested, select, union
from loanwright.features.texts.unit import Unit


@dataclass(frozen=True)
class Extreme:
    """An aggregate that some feature needs, over one window.

    `first` and `last` give the value of the row whose `order` is least or greatest.
    """

    call: str
    """`min`, `max`, `first` or `last`."""
    column: str
    window: int
    order: str = ""

    @property
    def is_placed(self) -> bool:
        """Whether it goes by the rows' order, not by their values."""
        return self.call in ("first", "last")


@dataclass(frozen=True)
class Latest:
    """The last few rows that some feature needs: their number, and what is made of their values."""

    column: str
    """Null: the row does not count."""
    order: str
    rows: int
    window: int
    made: Mapping[str, str]
    """Result → SQL aggregate over `lw_value` and `lw_place` (1: the latest row)."""


def cover_parts(unit: Unit, extremes: Mapping[str, Extreme], latest: Mapping[str, Latest]) -> dict[str, str]:
    """For each decision: extremes, and what is made of the latest rows.

    The results are in parts `cover` (the extremes) and one for each entry of `latest`.
    """
    wanted = {each.window for each in extremes.values()} | {each.window for each in latest.values()}
    windows = [window for window in unit.windows if window in wanted]
    parts = {unit.part("ranked"): _ranked(unit), unit.part("placed"): _placed(unit, windows)}
    parts[unit.part("pieces")] = _pieces(unit, windows)
    parts[unit.part("paths")] = _paths(unit)
    if extremes:
        parts |= _extremes(unit, extremes, windows)
    for name, last in latest.items():
        parts |= _latest(unit, name, last, windows)
    return parts


def _ranked(unit: Unit) -> str:
    """The decisions, numbered by key in order of time."""
    decisions = nested(unit.decisions([f"{unit.moment} AS lw_pos", "lw_ord"]), "d")
    rank = f"row_number() OVER ({unit.partition} ORDER BY lw_pos, lw_ord) - 1 AS lw_rank"
    return select([*unit.keys, "lw_pos", "lw_ord", rank, f"count(*) OVER ({unit.partition}) AS lw_count"], decisions)


def _placed(unit: Unit, windows: Sequence[int]) -> str:
    """Of each row version: how many decisions lie at or before the moments when it comes and leaves."""
    part = unit.part("unit")
    marks = [select([*unit.keys, f"{unit.start} AS lw_pos", "1 AS lw_kind", "lw_seq", "0 AS lw_slot"], part)]
    for slot, window in enumerate(windows, 1):
        end = unit.end(window)
        if end is not None:
            columns = [*unit.keys, f"{end} AS lw_pos", "1 AS lw_kind", "lw_seq", f"{slot} AS lw_slot"]
            marks.append(select(columns, part, f"WHERE {end} IS NOT NULL"))
    decisions = select([*unit.keys, "lw_pos", "0 AS lw_kind", "NULL AS lw_seq", "NULL AS lw_slot"], unit.part("ranked"))
    over = f"OVER ({unit.partition} ORDER BY lw_pos, lw_kind ROWS UNBOUNDED PRECEDING)"
    before = f"sum(CASE WHEN lw_kind = 0 THEN 1 ELSE 0 END) {over} AS lw_before"
    counting = select([*unit.keys, "lw_kind", "lw_seq", "lw_slot", before], nested(union(*marks, decisions), "u"))
    found = [
        f"max(CASE WHEN lw_slot = {slot} THEN lw_before END) AS lw_place{slot}" for slot in range(len(windows) + 1)
    ]
    grouped = f"GROUP BY {', '.join([*unit.keys, 'lw_seq'])}"
    return select([*unit.keys, "lw_seq", *found], nested(counting, "c"), "WHERE lw_kind = 1", grouped)


def _pieces(unit: Unit, windows: Sequence[int]) -> str:
    """The rows, once for each piece of a window in which they count, with the range of decisions."""
    keys = " AND ".join(f"r.{key} = p.{key}" for key in unit.keys)
    listed = ", ".join(unit.keys)
    ranked = select([listed, "max(lw_count) AS lw_count"], unit.part("ranked"), f"GROUP BY {listed}")
    counts = nested(ranked, "n")
    joined = f"{unit.part('unit')} r JOIN {unit.part('placed')} p ON {keys} AND r.lw_seq = p.lw_seq"
    joined += f" JOIN {counts} ON {' AND '.join(f'n.{key} = r.{key}' for key in unit.keys)}"
    pieces = []
    for slot in range(1, len(windows) + 1):
        before = "p.lw_place0" if slot == 1 else f"greatest(p.lw_place0, coalesce(p.lw_place{slot - 1}, n.lw_count))"
        columns = [
            "r.*",
            f"{slot} AS lw_piece",
            f"{before} AS lw_first",
            f"coalesce(p.lw_place{slot}, n.lw_count) AS lw_last",
        ]
        pieces.append(select(["*"], nested(select(columns, joined), "p"), "WHERE lw_first < lw_last"))
    return union(*pieces)


def _paths(unit: Unit) -> str:
    """Of each decision: the block of each size that it lies in."""
    sizes = select(
        [*unit.keys, "lw_ord", "lw_rank", f"{unit.dialect.series(unit.dialect.bits('lw_count'))} AS lw_size"],
        unit.part("ranked"),
    )
    return select([*unit.keys, "lw_ord", "lw_size", "lw_rank >> CAST(lw_size AS INT) AS lw_block"], nested(sizes, "s"))


def _blocks(unit: Unit, columns: Sequence[str], source: str) -> str:
    """The rows with each block of the cover of their range."""
    levels = select(
        [
            *unit.keys,
            "lw_piece",
            *columns,
            "lw_first",
            "lw_last",
            f"{unit.dialect.series(unit.dialect.bits('lw_last - lw_first'))} AS lw_size",
        ],
        source,
    )
    size = "CAST(lw_size AS INT)"
    halved = select(
        [
            *unit.keys, "lw_piece", *columns, "lw_size",
            f"(lw_first + (1 << {size}) - 1) >> {size} AS lw_left", f"lw_last >> {size} AS lw_right",
        ],
        nested(levels, "l"),
    )  # fmt: skip
    own = [*unit.keys, "lw_piece", "lw_size", *columns]
    return union(
        select([*own, "lw_left AS lw_block"], nested(halved, "h"), "WHERE lw_left < lw_right AND lw_left % 2 = 1"),
        select(
            [*own, "lw_right - 1 AS lw_block"], nested(halved, "h"), "WHERE lw_left < lw_right AND lw_right % 2 = 1"
        ),
    )


def _extremes(unit: Unit, extremes: Mapping[str, Extreme], windows: Sequence[int]) -> dict[str, str]:
    merged, chosen = [], []
    for name, extreme in extremes.items():
        if extreme.is_placed:
            least = extreme.call == "first"
            call, by = ("min", "min_by") if least else ("max", "max_by")
            by_value = unit.dialect.order_by_value(extreme.column, extreme.order)
            order = f"CASE WHEN {extreme.column} IS NOT NULL THEN {extreme.order} END"
            merged.append((name, f"{by}({extreme.column}, {by_value})", f"{call}({order})"))
        else:
            merged.append((name, f"{extreme.call}({extreme.column})", ""))
    at_first = [f"{value} AS {name}" for name, value, _ in merged]
    at_first += [f"{order} AS {name}_at" for name, _, order in merged if order]
    columns = [name for name, _, _ in merged] + [f"{name}_at" for name, _, order in merged if order]
    ranges = unit.part("ranges")
    keys = ", ".join(unit.keys)
    parts = {
        ranges: select(
            [*unit.keys, "lw_piece", "lw_first", "lw_last", *at_first],
            unit.part("pieces"),
            f"GROUP BY {keys}, lw_piece, lw_first, lw_last",
        )
    }
    for name, extreme in extremes.items():
        if extreme.is_placed:
            call, by = ("min", "min_by") if extreme.call == "first" else ("max", "max_by")
            chosen.append((name, f"{by}({name}, {name}_at)", f"{call}({name}_at)"))
        else:
            chosen.append((name, f"{extreme.call}({name})", ""))
    again = [f"{value} AS {name}" for name, value, _ in chosen] + [f"{at} AS {name}_at" for name, _, at in chosen if at]
    blocks = nested(_blocks(unit, columns, ranges), "b")
    parts[unit.part("blocks")] = select(
        [*unit.keys, "lw_piece", "lw_size", "lw_block", *again], blocks, f"GROUP BY {keys}, lw_piece, lw_size, lw_block"
    )
    found = [
        f"{value} FILTER (WHERE lw_piece <= {windows.index(extremes[name].window) + 1}) AS {name}"
        for name, value, _ in chosen
    ]
    parts[unit.part("cover")] = select(
        ["lw_ord", *found], f"{unit.part('paths')} t", _looking(unit, unit.part("blocks")), "GROUP BY lw_ord"
    )
    return parts


def _looking(unit: Unit, blocks: str) -> str:
    keys = " AND ".join(f"b.{key} = t.{key}" for key in unit.keys)
    return f"JOIN {blocks} b ON {keys} AND b.lw_size = t.lw_size AND b.lw_block = t.lw_block"


def _latest(unit: Unit, name: str, last: Latest, windows: Sequence[int]) -> dict[str, str]:
    """No block, and no decision, needs more than its latest rows."""
    piece = windows.index(last.window) + 1
    rows = [f"{last.column} AS lw_value", f"{last.order} AS lw_order"]
    counting = select(
        [*unit.keys, "lw_piece", "lw_first", "lw_last", *rows],
        unit.part("pieces"),
        f"WHERE lw_piece <= {piece} AND {last.column} IS NOT NULL",
    )
    blocks = _blocks(unit, ["lw_value", "lw_order"], nested(counting, "c"))
    place = "row_number() OVER (PARTITION BY {} ORDER BY lw_order DESC) AS lw_place"
    of_block = place.format(", ".join([*unit.keys, "lw_size", "lw_block"]))
    kept = select([*unit.keys, "lw_size", "lw_block", "lw_value", "lw_order", of_block], nested(blocks, "b"))
    table = unit.part(f"blocks_{name}")
    parts = {table: select(["*"], nested(kept, "k"), f"WHERE lw_place <= {last.rows}")}
    of_decision = place.format("lw_ord")
    seen = select(["lw_ord", "lw_value", of_decision], f"{unit.part('paths')} t", _looking(unit, table))
    made = [f"{sql} AS {result}" for result, sql in last.made.items()]
    parts[unit.part(name)] = select(
        ["lw_ord", *made], nested(seen, "s"), f"WHERE lw_place <= {last.rows}", "GROUP BY lw_ord"
    )
    return parts
