"""The staging engine is cut off from the world, and says when it runs out of room."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from loanwright.data.engine import as_text, engine, in_utc, literal, moment, quoted
from loanwright.errors import EnvironmentFault
from tests.unit.data.declarations import HEADER

SECRET = "a variable of Python"  # found by name, if the engine could see it


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/written.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SELECT * FROM SECRET",
    ],
)
def test_the_engine_is_locked(query: str, tmp_path: Path) -> None:
    with engine(tmp_path) as connection, pytest.raises(duckdb.Error):
        connection.execute(query)


def test_memory_that_runs_out_is_told(tmp_path: Path) -> None:
    query = "SELECT list(range) FROM range(30_000_000)"
    with pytest.raises(EnvironmentFault, match="the rows did not fit"), engine(tmp_path, memory="20MB") as connection:
        connection.execute(query)


def test_names_texts_and_times_in_sql(tmp_path: Path) -> None:
    with engine(tmp_path) as connection:
        text, name = "it's", 'a "b"'
        assert connection.execute(f"SELECT {literal(text)} AS {quoted(name)}").fetchall() == [(text,)]
        connection.execute("CREATE TABLE t AS SELECT TIMESTAMPTZ '2024-07-01 02:00:00+02' AS \"at\"")
        assert connection.execute(f"SELECT {as_text('at', 'time')} FROM t").fetchall() == [("2024-07-01T00:00:00Z",)]
        at = moment(connection.execute('SELECT epoch_us("at") FROM t').fetchall()[0][0])
    assert at == datetime(2024, 7, 1, tzinfo=UTC)
    assert in_utc(at) == "2024-07-01T00:00:00Z"
    assert moment(None) is None


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    """Files may not grow past 64 KB in that process, which to a writer is a disk that is full."""
    lines = [f"{number},2025-01-01,30,{number / 7},{'ab'[number % 2]},{number % 2}" for number in range(60_000)]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    script = f"""
import resource, signal, sys
from pathlib import Path
from loanwright.errors import EnvironmentFault
from tests.unit.data.declarations import applicants, run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))
try:
    run(applicants({str(tmp_path / "a.csv")!r}), Path({str(tmp_path)!r}))
except EnvironmentFault as fault:
    print(fault)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.startswith("cannot read or write a file while the data is ingested: ")
    assert "File too large" in done.stdout
    assert not list((tmp_path / "store").rglob("*")), "nothing half-written is left"
