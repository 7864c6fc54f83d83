"""Parquet files whose bytes depend on their rows alone: one row group for each block, settings pinned."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.data.sources_parquet import SYNTHETIC, TRUTH
from loanwright.data.world.frames import NULL, Rows
from loanwright.data.world.schema import TABLES, Table
from loanwright.data.world.truth import SCHEMA as TRUTH_SCHEMA

TABLE_FOLDER = "tables"
TRUTH_FOLDER = "truth"
_METADATA = {SYNTHETIC: b"true"}
_NULLABLE = ("declared_income_minor", "stated_income_minor")


class PartWriter:
    """The files of one part, one for each table, open until the part is complete.

    Args:
        folder: the world's folder.
        part: the part's number, which names the files.
        tables: which tables; `truth` is one too.
    """

    def __init__(self, folder: Path, part: int, tables: tuple[str, ...]) -> None:
        self.paths = {name: folder / _place(name) / f"part-{part:05d}.parquet" for name in tables}
        self.rows = dict.fromkeys(tables, 0)
        self._writers: dict[str, pq.ParquetWriter] = {}
        for name, path in self.paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[name] = _writer(path, name)

    def write(self, name: str, rows: Rows) -> None:
        """Adds a table's rows as one row group; nothing if there are none."""
        made = _truth(rows) if name == TRUTH_FOLDER else arrow(TABLES[name], rows)
        self.rows[name] += made.num_rows
        if made.num_rows:
            self._writers[name].write_table(made, row_group_size=made.num_rows)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, writer in self._writers.items():
            writer.add_key_value_metadata(_METADATA | ({TRUTH: b"true"} if name == TRUTH_FOLDER else {}))
            writer.close()


def arrow(table: Table, rows: Rows) -> pa.Table:
    """A table's rows with the types and words of its schema."""
    columns = []
    for name, kind in table.columns.items():
        values = rows[name]
        if kind == "c":
            words = pa.array(table.words(name))
            codes = pa.array(values.astype(np.int8), mask=values == NULL)
            columns.append(pa.DictionaryArray.from_arrays(codes, words))
        elif kind == "t":
            columns.append(pa.array(values, pa.int64()).cast(pa.timestamp("us", tz="UTC")))
        else:
            columns.append(pa.array(values, mask=values == NULL if name in _NULLABLE else None))
    fields = [pa.field(name, column.type) for name, column in zip(table.columns, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _truth(rows: Rows) -> pa.Table:
    columns = [
        pa.array(rows[field.name], pa.int64()).cast(field.type)
        if pa.types.is_timestamp(field.type)
        else pa.array(rows[field.name], field.type)
        for field in TRUTH_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=TRUTH_SCHEMA)


def _place(name: str) -> str:
    return TRUTH_FOLDER if name == TRUTH_FOLDER else f"{TABLE_FOLDER}/{name}"


def _writer(path: Path, name: str) -> pq.ParquetWriter:
    """Categories are written from their codes, and read as text: the Arrow schema is not stored."""
    if name == TRUTH_FOLDER:
        schema, words = TRUTH_SCHEMA, []
    else:
        table = TABLES[name]
        empty = {column: np.zeros(0, np.int64) for column in table.columns}
        schema = arrow(table, _typed(table, empty)).schema
        words = [column for column, kind in table.columns.items() if kind == "c"]
    return pq.ParquetWriter(
        path,
        schema,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=1,
        use_dictionary=words,
        write_statistics=True,
        store_schema=False,
    )


def _typed(table: Table, rows: Rows) -> Rows:
    kinds = {"b": np.bool_, "n": np.float64}
    return {name: rows[name].astype(kinds.get(kind, np.int64)) for name, kind in table.columns.items()}
