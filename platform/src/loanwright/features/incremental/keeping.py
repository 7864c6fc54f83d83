"""The rows of an earlier table that go into the next one: whole files as they are, others put together anew.

A file is listed again if none of its rows is computed anew and all have the label that they had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loanwright.data.arrow_arrays import mask_of, no_rows, whole_numbers
from loanwright.data.engine import quoted
from loanwright.data.rows import ROW_GROUP, row_groups
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.deciding import EVERY, Decided
from loanwright.features.incremental.earlier import Standing
from loanwright.features.incremental.merging import Rows, merged
from loanwright.features.incremental.reached import Due
from loanwright.features.table_files import whole_files, write_files
from loanwright.storage import FileEntry, Store, fetch


@dataclass(frozen=True)
class Kept:
    """What an earlier table gives to the next one.

    Args:
        engine: it has the table `every_decision`.
        stands: how far the earlier table can be relied on.
        decided: what `every_decision` holds.
        due: what is computed anew.
        schema: of the training table.
        scratch: a folder for files on their way.
    """

    engine: Engine
    stands: Standing
    decided: Decided
    due: Due
    schema: pa.Schema
    scratch: Path

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return self.decided.rows - len(self.due.places)

    @cached_property
    def positives(self) -> int:
        """How many of the decisions that are not in `every_decision` have the outcome."""
        first, found, start = self.decided.first, self.stands.table.body["positives"], 0
        if not first:
            return 0
        for entry in self.stands.table.files:
            end = start + (entry.rows or 0)
            if end > first:
                labels = self._read(entry, pa.schema([self.schema.field("label")]))["label"]
                found -= int(pc.sum(labels.slice(max(0, first - start))).as_py() or 0)
            start = end
        return int(found)

    def files(self, computed: Iterable[pa.Table], store: Store) -> Iterator[FileEntry]:
        """The next table's files.

        Args:
            computed: the rows of what is due, in order.
            store: where files go that are not the earlier table's.
        """
        fresh, rest, start = Rows(computed, self.schema), list(self.stands.table.files), 0
        final, still = (self._before(moment) for moment in (self.stands.labels_before, self.stands.moved_from))
        # The last one may not be whole, what stands behind a decision that came or went has other places, and where a
        # file ends is told by the row behind it.
        while len(rest) > 1 and start + (rest[0].rows or 0) < still:
            entry = rest.pop(0)
            end = start + (entry.rows or 0)
            if not self._is_due(start, end) and (end <= final or self._is_labelled(entry, start)):
                yield entry
            else:
                whole = pa.concat_tables(self._rows([entry], fresh, start, end))
                yield from write_files([whole], store, self.scratch)
            start = end
        tail = self._rows(rest, fresh, start, self.decided.rows)
        yield from write_files(whole_files(tail, start), store, self.scratch)

    def _rows(self, entries: list[FileEntry], computed: Rows, start: int, end: int) -> Iterator[pa.Table]:
        """The next table's rows from a place to before another, of the earlier one's files and what is computed."""
        kept = Rows(map(self._left, entries), self.schema)
        for table, count in merged(kept, computed, self.due.places, start, end):
            yield self._relabelled(table, start) if count else table
            start += table.num_rows
        kept.end()

    def _left(self, entry: FileEntry) -> pa.Table:
        """The rows of a file that are kept."""
        table = self._read(entry, self.schema)
        keep = mask_of(whole_numbers(table["decision_time"], np.int64) < self.stands.end)
        if len(self.due.left_out):
            keep = pc.and_not(keep, pc.is_in(table["unit_key"], value_set=self.due.left_out))
        return table.filter(keep)

    def _is_due(self, start: int, end: int) -> bool:
        first, after = self.due.places.searchsorted((start, end))
        return bool(first < after)

    def _before(self, moment: int) -> int:
        """The place of the first decision that is not before the moment, or of the first in `every_decision`."""
        return self.decided.first + self.engine.count(f"(SELECT lw_ord FROM {EVERY} WHERE lw_at < {moment})")

    def _is_labelled(self, entry: FileEntry, start: int) -> bool:
        """Whether what is not computed from other rows is in a file as it is now."""
        old = self._read(entry, self._own)
        fresh = self._fresh(start, old.num_rows)
        return bool(old.slice(old.num_rows - fresh.num_rows).equals(fresh))

    def _relabelled(self, table: pa.Table, start: int) -> pa.Table:
        """The rows from that place on, with what is not computed from other rows as it is now."""
        fresh = self._fresh(start, table.num_rows)
        kept = table.num_rows - fresh.num_rows
        for name in fresh.column_names:
            now = pa.chunked_array([*table[name].slice(0, kept).chunks, *fresh[name].chunks], fresh[name].type)
            table = table.set_column(self.schema.get_field_index(name), self.schema.field(name), now)
        return table

    def _fresh(self, start: int, rows: int) -> pa.Table:
        """Of so many rows from that place on, the last ones: those whose label may be another now."""
        where = f"WHERE lw_ord >= {start} AND lw_ord < {start + rows} ORDER BY lw_ord"
        sql = f"SELECT {', '.join(map(quoted, self._own.names))} FROM {EVERY} {where}"
        groups = row_groups(self.engine.batches(sql), self._own, ROW_GROUP)
        return pa.concat_tables([no_rows(self._own), *groups])

    @cached_property
    def _own(self) -> pa.Schema:
        return pa.schema([field for field in self.schema if field.name == "label" or field.name.startswith("unit.")])

    def _read(self, entry: FileEntry, schema: pa.Schema) -> pa.Table:
        with pq.ParquetFile(fetch(self.stands.table, entry, self.scratch)) as file:
            return file.read(schema.names).select(schema.names).cast(schema)
