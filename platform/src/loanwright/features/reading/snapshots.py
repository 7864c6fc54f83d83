"""A snapshot's rows as the engines read them: verified files, of the declared columns and types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.config.data import Source
from loanwright.data.arrow_arrays import no_rows
from loanwright.data.rows import ROW_GROUP, schema_of
from loanwright.errors import DataError
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.storage import Manifest, fetch

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

_AT_ONCE = 8
_FEW = 4 * ROW_GROUP
"""Rows of a source that may lie in memory beside the engine's own."""


def source_rows(source: Source, snapshot: Manifest, scratch: Path) -> ParquetFiles | pa.Table:
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


def _rows(source: Source, paths: Sequence[Path]) -> ParquetFiles | pa.Table:
    schema = schema_of(source)
    return ParquetFiles(tuple(paths), schema) if paths else no_rows(schema)


def rows_of(sources: Sequence[Source], snapshot: Manifest, scratch: Path) -> dict[str, ParquetFiles | pa.Table]:
    """`source_rows` by the source's name; files are verified, and brought here, several at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda source: source_rows(source, snapshot, scratch), sources)
        return {source.name: rows for source, rows in zip(sources, found, strict=True)}


def files_of(rows: Iterable[ParquetFiles | pa.Table]) -> list[Path]:
    """The files that have to be read for these rows."""
    return [path for these in rows if isinstance(these, ParquetFiles) for path in these.paths]


def restated_rows(source: Source, snapshot: Manifest, scratch: Path) -> ParquetFiles | pa.Table | None:
    """Every version of the rows that have several; None if the snapshot does not tell. Errors as of `source_rows`."""
    names = snapshot.body["tables"][source.name].get("restated")
    return None if names is None else _rows(source, _verified(source, snapshot, scratch, names))


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


def rows_of_groups(source: Source, groups: Mapping[Path, Sequence[int] | None]) -> pa.Table | Dataset:
    """The rows of some row groups of a source's files (None: of all), of the declared columns.

    Few are held in memory; many are read anew whenever they are looked at.
    """
    schema, pieces, rows = schema_of(source), {}, 0
    for path, these in groups.items():
        metadata = pq.read_metadata(path)
        pieces[path] = list(range(metadata.num_row_groups) if these is None else these)
        rows += sum(metadata.row_group(number).num_rows for number in pieces[path])
    if rows > _FEW:
        return _many(pieces, schema)
    tables = [no_rows(schema)]
    for path, numbers in pieces.items():
        with pq.ParquetFile(path) as file:
            tables.append(file.read_row_groups(numbers, schema.names).select(schema.names).cast(schema))
    return pa.concat_tables(tables)


def _many(pieces: Mapping[Path, Sequence[int]], schema: pa.Schema) -> Dataset:
    import pyarrow.dataset as ds
    from pyarrow.fs import LocalFileSystem

    format_, files = ds.ParquetFileFormat(), LocalFileSystem()
    fragments = [format_.make_fragment(str(path), files, row_groups=these) for path, these in pieces.items() if these]
    return ds.FileSystemDataset(fragments, schema, format_, files)
