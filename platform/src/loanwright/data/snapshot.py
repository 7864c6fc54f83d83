"""Writing staged tables as an immutable snapshot: parquet in one total order, described by a manifest."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from loanwright.config.data import Source
from loanwright.data.engine import in_utc, moment, quoted
from loanwright.data.rows import ROW_GROUP, row_groups, schema_of
from loanwright.storage import FileEntry, Store, put_file

if TYPE_CHECKING:
    import duckdb

    from loanwright.data.staging import Staged

_log = logging.getLogger("loanwright")
KIND = "snapshots"
ROWS_PER_FILE = 15 * ROW_GROUP


def write_table(
    connection: duckdb.DuckDBPyConnection, staged: Staged, store: Store, scratch: Path
) -> tuple[dict[str, Any], list[FileEntry]]:
    """Stores a staged table's rows, ordered by event time, known time and key.

    Returns its part of the manifest's body, and its files.
    """
    source = staged.source
    files = [put_file(store, KIND, path, rows=rows) for path, rows in _files(connection, staged, scratch)]
    described = {
        "rows": staged.rows,
        "columns": [{"name": column.name, "type": column.type} for column in source.columns],
        "min_time": None,
        "max_time": None,
        "files": [entry.path for entry in files],
    }
    time = source.event_time or source.known_time
    if time is not None:
        span = f"SELECT epoch_us(min({quoted(time)})), epoch_us(max({quoted(time)})) FROM {staged.table}"
        low, high = map(moment, connection.execute(span).fetchall()[0])
        described |= {"min_time": low and in_utc(low), "max_time": high and in_utc(high)}
    return described, files


def order(source: Source) -> list[str]:
    """The columns that put a source's rows in one total order."""
    names = [source.event_time, source.known_time, *source.key]
    return list(dict.fromkeys(name for name in names if name is not None))


def _files(connection: duckdb.DuckDBPyConnection, staged: Staged, scratch: Path) -> Iterator[tuple[Path, int]]:
    """The rows in order, as parquet files that are gone when the next one is asked for."""
    source = staged.source
    schema = schema_of(source)
    ordered = f"SELECT * FROM {staged.table} ORDER BY {', '.join(map(quoted, order(source)))}"
    groups = row_groups(connection.sql(ordered).to_arrow_reader(ROW_GROUP), schema, ROW_GROUP)
    path = scratch / "rows.parquet"
    stored = 0
    group = next(groups, None)
    while group is not None:
        written = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            while group is not None and written < ROWS_PER_FILE:
                writer.write_table(group, row_group_size=ROW_GROUP)
                written += group.num_rows
                group = next(groups, None)
        stored += written
        if staged.rows > ROWS_PER_FILE:
            _log.info("source %s: %s of %s rows in order", source.name, f"{stored:,}", f"{staged.rows:,}")
        yield path, written
    path.unlink(missing_ok=True)
