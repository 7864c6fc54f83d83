"""DuckDB as a locked engine: tables go in and come out as Arrow, and nothing else goes anywhere.

It reads no network, no Python variable and no file but those it was opened for, and no setting can be changed once
it is open, whatever the SQL says: an expression of a declaration that slipped through the parser finds a locked door.
Spilled data goes to a scratch folder, the one place it may write to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import EnvironmentFault

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
"""What the engine may hold before it spills to the scratch folder."""

_LOCKS = (
    "SET TimeZone = 'UTC'",
    "SET enable_progress_bar = false",
    "SET enable_external_access = false",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET lock_configuration = true",
)


def connect(scratch: Path, files: Sequence[str] = (), **config: str | int) -> duckdb.DuckDBPyConnection:
    """A locked connection of its own; it spills to a folder in `scratch`, which need not exist yet.

    Args:
        scratch: a folder for what does not fit into memory.
        files: may be read, and nothing else.
        config: `memory_limit` (absent: two thirds of the machine's, or the container's, memory) and `threads`
            (absent: one for each core).
    """
    import duckdb

    connection = duckdb.connect(":memory:", config={"temp_directory": str(scratch / "spill"), **config})
    if "memory_limit" not in config:
        # Four fifths is the engine's own choice: too much beside what Python and Arrow hold.
        number, unit = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
        connection.execute(f"SET memory_limit = '{float(number) * 5 / 6:.3f} {unit}'")
    connection.execute(f"SET allowed_paths = [{', '.join(map(literal, files))}]")
    for lock in _LOCKS:
        connection.execute(lock)
    return connection


@contextmanager
def engine(scratch: Path, memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """The engine that stages, checks and orders a source's rows.

    Raises:
        EnvironmentFault: memory or disk ran out.
    """
    import duckdb

    scratch.mkdir(parents=True, exist_ok=True)
    connection = connect(scratch, memory_limit=memory)
    try:
        yield connection
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise EnvironmentFault(
            f"the rows did not fit: {str(error).splitlines()[0]}", fix=f"Free memory, or disk at {scratch}"
        ) from error
    finally:
        connection.close()


def as_text(name: str, declared: str) -> str:
    """A column's value as text, in SQL; times in UTC, to the second.

    Times never leave the engine as Python objects: that would need pytz.
    """
    if declared == "time":
        return f"strftime(timezone('UTC', {quoted(name)}), '%Y-%m-%dT%H:%M:%SZ')"
    return f"{quoted(name)}::VARCHAR"


def moment(microseconds: int | None) -> datetime | None:
    """An `epoch_us` of the engine as a datetime in UTC."""
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def in_utc(moment: datetime) -> str:
    """A moment as it stands in a manifest: RFC 3339, with a Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
