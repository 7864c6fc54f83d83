"""The plan of a feature group: which of its features share a scan, and by which method each is computed.

What adds up goes by running sums (`running`, and `edges` for rows that come too late for them or are restated),
distinct counts by edges, and what does not subtract by the cover of ranges (`cover`), or, where rows are known
when they happen and never restated, by a running extreme as far as that can tell it.
"""

from __future__ import annotations

from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.language.dialect import Dialect
from loanwright.features.language.text import nested, select, with_parts
from loanwright.features.texts.counted import Counted, counted
from loanwright.features.texts.unit import Unit
from loanwright.features.texts.visible import Visible, visible
from loanwright.features.texts.writer import UnitWriter
from loanwright.features.texts.written import filled, typed


def group_text(group: ResolvedGroup, dialect: Dialect) -> str:
    """One query over `decisions` and the sources: `lw_ord`, and the group's features, for every decision."""
    rows = visible(group, dialect)
    parts = dict(rows.parts)
    joined: list[str] = []
    columns: list[str] = []
    outer: dict[str, str] = {}
    writers = [UnitWriter(unit) for unit in _units(group, rows, dialect)]
    for writer in writers:
        parts |= writer.parts()
        joined += writer.joined
        columns += writer.columns
        outer |= writer.results
    if group.values and not group.own_row:
        parts["read"] = _read(group, rows)
        joined.append("read")
        for feature in group.values:
            of = counted(group, feature, dialect)
            columns.append(f"read.{of.name}")
            outer[feature.name] = of.name
    chosen = group.aggregated if group.own_row else group.features
    listed = [filled(typed(outer[each.name], each, dialect), each) for each in chosen]
    timed = any("lw_at" in sql for sql in outer.values())
    whole = [part for writer in writers for part in (writer.timed if timed else writer.whole)]
    # A part that has every decision anyway needs no join to get them.
    base = whole[0] if whole else "decisions"
    joins = [f"LEFT JOIN {name} ON {name}.lw_ord = {base}.lw_ord" for name in joined if name != base]
    times = [f"{base}.lw_at"] if timed else []
    inside = select([f"{base}.lw_ord", *times, *columns], base, *joins)
    return with_parts(parts, select(["lw_ord", *listed], nested(inside, "f")), dialect)


def _units(group: ResolvedGroup, rows: Visible, dialect: Dialect) -> list[Unit]:
    shared: dict[tuple[int, int], list[Counted]] = {}
    for feature in group.aggregated:
        place = (feature.offset or 0, feature.step)
        shared.setdefault(place, []).append(counted(group, feature, dialect))
    return [
        Unit(number, group, rows, offset, interval, tuple(features), dialect)
        for number, ((offset, interval), features) in enumerate(shared.items(), 1)
    ]


def _read(group: ResolvedGroup, rows: Visible) -> str:
    """Of each decision: the columns of the one row with its key, if it had happened and was known."""
    conditions = [f"r.lw_key{number} = d.{asked}" for number, asked in enumerate(group.asked, 1)]
    conditions.append("r.lw_event < d.lw_at")
    if rows.dated:
        conditions += ["r.lw_known < d.lw_at", "(r.lw_until IS NULL OR d.lw_at <= r.lw_until)"]
    columns = [f"r.{quoted(feature.column or '')} AS {quoted(feature.name)}" for feature in group.values]
    return select(["d.lw_ord", *columns], f"decisions d JOIN rows r ON {' AND '.join(conditions)}")
