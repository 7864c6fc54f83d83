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

    The rows that have more than one version stand once more in files of their own, so that nobody has to look for them
    among all others.

    Returns its part of the manifest's body, and its files.
    """
    source = staged.source
    every = f"SELECT * FROM {staged.table}"
    files = [put_file(store, KIND, path, rows=rows) for path, rows in _files(connection, staged, every, scratch)]
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
    if source.known_time is not None:
        pieces = _files(connection, staged, _restated(staged), scratch)
        again = [put_file(store, KIND, path, rows=rows) for path, rows in pieces]
        described["restated"] = [entry.path for entry in again]
        # A table of which every row is restated has its files twice.
        files += [entry for entry in again if entry not in files]
    return described, files


def order(source: Source) -> list[str]:
    """The columns that put a source's rows in one total order."""
    names = [source.event_time, source.known_time, *source.key]
    return list(dict.fromkeys(name for name in names if name is not None))


def _restated(staged: Staged) -> str:
    """Every version of the rows that have several."""
    keys = ", ".join(map(quoted, staged.source.key))
    several = f"SELECT {keys} FROM {staged.table} GROUP BY {keys} HAVING count(*) > 1"
    return f"SELECT * FROM {staged.table} WHERE ({keys}) IN ({several})"


def _files(
    connection: duckdb.DuckDBPyConnection, staged: Staged, rows: str, scratch: Path
) -> Iterator[tuple[Path, int]]:
    """The rows of a query in order, as parquet files that are gone when the next one is asked for."""
    source = staged.source
    schema = schema_of(source)
    ordered = f"{rows} ORDER BY {', '.join(map(quoted, order(source)))}"
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
