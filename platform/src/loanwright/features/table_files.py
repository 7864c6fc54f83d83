"""The training table's files: whole decision days, so that a day that was written is never written again.

A file ends with the first day at whose end it has a sixteenth of the rows before it (a quarter of a row group at
least, and no need for more than two), or with its sixteenth row group, whichever is first. So a table's files but the
last are those of any longer table that begins with the same rows, and little is written anew for one day more.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.data.arrow_arrays import whole_numbers
from loanwright.data.rows import ROW_GROUP
from loanwright.storage import FileEntry, Store, put_file

LEAST = ROW_GROUP // 4
"""A file with fewer rows does not end with its day."""
ENOUGH = 2 * ROW_GROUP
"""A file with so many rows ends with its day, however many are before it."""
MOST = 16 * ROW_GROUP
"""No file has more rows."""

_log = logging.getLogger("loanwright")


def whole_files(tables: Iterable[pa.Table], before: int = 0) -> Iterator[pa.Table]:
    """The rows, in pieces that are a file each; the last one may not be whole.

    Args:
        tables: the rows in order.
        before: how many rows of the table are in files already.
    """
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while (cut := _cut(held, before)) is not None:
            rows = pa.concat_tables(held)
            yield rows.slice(0, cut)
            held, before = [rows.slice(cut)], before + cut
    if sum(table.num_rows for table in held):
        yield pa.concat_tables(held)


def _cut(held: list[pa.Table], before: int) -> int | None:
    """How many of the rows make a whole file; None as long as more may belong to it."""
    rows = sum(table.num_rows for table in held)
    least = min(max(LEAST, before // 16), ENOUGH)
    if rows <= least:
        return None
    times = np.concatenate([whole_numbers(table["decision_time"], "datetime64[us]") for table in held])
    days = times[least - 1 : MOST + 1].astype("datetime64[D]")
    changes = np.flatnonzero(days[1:] != days[:-1])
    if len(changes):
        return least + int(changes[0])
    return MOST if rows > MOST else None


def writer_of(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """What writes a table's file."""
    doubles = [field.name for field in schema if field.type == pa.float64()]
    others = [field.name for field in schema if field.type != pa.float64()]
    # Doubles are smaller and three times as fast to write with their bytes split than in dictionaries.
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=others, use_byte_stream_split=doubles)


def write_files(files: Iterable[pa.Table], store: Store, scratch: Path) -> list[FileEntry]:
    """Stores each table as a file, as soon as it comes."""
    entries: list[FileEntry] = []
    with tempfile.TemporaryDirectory(dir=scratch, prefix="table-") as folder:
        path = Path(folder) / "part.parquet"
        for table in files:
            with writer_of(path, table.schema) as writer:
                writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)
            entries.append(put_file(store, "tables", path, rows=table.num_rows))
            _log.info("%s rows written", f"{sum(entry.rows or 0 for entry in entries):,}")
    return entries
