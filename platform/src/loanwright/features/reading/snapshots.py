"""A snapshot's rows as the engines read them: verified files, of the declared columns and types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.config.data import Source
from loanwright.data.arrow_arrays import no_rows
from loanwright.data.rows import ROW_GROUP, schema_of
from loanwright.errors import DataError
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.storage import Manifest, fetch

SourceRows: TypeAlias = ParquetFiles | pa.Table
_AT_ONCE = 8
_FEW = 4
"""Row groups that may lie in memory beside the engine's own rows."""


def source_rows(source: Source, snapshot: Manifest, scratch: Path) -> SourceRows:
    """A source's verified files, of the declared columns; an empty table where there are none.

    Args:
        source: what is declared of it.
        snapshot: its manifest, of kind `snapshots`.
        scratch: a folder for copies of files that lie elsewhere.

    Raises:
        DataError: the snapshot lacks the source or a column, or a column is of another type.
        IntegrityFault: a file is not what the manifest lists.
    """
    return _rows(source, source_files(source, snapshot, scratch))


def _rows(source: Source, paths: Sequence[Path]) -> SourceRows:
    schema = schema_of(source)
    return ParquetFiles(tuple(paths), schema) if paths else no_rows(schema)


def rows_of(sources: Sequence[Source], snapshot: Manifest, scratch: Path) -> dict[str, SourceRows]:
    """`source_rows` by the source's name; files are verified, and brought here, several at a time."""
    return _of_each(sources, lambda source: source_rows(source, snapshot, scratch))


def files_of(rows: Iterable[SourceRows]) -> list[Path]:
    """The files that have to be read for these rows."""
    return [path for these in rows if isinstance(these, ParquetFiles) for path in these.paths]


def restated_of(sources: Sequence[Source], snapshot: Manifest, scratch: Path) -> dict[str, SourceRows]:
    """Every version of the rows that have several, of those sources of which the snapshot tells; as `rows_of`."""
    tables = snapshot.body["tables"]

    def rows(source: Source) -> SourceRows:
        return _rows(source, _verified(source, snapshot, scratch, tables[source.name]["restated"]))

    return _of_each([source for source in sources if "restated" in tables[source.name]], rows)


def _of_each(sources: Sequence[Source], found: Callable[[Source], SourceRows]) -> dict[str, SourceRows]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {source.name: rows for source, rows in zip(sources, pool.map(found, sources), strict=True)}


def source_files(source: Source, snapshot: Manifest, scratch: Path, only: Collection[str] | None = None) -> list[Path]:
    """A source's verified files; only those of these names, if any are given. Otherwise as `source_rows`."""
    table = snapshot.body["tables"].get(source.name)
    if table is None:
        raise DataError(f"snapshot {snapshot.digest[:12]} has no source {source.name!r}", fix="Run ingest again")
    return _verified(source, snapshot, scratch, [path for path in table["files"] if only is None or path in only])


def _verified(source: Source, snapshot: Manifest, scratch: Path, names: Sequence[str]) -> list[Path]:
    paths = [fetch(snapshot, snapshot.file(name), scratch) for name in names]
    for path in paths:
        found = pq.read_schema(path)
        for field in schema_of(source):
            at = found.get_field_index(field.name)
            if at < 0 or found.field(at).type != field.type:
                kind = "no such column" if at < 0 else str(found.field(at).type)
                raise DataError(
                    f"snapshot {snapshot.digest[:12]}, source {source.name!r}, column {field.name!r}: "
                    f"declared as {field.type}, but there is {kind}",
                    fix="Run ingest again, with this declaration",
                )
    return paths


def rows_of_groups(source: Source, groups: Mapping[Path, Sequence[int]]) -> pa.Table | pa.RecordBatchReader:
    """The rows of some row groups of a source's files, of the declared columns; if they are many, to be read once."""
    schema = schema_of(source)
    batches = _batches(groups, schema)
    if sum(map(len, groups.values())) <= _FEW:
        return pa.Table.from_batches(batches, schema)
    return pa.RecordBatchReader.from_batches(schema, batches)


def _batches(groups: Mapping[Path, Sequence[int]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for path, numbers in groups.items():
        if not numbers:
            continue
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROW_GROUP, list(numbers), schema.names):
                yield batch.select(schema.names).cast(schema)
