"""The rows of an earlier table that go into the next one: whole files as they are, others with their labels anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.data.engine import quoted
from loanwright.data.rows import ROW_GROUP, row_groups
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
        found = pq.read_table(fetch(self.table, entry, self.scratch)).slice(0, rows)
        return found.select(self.schema.names).cast(self.schema)

    def relabelled(self, table: pa.Table, start: int) -> pa.Table:
        """The rows from that place on, with what is not computed from other rows as it is now."""
        own = [name for name in self.schema.names if name == "label" or name.startswith("unit.")]
        where = f"WHERE lw_ord >= {start} AND lw_ord < {start + table.num_rows} ORDER BY lw_ord"
        sql = f"SELECT {', '.join(map(quoted, own))} FROM every_decision {where}"
        schema = pa.schema([self.schema.field(name) for name in own])
        fresh = pa.concat_tables([schema.empty_table(), *row_groups(self.engine.batches(sql), schema, ROW_GROUP)])
        for name in own:
            table = table.set_column(self.schema.get_field_index(name), self.schema.field(name), fresh[name])
        return table


@dataclass(frozen=True)
class Kept:
    """The first rows of the next table, as far as an earlier one has them."""

    rows: int
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
            old = self.reader.read(file.entry, file.entry.rows or 0)
            new = self.reader.relabelled(old, file.start)
            yield file.entry if new.equals(old) else write_files([new], store, scratch)[0]


NOTHING = Kept(0)


def keep(engine: Engine, stands: Standing, schema: pa.Schema, scratch: Path) -> Kept:
    """What of an earlier table can be kept.

    Args:
        engine: it has the table `every_decision`.
        stands: how far the earlier table can be relied on.
        schema: of the training table.
        scratch: a folder for files on their way.
    """
    same, final = (
        engine.rows(f"SELECT count(*) FROM every_decision WHERE lw_at < {moment}")[0][0]
        for moment in (stands.features_before, stands.labels_before)
    )
    reader = _Reader(engine, stands.table, schema, scratch)
    files: list[_File] = []
    rest: list[pa.Table] = []
    start = 0
    last = len(stands.table.files) - 1
    for number, entry in enumerate(stands.table.files):
        end = start + (entry.rows or 0)
        if start >= same:
            break
        if end <= same and number < last:
            files.append(_File(entry, start, end <= final))
        else:
            rest.append(reader.relabelled(reader.read(entry, min(end, same) - start), start))
        start = min(end, same)
    return Kept(start, files, rest, reader)
