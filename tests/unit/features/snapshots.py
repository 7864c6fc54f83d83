"""Small snapshots in the published shape, made of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.config.data import Data, Source
from loanwright.storage import open_store, publish, put_file

TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "category": pa.string(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", "UTC"),
}


def arrow(source: Source, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows as a table with the types that a snapshot gives the declared columns."""
    columns = {}
    for column in source.columns:
        values = [row.get(column.name) for row in rows]
        if column.type == "time":
            columns[column.name] = pa.array([_micros(value) for value in values], pa.int64()).cast(TYPES["time"])
        else:
            columns[column.name] = pa.array(values, TYPES[column.type])
    return pa.table(columns)


def snapshot(
    data: Data,
    tables: Mapping[str, Sequence[Mapping[str, Any]] | pa.Table],
    folder: Path,
    *,
    files: int = 1,
    observed_until: str = "",
) -> str:
    """Publishes the tables in a folder store, each in so many files; the manifest's URI."""
    store = open_store(str(folder / "store"))
    body: dict[str, Any] = {}
    entries = []
    for source in data.sources:
        given = tables[source.name]
        table = given if isinstance(given, pa.Table) else arrow(source, given)
        paths = []
        step = max(1, -(-table.num_rows // files))
        for start in range(0, max(table.num_rows, 1), step):
            path = folder / "piece.parquet"
            pq.write_table(table.slice(start, step), path)
            entries.append(put_file(store, "snapshots", path, rows=min(step, table.num_rows - start)))
            paths.append(entries[-1].path)
        restated = []
        if source.known_time is not None and not isinstance(given, pa.Table):
            pq.write_table(arrow(source, several(source, given)), folder / "piece.parquet")
            entries.append(put_file(store, "snapshots", folder / "piece.parquet"))
            restated.append(entries[-1].path)
        columns = [{"name": field.name, "type": str(field.type)} for field in table.schema]
        body[source.name] = {"rows": table.num_rows, "columns": columns, "files": paths}
        if restated:
            body[source.name]["restated"] = restated
    said = {"data_cutoff": "", "observed_until": observed_until, "synthetic": True}
    return publish(store, "snapshots", {"tables": body, **said}, entries)


def several(source: Source, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The versions of rows that have more than one."""
    keys = [tuple(row.get(name) for name in source.key) for row in rows]
    counts = Counter(keys)
    return [row for row, key in zip(rows, keys, strict=True) if counts[key] > 1]


def _micros(value: Any) -> int | None:
    if value is None or isinstance(value, int):
        return value
    return int(value.timestamp()) * 1_000_000 + int(value.microsecond)
