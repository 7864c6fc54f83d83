"""The embedded DuckDB that stages, checks and orders rows: bounded in memory, cut off from files and network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import EnvironmentFault

if TYPE_CHECKING:
    import duckdb

MEMORY = "1GB"
"""What the engine may hold before it spills to the scratch folder."""


@contextmanager
def engine(scratch: Path, memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own; tables come in and go out as Arrow.

    Raises:
        EnvironmentFault: memory or disk ran out.
    """
    import duckdb

    spill = scratch / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(":memory:", config={"memory_limit": memory, "temp_directory": str(spill)})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
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
