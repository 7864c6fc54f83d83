"""Rows as Arrow holds them: the type of every declared column, and the deal into row groups of one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from loanwright.config.data import Source

ROW_GROUP = 65_536
"""Rows of a parquet file that are written, and read, at once."""
TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "category": pa.string(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
}
"""Arrow's type of each declared one."""


def schema_of(source: Source) -> pa.Schema:
    """The declared columns, in their order."""
    return pa.schema([(column.name, TYPES[column.type]) for column in source.columns])


def row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """The batches, cast to the schema and dealt anew into tables of exactly `rows` rows, the last one shorter."""
    waiting: list[pa.Table] = []
    held = 0
    for batch in batches:
        waiting.append(pa.Table.from_batches([batch]).cast(schema))
        held += batch.num_rows
        while held >= rows:
            table = pa.concat_tables(waiting)
            yield table.slice(0, rows).combine_chunks()
            waiting, held = [table.slice(rows)], held - rows
    if held:
        yield pa.concat_tables(waiting).combine_chunks()
