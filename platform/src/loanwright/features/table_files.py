"""The training table's files: whole decision days, so that a day that was written is never written again.

A file ends with the first day at whose end it has two row groups, or with its sixteenth row group, whichever is
first. So a table's files but the last are those of any longer table that begins with the same rows.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.data.rows import ROW_GROUP
from loanwright.storage import FileEntry, Store, put_file

LEAST = 2 * ROW_GROUP
"""A file with so many rows ends with its day."""
MOST = 16 * ROW_GROUP
"""No file has more rows."""

_log = logging.getLogger("loanwright")


def whole_files(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows, in pieces that are a file each; the last one may not be whole."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while (cut := _cut(held)) is not None:
            rows = pa.concat_tables(held)
            yield rows.slice(0, cut)
            held = [rows.slice(cut)]
    if sum(table.num_rows for table in held):
        yield pa.concat_tables(held)


def _cut(held: list[pa.Table]) -> int | None:
    """How many of the rows make a whole file; None as long as more may belong to it."""
    rows = sum(table.num_rows for table in held)
    if rows <= LEAST:
        return None
    times = np.concatenate([table["decision_time"].to_numpy() for table in held])
    days = times[LEAST - 1 : MOST + 1].astype("datetime64[D]")
    changes = np.flatnonzero(days[1:] != days[:-1])
    if len(changes):
        return LEAST + int(changes[0])
    return MOST if rows > MOST else None


def write_files(files: Iterable[pa.Table], store: Store, scratch: Path) -> list[FileEntry]:
    """Stores each table as a file, as soon as it comes."""
    entries: list[FileEntry] = []
    with tempfile.TemporaryDirectory(dir=scratch, prefix="table-") as folder:
        path = Path(folder) / "part.parquet"
        for table in files:
            doubles = [field.name for field in table.schema if field.type == pa.float64()]
            others = [field.name for field in table.schema if field.type != pa.float64()]
            # Doubles are smaller and three times as fast to write with their bytes split than in dictionaries.
            with pq.ParquetWriter(
                path, table.schema, compression="zstd", use_dictionary=others, use_byte_stream_split=doubles
            ) as writer:
                writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)
            entries.append(put_file(store, "tables", path, rows=table.num_rows))
            _log.info("%s rows written", f"{sum(entry.rows or 0 for entry in entries):,}")
    return entries
