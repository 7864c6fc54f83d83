"""The rows of a part as matrices, one filled while the one before it is scored."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from loanwright.registry.batch.plan import Part
from loanwright.registry.scoring_columns import ScoredColumns, reading

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

_CELLS = 1 << 22
"""Values of a matrix: 32 MiB. Two are used in turn: memory that is new to a process costs more than to fill it."""
_BATCH = 1 << 14
"""Rows that are decoded at a time: few enough for their columns to stay near the processor."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows; good until the next but one is asked for."""

    kept: pa.Table
    """Their columns that go into the output as they are."""
    matrix: NDArray[np.float64]


def chunks(source: pq.ParquetFile, columns: ScoredColumns, part: Part, where: str) -> Iterator[Chunk]:
    """The part's rows.

    Args:
        source: the file that they are in.
        columns: what is made of them.
        part: which rows.
        where: what the file is called in errors.

    Raises:
        DataError: rows cannot be read, or hold an infinite value.
    """
    filled = _filled(source, columns, part, where)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, filled, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, filled, None)
            yield chunk


def _filled(source: pq.ParquetFile, columns: ScoredColumns, part: Part, where: str) -> Iterator[Chunk]:
    import pyarrow as pa

    size = max(1, min(_CELLS // max(1, columns.features), part.rows))
    free, filling = np.empty((size, columns.features)), np.empty((size, columns.features))
    kept: list[pa.Table] = []
    passed = held = 0
    for rows in _batches(source, columns.wanted, part, where, min(size, _BATCH)):
        if held + rows.num_rows > size:
            yield Chunk(pa.concat_tables(kept), filling[:held])
            kept, held, free, filling = [], 0, filling, free
        kept.append(columns.encode(rows, part.first + passed, filling[held : held + rows.num_rows]))
        held, passed = held + rows.num_rows, passed + rows.num_rows
    if held:
        yield Chunk(pa.concat_tables(kept), filling[:held])


def _batches(source: pq.ParquetFile, wanted: list[str], part: Part, where: str, size: int) -> Iterator[pa.Table]:
    """The part's rows; one row group is asked for at a time, for read-ahead holds all that was asked for."""
    import pyarrow as pa

    start = 0
    for place in range(source.num_row_groups):
        rows = source.metadata.row_group(place).num_rows
        low, high = max(part.first - start, 0), min(part.first + part.rows - start, rows)
        start += rows
        if low >= high:
            continue
        passed = 0
        batches = source.iter_batches(size, row_groups=[place], columns=wanted, use_threads=False)
        while passed < high:
            with reading(where):
                batch = next(batches)
            begin, end = max(low - passed, 0), min(high - passed, batch.num_rows)
            passed += batch.num_rows
            if begin < end:
                yield pa.Table.from_batches([batch.slice(begin, end - begin)])
