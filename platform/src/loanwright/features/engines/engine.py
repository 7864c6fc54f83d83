"""The locked engine (`data.engine`) as features use it: what goes wrong in it is the data's or the machine's fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.data.engine import connect
from loanwright.errors import DataError, EnvironmentFault, MemoryFault
from loanwright.features.engines.parquet_files import ParquetFiles, openable

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 65_536


class Engine:
    """A locked connection. Close it when done.

    Args:
        scratch: a folder for what does not fit into memory; it may not exist yet.
        memory_limit: such as ``"3GiB"``; absent: two thirds of the machine's, or the container's, memory.
        threads: absent: one for each core.
        files: the only files it may read.
    """

    deals_by_itself = False
    """Whether it brings any amount of rows into pieces that fit its memory."""

    def __init__(
        self,
        scratch: Path,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
        files: Iterable[Path] = (),
    ) -> None:
        self._added: dict[str, pa.Table | pa.RecordBatchReader] = {}
        self._connection = connect(
            scratch,
            openable(files),
            **{} if memory_limit is None else {"memory_limit": memory_limit},
            **{} if threads is None else {"threads": threads},
        )

    def add(self, name: str, table: pa.Table | pa.RecordBatchReader | ParquetFiles) -> None:
        """Makes rows readable as a table of that name; of files, such as it was opened for."""
        if isinstance(table, ParquetFiles):
            self.show(name, table.query)
            return
        self._connection.register(name, table)
        self._added[name] = table

    def alias(self, name: str, table: str) -> None:
        """Makes a table readable under another name too."""
        self._connection.execute(f"CREATE TEMP VIEW {name} AS SELECT * FROM {table}")

    def show(self, name: str, sql: str) -> None:
        """Makes a query's result readable under a name that none or another one had so far; it is not computed yet."""
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def has(self, name: str) -> bool:
        """Whether a table of that name was made, or made readable."""
        return bool(self.rows(f"SELECT 1 FROM information_schema.tables WHERE table_name = '{name}'"))

    def remove(self, name: str) -> None:
        """Takes back what was added under that name."""
        self._connection.unregister(name)
        del self._added[name]

    def drop(self, name: str) -> None:
        """Removes what was made under that name, or made readable under it."""
        if name in self._added:
            self.remove(name)
            return
        kind = self.rows(f"SELECT table_type FROM information_schema.tables WHERE table_name = '{name}'")
        if kind:
            self._connection.execute(f"DROP {'VIEW' if kind[0][0] == 'VIEW' else 'TABLE'} {name}")

    def count(self, table: str) -> int:
        """How many rows it has; those of files are told without a look at them."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])

    @property
    def memory(self) -> int:
        """Bytes that may be held before it spills."""
        number, unit = str(self.rows("SELECT current_setting('memory_limit')")[0][0]).split()
        return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit))

    def make(self, name: str, sql: str) -> None:
        """Makes a table of that name of a query's result."""
        with _faults():
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def load(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Makes a table of that name of rows that can be read once."""
        self.drop(name)
        self.add("lw_loaded", rows)
        self.make(name, "SELECT * FROM lw_loaded")
        self.remove("lw_loaded")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A small result, whole."""
        with _faults():
            return self._connection.execute(sql).fetchall()

    def batches(self, sql: str, rows: int = _BATCH) -> Iterator[pa.RecordBatch]:
        """A large result, in pieces of about that many rows; one without rows, if it has none, tells its columns.

        Until the last piece was taken nothing else may be asked.
        """
        with _faults():
            reader = self._connection.sql(sql).to_arrow_reader(rows)
            none = True
            for batch in reader:
                none = False
                yield batch
            if none:
                yield _no_rows(reader.schema)

    def close(self) -> None:
        """Gives back memory and spilled data."""
        self._connection.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(": ")[2] or str(error)


@contextmanager
def _faults() -> Iterator[None]:
    import duckdb

    try:
        with _streaming():
            yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise DataError(
            f"a value left the range it is calculated in: {_reason(error)}",
            fix="Bound the column in its contract, or declare fewer decimals",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise MemoryFault(f"the engine ran out of memory: {_reason(error)}", fix="Give it more memory") from error
    except duckdb.IOException as error:
        raise EnvironmentFault(
            f"the engine cannot read its sources or write its scratch folder: {_reason(error)}"
        ) from error


@contextmanager
def _streaming() -> Iterator[None]:
    """What goes wrong while a result is read comes as Arrow's error, and only its words tell what it was."""
    import duckdb

    kinds: dict[str, type[duckdb.Error]] = {
        "Out of Range Error": duckdb.OutOfRangeException,
        "Conversion Error": duckdb.ConversionException,
        "Out of Memory Error": duckdb.OutOfMemoryException,
        "IO Error": duckdb.IOException,
    }
    try:
        yield
    except OSError as error:
        kind = kinds.get(str(error).partition(":")[0])
        if kind is None:
            raise
        raise kind(str(error)) from error
