"""The locked engine (`data.engine`) as features use it: what goes wrong in it is the data's or the machine's fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanwright.data.engine import connect
from loanwright.errors import DataError, EnvironmentFault

if TYPE_CHECKING:
    import pyarrow as pa


class Engine:
    """A locked connection. Close it when done.

    Args:
        scratch: a folder for what does not fit into memory; it may not exist yet.
        memory_limit: such as ``"3GiB"``; absent: the engine's own share of the machine's, or the container's, memory.
        threads: absent: one for each core.
    """

    def __init__(self, scratch: Path, *, memory_limit: str | None = None, threads: int | None = None) -> None:
        self._connection = connect(
            scratch,
            **{} if memory_limit is None else {"memory_limit": memory_limit},
            **{} if threads is None else {"threads": threads},
        )

    def add(self, name: str, table: Any) -> None:
        """Makes an Arrow table or data set readable as a table of that name."""
        self._connection.register(name, table)

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

    def drop(self, name: str) -> None:
        """Removes what was made under that name, or made readable under it."""
        kind = self.rows(f"SELECT table_type FROM information_schema.tables WHERE table_name = '{name}'")
        if kind:
            self._connection.execute(f"DROP {'VIEW' if kind[0][0] == 'VIEW' else 'TABLE'} {name}")

    def count(self, table: str) -> int:
        """How many rows it has."""
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

    def append(self, name: str, sql: str) -> None:
        """Adds a query's result to a table that was made."""
        with _faults():
            self._connection.execute(f"INSERT INTO {name} {sql}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A small result, whole."""
        with _faults():
            return self._connection.execute(sql).fetchall()

    def batches(self, sql: str, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """A large result, in pieces of about that many rows."""
        with _faults():
            yield from self._connection.sql(sql).to_arrow_reader(rows)

    def close(self) -> None:
        """Gives back memory and spilled data."""
        self._connection.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(": ")[2] or str(error)


@contextmanager
def _faults() -> Iterator[None]:
    import duckdb

    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise DataError(
            f"a value left the range it is calculated in: {_reason(error)}",
            fix="Bound the column in its contract, or declare fewer decimals",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise EnvironmentFault(f"the engine ran out of memory: {_reason(error)}", fix="Give it more memory") from error
    except duckdb.IOException as error:
        raise EnvironmentFault(f"the engine cannot write its scratch folder: {_reason(error)}") from error
