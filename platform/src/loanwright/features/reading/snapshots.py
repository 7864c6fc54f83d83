"""A snapshot's rows as the engines read them: verified files, of the declared columns and types."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from loanwright.config.data import Source
from loanwright.data.rows import schema_of
from loanwright.errors import DataError
from loanwright.storage import Manifest, fetch

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


def source_rows(source: Source, snapshot: Manifest, scratch: Path) -> Dataset:
    """A source's verified files, as one data set of the declared columns.

    Args:
        source: what is declared of it.
        snapshot: its manifest, of kind `snapshots`.
        scratch: a folder for copies of files that lie elsewhere.

    Raises:
        DataError: the snapshot lacks the source or a column, or a column is of another type.
        IntegrityFault: a file is not what the manifest lists.
    """
    return _as_one(source, source_files(source, snapshot, scratch))


def restated_rows(source: Source, snapshot: Manifest, scratch: Path) -> Dataset | None:
    """Every version of the rows that have several; None if the snapshot does not tell. Otherwise as `source_rows`."""
    paths = snapshot.body["tables"][source.name].get("restated")
    return None if paths is None else _as_one(source, _verified(source, snapshot, scratch, paths))


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


def _as_one(source: Source, paths: Sequence[Path]) -> Dataset:
    import pyarrow.dataset as ds

    schema = schema_of(source)
    return ds.dataset([str(path) for path in paths], schema=schema, format="parquet") if paths else schema.empty_table()


def rows_of_groups(source: Source, groups: Mapping[Path, Sequence[int]]) -> Dataset:
    """The rows of some row groups of a source's files, as one data set of the declared columns."""
    import pyarrow.dataset as ds
    from pyarrow.fs import LocalFileSystem

    schema, format_, files = schema_of(source), ds.ParquetFileFormat(), LocalFileSystem()
    pieces = [
        format_.make_fragment(str(path), files, row_groups=list(these)) for path, these in groups.items() if these
    ]
    return ds.FileSystemDataset(pieces, schema, format_, files) if pieces else schema.empty_table()
