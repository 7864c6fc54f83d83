"""The training table's rows, put together from what the groups gave, range by range of decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from loanwright.data.rows import ROW_GROUP
from loanwright.errors import IntegrityFault, MemoryFault
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.progress import Progress
from loanwright.features.engines.engine import Engine

RANGE = ROW_GROUP
"""Decisions that are joined at once: with a few hundred features, some hundred megabytes."""


def by_ranges(path: Path, rows: Iterable[pa.RecordBatch]) -> Dealt:
    """Rows that have `lw_ord`, as `joined` takes them."""
    return Dealt(path, rows, "lw_ord", RANGE)


def joined(engine: Engine, text: str, dealt: Mapping[str, Dealt], count: int) -> Iterator[pa.RecordBatch]:
    """The table's rows in their order.

    Args:
        engine: it makes them.
        text: the query that makes the table of `decisions` and the groups' tables.
        dealt: `decisions`, and the groups' tables → their rows, `by_ranges`.
        count: how many decisions there are.

    Raises:
        IntegrityFault: a group does not have one row for each decision.
    """
    engine.drop("decisions")
    progress = Progress("range", dict.fromkeys(range(-(-count // RANGE)), RANGE))
    for number in range(-(-count // RANGE)):
        low, high = number * RANGE, min(count, (number + 1) * RANGE)
        rows = {name: these.part(number).read_all() for name, these in dealt.items()}
        for name, table in rows.items():
            if len(table["lw_ord"].unique()) != high - low or table.num_rows != high - low:
                raise IntegrityFault(f"{name} has {table.num_rows:,} rows for decisions {low:,} to {high - 1:,}")
        yield from _range(engine, text, rows, low, high)
        progress.done(number)


def _range(engine: Engine, text: str, rows: dict[str, pa.Table], low: int, high: int) -> list[pa.RecordBatch]:
    """The table's rows of some decisions; by halves, if memory is too short for all of them at once."""
    for name, table in rows.items():
        engine.add(name, table)
    try:
        return list(engine.batches(text))
    except MemoryFault:
        if high - low < 2:
            raise
    finally:
        for name in rows:
            engine.remove(name)
    middle = (low + high) // 2
    halves = ((low, middle, pc.less), (middle, high, pc.greater_equal))
    return [
        batch
        for start, end, side in halves
        for batch in _range(
            engine,
            text,
            {name: table.filter(side(table["lw_ord"], middle)) for name, table in rows.items()},
            start,
            end,
        )
    ]
