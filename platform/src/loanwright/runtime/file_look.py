"""A look at one parquet or CSV file: what its columns hold, by the very conversions that ingest will use."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.errors import DataError, UsageError
from loanwright.runtime.column_look import Seen, contract, summary

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from loanwright.data.sources import Part

_MOST_ROWS = 1_000_000
_MOST_CELLS = 20_000_000
_FEWEST_ROWS = 2_000
_MOST_COLUMNS = 2_500
_DELIMITERS = (",", ";", "\t", "|")
_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet", ".pq")
_EVERY = 2.0
"""Seconds between two words of progress."""
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Look:
    """A file that was looked at."""

    columns: tuple[Seen, ...]
    left_out: dict[str, str]
    """Column → why it cannot be declared."""
    rows: int
    whole: bool
    """Whether all rows were looked at."""
    format: str
    delimiter: str
    encoding: str
    ends_as_usual: bool
    """Whether the file's name tells its format."""
    connection: duckdb.DuckDBPyConnection
    typed: pa.Table
    """The values of the columns, as they are declared."""

    def column(self, name: str) -> Seen | None:
        """The column of that name, or None."""
        return next((seen for seen in self.columns if seen.name == name), None)

    def ask(self, query: str, *names: str) -> list[tuple[Any, ...]]:
        """The result of a query on these columns' typed values, which are its table `seen`."""
        self.connection.register("seen", self.typed.select(list(dict.fromkeys(names))))
        return self.connection.execute(query).fetchall()


@contextmanager
def look(path: Path, scratch: Path) -> Iterator[Look]:
    """Reads a file, up to 1,000,000 rows or 20,000,000 values of it.

    Raises:
        UsageError: there is no such file.
        DataError: it cannot be read, has no rows, or more than 2,500 columns.
    """
    from loanwright.data.engine import engine

    if not path.is_file():
        raise UsageError(f"there is no file {path}", fix="Give a parquet or CSV file with one row for each decision")
    with path.open("rb") as file:
        start = file.read(4)
    parquet = start == b"PAR1" or path.suffix in (".parquet", ".pq")
    encodings = ("utf-16",) if start[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8", "cp1252")
    for encoding in encodings:
        try:
            part, delimiter = _opened(path, encoding, parquet=parquet)
            names, left_out = _declarable(part)
            given, whole = _read(part, names)
            break
        except DataError as error:
            if encoding == encodings[-1] or "is not utf-8" not in error.problem:
                raise
    usual = path.name.lower().endswith(_ENDINGS)
    with engine(scratch) as connection:
        columns, typed = _typed(connection, given, left_out, whole=whole)
        kind = "parquet" if parquet else "csv"
        yield Look(columns, left_out, given.num_rows, whole, kind, delimiter, encoding, usual, connection, typed)


def _opened(path: Path, encoding: str, *, parquet: bool) -> tuple[Part, str]:
    """The file, and the delimiter that gives its header the most columns."""
    if parquet:
        from loanwright.data.sources_parquet import open_parquet

        return open_parquet(str(path), path), ","
    from loanwright.data.sources_csv import open_csv

    found: dict[str, Part] = {}
    problems: list[DataError] = []
    for delimiter in _DELIMITERS:
        try:
            found[delimiter] = open_csv(str(path), path, delimiter, encoding)
        except DataError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    best = max(found, key=lambda delimiter: len(found[delimiter].columns))
    return found[best], best


def _declarable(part: Part) -> tuple[list[str], dict[str, str]]:
    """The columns whose names a declaration can hold, and why not the others.

    Raises:
        DataError: there is none, or there are too many.
    """
    left_out: dict[str, str] = {}
    folded: dict[str, str] = {}
    for name in part.columns:
        other = folded.setdefault(name.casefold(), name)
        if part.columns.count(name) > 1:
            left_out[name] = "its name is there more than once"
        elif other != name:
            left_out[name] = f"its name is that of {other!r} but for case"
        elif not name or len(name) > 200 or "{{" in name or not name.isprintable():
            left_out[name] = "its name cannot stand in a declaration"
    names = [name for name in part.columns if name not in left_out]
    if not names:
        raise DataError(f"{part.where} has no column whose name can be declared")
    if len(names) > _MOST_COLUMNS:
        raise DataError(
            f"{part.where} has {len(names):,} columns: a declaration has no room for more than {_MOST_COLUMNS:,}",
            fix="Make a file of the columns that matter",
        )
    return names, left_out


def _read(part: Part, names: list[str]) -> tuple[pa.Table, bool]:
    """The rows as they are, and whether these are all.

    Raises:
        DataError: there are none, or a CSV file's rows are not all of one length.
    """
    import pyarrow as pa

    limit = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_CELLS // len(names)))
    taken: list[pa.RecordBatch] = []
    rows, whole = 0, True
    spoke = time.monotonic()
    for batch in part.batches(names):
        taken.append(batch.slice(0, limit - rows))
        rows += taken[-1].num_rows
        whole = taken[-1].num_rows == batch.num_rows
        if rows == limit:
            whole = False
            break
        if time.monotonic() - spoke > _EVERY:
            spoke = time.monotonic()
            _log.info("%s: %s rows read", part.where, f"{rows:,}")
    ragged, examples = part.ragged()
    if ragged:
        raise DataError(
            f"{part.where}: {ragged:,} rows have another number of values than the header, as in {examples[0]}",
            fix="Mend the file",
        )
    if not rows:
        raise DataError(f"{part.where} has no rows")
    return pa.Table.from_batches(taken), whole


def _typed(
    connection: duckdb.DuckDBPyConnection, given: pa.Table, left_out: dict[str, str], *, whole: bool
) -> tuple[tuple[Seen, ...], pa.Table]:
    """Every column that can be declared, and its typed values.

    The engine sees one column at a time: what a query costs grows with the width of its table.
    """
    import pyarrow as pa

    from loanwright.data.contract_types import converted, physical
    from loanwright.data.engine import quoted

    seen: list[Seen] = []
    values: dict[str, pa.ChunkedArray] = {}
    spoke = time.monotonic()
    for number, name in enumerate(given.column_names, 1):
        kind = physical(given.schema.field(name).type)
        connection.register("given", _without_dictionaries(given.select([name])))
        column = contract(connection, name, kind)
        if column is None:
            left_out[name] = "it holds infinite values" if kind == "float" else "it holds no numbers, texts or times"
            continue
        query = f"SELECT {converted(column, kind)} AS {quoted(name)} FROM given"
        typed = connection.sql(query).to_arrow_table()
        connection.register("seen", typed)
        seen.append(summary(connection, column, whole=whole))
        values[name] = typed.column(0)
        if time.monotonic() - spoke > _EVERY:
            spoke = time.monotonic()
            _log.info("%s of %s columns looked at", f"{number:,}", f"{given.num_columns:,}")
    if not seen:
        raise DataError("the file has no column that can be declared")
    return tuple(seen), pa.table(values)


def _without_dictionaries(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    (column,) = table.columns
    if not pa.types.is_dictionary(column.type):
        return table
    return pa.table({table.column_names[0]: column.cast(column.type.value_type)})
