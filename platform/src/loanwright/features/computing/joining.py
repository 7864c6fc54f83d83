"""The training table's rows, put together from what the groups gave, range by range of decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from loanwright.data.rows import ROW_GROUP
from loanwright.errors import IntegrityFault, MemoryFault
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.progress import Progress
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.deciding import EVERY

RANGE = ROW_GROUP
"""Decisions that are joined at once: with a few hundred features, some hundred megabytes."""


def joined(
    engine: Engine, text: str, groups: Mapping[str, Dealt], count: int, *, of: str = EVERY
) -> Iterator[pa.RecordBatch]:
    """The table's rows in their order.

    Args:
        engine: it has the decisions.
        text: the query that makes the table of `decisions` and the groups' tables.
        groups: table → its rows, dealt by ranges of `lw_ord`.
        count: how many decisions there are.
        of: the table of them, numbered from 0 on.

    Raises:
        IntegrityFault: a group does not have one row for each decision.
    """
    progress = Progress("range", dict.fromkeys(range(-(-count // RANGE)), RANGE))
    for number in range(-(-count // RANGE)):
        low, high = number * RANGE, min(count, (number + 1) * RANGE)
        rows = {name: dealt.part(number).read_all() for name, dealt in groups.items()}
        for name, table in rows.items():
            if len(table["lw_ord"].unique()) != high - low or table.num_rows != high - low:
                raise IntegrityFault(f"{name} has {table.num_rows:,} rows for decisions {low:,} to {high - 1:,}")
        yield from _range(engine, text, rows, low, high, of)
        progress.done(number)


def _range(
    engine: Engine, text: str, groups: dict[str, pa.Table], low: int, high: int, of: str
) -> list[pa.RecordBatch]:
    """The table's rows of some decisions; by halves, if memory is too short for all of them at once."""
    engine.drop("decisions")
    engine.make("decisions", f"SELECT * FROM {of} WHERE lw_ord >= {low} AND lw_ord < {high}")
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
            engine,
            text,
            {name: rows.filter(side(rows["lw_ord"], middle)) for name, rows in groups.items()},
            start,
            end,
            of,
        )
    ]
