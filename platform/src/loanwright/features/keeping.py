"""The rows of an earlier table that go into the next one: whole files as they are, others with their labels anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loanwright.data.engine import quoted
from loanwright.data.rows import ROW_GROUP, row_groups
from loanwright.features.deciding import Decided
from loanwright.features.earlier import Standing
from loanwright.features.engine import Engine
from loanwright.features.table_files import write_files
from loanwright.storage import FileEntry, Manifest, Store, fetch


@dataclass(frozen=True)
class _File:
    """A file of the earlier table, all of whose rows are kept."""

    entry: FileEntry
    start: int
    final: bool
    """Whether its labels are known to be the same."""


@dataclass(frozen=True)
class _Reader:
    engine: Engine
    table: Manifest
    schema: pa.Schema
    scratch: Path

    def read(self, entry: FileEntry, rows: int) -> pa.Table:
        """The first rows of a file, its columns as they are to be written."""
        return self._read(entry, self.schema).slice(0, rows)

    def is_labelled(self, entry: FileEntry, start: int) -> bool:
        """Whether what is not computed from other rows is in a file as it is now."""
        old = self._read(entry, self._own)
        fresh = self._fresh(start, old.num_rows)
        return bool(old.slice(old.num_rows - fresh.num_rows).equals(fresh))

    def relabelled(self, table: pa.Table, start: int) -> pa.Table:
        """The rows from that place on, with what is not computed from other rows as it is now."""
        fresh = self._fresh(start, table.num_rows)
        kept = table.num_rows - fresh.num_rows
        for name in fresh.column_names:
            now = pa.chunked_array([*table[name].slice(0, kept).chunks, *fresh[name].chunks], fresh[name].type)
            table = table.set_column(self.schema.get_field_index(name), self.schema.field(name), now)
        return table

    def positives(self, entry: FileEntry, start: int) -> int:
        """How many of a file's rows from that place on have the outcome."""
        labels = self._read(entry, pa.schema([self.schema.field("label")]))["label"]
        return int(pc.sum(labels.slice(start)).as_py() or 0)

    @cached_property
    def _own(self) -> pa.Schema:
        return pa.schema([field for field in self.schema if field.name == "label" or field.name.startswith("unit.")])

    def _read(self, entry: FileEntry, schema: pa.Schema) -> pa.Table:
        return pq.read_table(fetch(self.table, entry, self.scratch), columns=schema.names).cast(schema)

    def _fresh(self, start: int, rows: int) -> pa.Table:
        """Of so many rows from that place on, the last ones: those whose label may be another now."""
        where = f"WHERE lw_ord >= {start} AND lw_ord < {start + rows} ORDER BY lw_ord"
        sql = f"SELECT {', '.join(map(quoted, self._own.names))} FROM every_decision {where}"
        groups = row_groups(self.engine.batches(sql), self._own, ROW_GROUP)
        return pa.concat_tables([self._own.empty_table(), *groups])


@dataclass(frozen=True)
class Kept:
    """The first rows of the next table, as far as an earlier one has them."""

    rows: int
    positives: int = 0
    """Of those that are not in `every_decision`."""
    files: Sequence[_File] = ()
    rest: Sequence[pa.Table] = ()
    """Rows behind those of the files, which make no whole file without newer ones."""
    reader: _Reader | None = None

    def written(self, store: Store, scratch: Path) -> Iterator[FileEntry]:
        """The files; those whose labels are not what they were are stored anew."""
        for file in self.files:
            if self.reader is None or file.final:
                yield file.entry
                continue
            if self.reader.is_labelled(file.entry, file.start):
                yield file.entry
                continue
            old = self.reader.read(file.entry, file.entry.rows or 0)
            yield write_files([self.reader.relabelled(old, file.start)], store, scratch)[0]

    @property
    def filed(self) -> int:
        """How many of the rows are in files that are kept."""
        return sum(file.entry.rows or 0 for file in self.files)


NOTHING = Kept(0)


def keep(engine: Engine, stands: Standing, decided: Decided, schema: pa.Schema, scratch: Path) -> Kept:
    """What of an earlier table can be kept.

    Args:
        engine: it has the table `every_decision`.
        stands: how far the earlier table can be relied on.
        decided: what `every_decision` holds.
        schema: of the training table.
        scratch: a folder for files on their way.
    """
    same, final = (
        decided.first + engine.rows(f"SELECT count(*) FROM every_decision WHERE lw_at < {moment}")[0][0]
        for moment in (stands.features_before, stands.labels_before)
    )
    reader = _Reader(engine, stands.table, schema, scratch)
    files: list[_File] = []
    rest: list[pa.Table] = []
    start = 0
    # Of the earlier table's outcomes, those of decisions that are decided anew are taken off.
    positives = stands.table.body["positives"] if decided.first else 0
    last = len(stands.table.files) - 1
    for number, entry in enumerate(stands.table.files):
        end = start + (entry.rows or 0)
        if decided.first and end > decided.first:
            positives -= reader.positives(entry, max(0, decided.first - start))
        if start < same:
            if end <= same and number < last:
                files.append(_File(entry, start, end <= final))
            else:
                rest.append(reader.relabelled(reader.read(entry, min(end, same) - start), start))
        start = end
    return Kept(min(start, same), positives, files, rest, reader)
