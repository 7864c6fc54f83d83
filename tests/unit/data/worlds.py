"""A small world made once for all tests, and questions to it in SQL."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from loanwright.data.world.generation import WorldManifest, generate
from loanwright.data.world.schema import TABLES

SEED = 11


@cache
def small_world() -> WorldManifest:
    """4,000 customers, two blocks: less than two seconds, in a folder that is gone with the process."""
    folder = Path(tempfile.mkdtemp(prefix="loanwright-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return generate(folder, customers=4_000, seed=SEED)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    world = small_world()
    for name in TABLES:
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{world.folder}/tables/{name}/*.parquet')")
    connection.execute(f"CREATE VIEW truth AS FROM read_parquet('{world.folder}/truth/*.parquet')")
    return connection


def ask(query: str) -> list[Any]:
    """The rows of a query over the small world's tables, and `truth`; plain values where there is one column."""
    found = _connection().execute(query).fetchall()
    return [row[0] if len(row) == 1 else row for row in found]
