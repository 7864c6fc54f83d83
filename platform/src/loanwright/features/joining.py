"""The training table's rows, put together from what the groups gave, range by range of decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from loanwright.data.rows import ROW_GROUP
from loanwright.errors import IntegrityFault, MemoryFault
from loanwright.features.dealt import Dealt
from loanwright.features.engine import Engine
from loanwright.features.progress import Progress

RANGE = ROW_GROUP
"""Decisions that are joined at once: with a few hundred features, some hundred megabytes."""


def joined(engine: Engine, text: str, groups: Mapping[str, Dealt], first: int, end: int) -> Iterator[pa.RecordBatch]:
    """The table's rows in their order.

    Args:
        engine: it has `every_decision`. Nothing else may be asked of it between two batches.
        text: the query that makes the table of `decisions` and the groups' tables.
        groups: table → its rows, dealt by ranges of `lw_ord`.
        first: the place of the first decision.
        end: the place after the last one.

    Raises:
        IntegrityFault: a group does not have one row for each decision.
    """
    progress = Progress("range", dict.fromkeys(range(first // RANGE, -(-end // RANGE)), RANGE))
    for number in range(first // RANGE, -(-end // RANGE)):
        low, high = max(first, number * RANGE), min(end, (number + 1) * RANGE)
        rows = {name: dealt.part(number).read_all() for name, dealt in groups.items()}
        for name, table in rows.items():
            if len(table["lw_ord"].unique()) != high - low or table.num_rows != high - low:
                raise IntegrityFault(f"{name} has {table.num_rows:,} rows for decisions {low:,} to {high - 1:,}")
        yield from _range(engine, text, rows, low, high)
        progress.done(number)


def _range(engine: Engine, text: str, groups: dict[str, pa.Table], low: int, high: int) -> list[pa.RecordBatch]:
    """The table's rows of some decisions; by halves, if memory is too short for all of them at once."""
    engine.drop("decisions")
    engine.make("decisions", f"SELECT * FROM every_decision WHERE lw_ord >= {low} AND lw_ord < {high}")
    for name, rows in groups.items():
        engine.add(name, rows)
    try:
        return list(engine.batches(text))
    except MemoryFault:
        if high - low < 2:
            raise
    finally:
        for name in groups:
            engine.remove(name)
    middle = (low + high) // 2
    halves = ((low, middle, pc.less), (middle, high, pc.greater_equal))
    return [
        batch
        for start, end, side in halves
        for batch in _range(
            engine, text, {name: rows.filter(side(rows["lw_ord"], middle)) for name, rows in groups.items()}, start, end
        )
    ]
