"""The locked engine: whatever the SQL says, it reaches no file, no network, no variable and no setting."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import DataError, EnvironmentFault
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles

ESCAPES = {
    "reads a CSV file": "SELECT * FROM read_csv('{file}')",
    "reads a text file": "SELECT * FROM read_text('{file}')",
    "reads parquet": "SELECT * FROM read_parquet('{parquet}')",
    "reads a file by its name": "SELECT * FROM '{parquet}'",
    "lists a folder": "SELECT * FROM glob('{folder}/*')",
    "looks at parquet": "SELECT * FROM parquet_schema('{parquet}')",
    "writes a file": "COPY (SELECT 1) TO '{folder}/out.csv'",
    "writes parquet": "COPY (SELECT 1) TO '{folder}/out.parquet'",
    "exports": "EXPORT DATABASE '{folder}/out'",
    "attaches a file": "ATTACH '{folder}/other.db' AS other",
    "attaches the network": "ATTACH 'https://example.org/x.db' AS other",
    "reads the network": "SELECT * FROM read_csv('https://example.org/x.csv')",
    "installs": "INSTALL httpfs",
    "loads a file": "LOAD '{folder}/x.duckdb_extension'",
    "opens itself again": "SET enable_external_access = true",
    "lets variables in": "SET python_enable_replacements = true",
    "unlocks": "SET lock_configuration = false",
    "takes all memory": "SET memory_limit = '1TB'",
    "takes all threads": "SET threads = 64",
    "changes the zone": "SET TimeZone = 'Europe/Berlin'",
    "resets": "RESET memory_limit",
    "pragma": "PRAGMA threads = 64",
    "logs to a file": "SET log_query_path = '{folder}/log'",
    "reads a variable": "SELECT * FROM secret_of_the_test",
    "reads the environment": "SELECT getenv('HOME')",
}


@pytest.mark.parametrize("sql", ESCAPES.values(), ids=ESCAPES.keys())
def test_nothing_gets_out_or_in(sql, tmp_path):
    import duckdb

    secret_of_the_test = pa.table({"word": ["swordfish"]})
    pq.write_table(secret_of_the_test, tmp_path / "secret.parquet")
    (tmp_path / "secret.csv").write_text("word\nswordfish\n")
    before = sorted(path.name for path in tmp_path.iterdir())

    with Engine(tmp_path / "scratch", threads=1, memory_limit="64MiB") as engine:
        words = {"file": tmp_path / "secret.csv", "parquet": tmp_path / "secret.parquet", "folder": tmp_path}
        with pytest.raises((duckdb.Error, EnvironmentFault)):
            engine.rows(sql.format_map(words))

    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "scratch") == before


@pytest.mark.parametrize(
    "escape",
    ["reads a CSV file", "reads a file by its name", "lists a folder", "writes a file", "attaches a file",
     "takes all threads", "changes the zone", "reads a variable"],
)  # fmt: skip
def test_it_is_the_lock_that_holds_them(escape, tmp_path):
    import duckdb

    secret_of_the_test = pa.table({"word": ["swordfish"]})
    pq.write_table(secret_of_the_test, tmp_path / "secret.parquet")
    (tmp_path / "secret.csv").write_text("word\nswordfish\n")
    words = {"file": tmp_path / "secret.csv", "parquet": tmp_path / "secret.parquet", "folder": tmp_path}

    with duckdb.connect(":memory:") as unlocked:
        unlocked.execute(ESCAPES[escape].format_map(words))


def test_its_own_tables_are_read_and_times_are_utc(tmp_path):
    table = pa.table({"t": pa.array([0, 1_000_000], pa.timestamp("us", "UTC"))})

    with Engine(tmp_path, threads=1) as engine:
        engine.add("moments", table)

        assert engine.rows("SELECT CAST(max(t) AS VARCHAR) FROM moments") == [("1970-01-01 00:00:01+00",)]
        assert [batch.num_rows for batch in engine.batches("SELECT t FROM moments")] == [2]


LARGE = "SELECT x, count(*) OVER (ORDER BY x) FROM numbers ORDER BY x DESC LIMIT 1"


def test_what_does_not_fit_into_memory_goes_to_the_scratch_folder_and_is_cleared_away(tmp_path):
    with Engine(tmp_path, threads=1, memory_limit="60MiB") as engine:
        engine.add("numbers", pa.table({"x": np.random.default_rng(0).permutation(6_000_000)}))

        assert engine.rows(LARGE) == [(5_999_999, 6_000_000)]

    assert list(tmp_path.glob("spill/*")) == []


def test_a_scratch_folder_that_cannot_be_written_is_the_machines_fault(tmp_path):
    (tmp_path / "spill").write_text("a file stands where the folder would")

    with Engine(tmp_path, threads=1, memory_limit="60MiB") as engine:
        engine.add("numbers", pa.table({"x": np.random.default_rng(0).permutation(6_000_000)}))

        with pytest.raises(EnvironmentFault):
            engine.rows(LARGE)


def test_too_little_memory_is_the_machines_fault(tmp_path):
    with Engine(tmp_path, threads=1, memory_limit="20MiB") as engine:
        engine.add("numbers", pa.table({"x": np.arange(3_000_000)}))

        with pytest.raises(EnvironmentFault, match="the engine ran out of memory"):
            engine.rows("SELECT list(x) FROM numbers")


@pytest.mark.parametrize(
    "sql", ["SELECT x + 9223372036854775807 FROM t", "SELECT CAST('x' || x AS BIGINT) FROM t"], ids=["overflow", "cast"]
)
def test_a_value_out_of_range_is_the_datas_fault(sql, tmp_path):
    with Engine(tmp_path, threads=1) as engine:
        engine.add("t", pa.table({"x": [1, 2]}))

        with pytest.raises(DataError, match=r"^a value left the range it is calculated in: .+ Bound the column"):
            engine.rows(sql)


def test_so_it_is_where_the_result_is_read_already(tmp_path):
    with Engine(tmp_path, threads=1) as engine:
        engine.add("t", pa.table({"x": np.arange(1_000_000)}))
        pieces = engine.batches("SELECT x + 9223372036854000000 FROM t")

        assert next(pieces).num_rows
        with pytest.raises(DataError, match=r"^a value left the range it is calculated in: .+ Bound the column"):
            list(pieces)


def test_a_result_without_rows_tells_its_columns(tmp_path):
    with Engine(tmp_path, threads=1) as engine:
        (piece,) = engine.batches("SELECT 1 AS x, 'a' AS y WHERE FALSE")

    assert (piece.num_rows, piece.schema.names) == (0, ["x", "y"])


def test_rows_that_can_be_read_once_become_a_table(tmp_path):
    with Engine(tmp_path, threads=1) as engine:
        engine.show("t", "SELECT 7 AS x")
        for rows in ([1, 2], [3]):
            engine.drop("t")
            engine.load("t", pa.table({"x": rows}).to_reader())

            assert engine.rows("SELECT x FROM t ORDER BY x") == [(x,) for x in rows] == engine.rows("FROM t ORDER BY x")


@pytest.mark.parametrize("kind", ["table", "files", "made"])
def test_how_many_rows_there_are(kind, tmp_path):
    rows = pa.table({"n": [1, 2, None]})
    path = tmp_path / "rows.parquet"
    pq.write_table(rows, path)
    with Engine(tmp_path, files=[path]) as engine:
        if kind == "made":
            engine.make("given", "SELECT unnest([1, 2, 3]) AS n")
        else:
            engine.add("given", rows if kind == "table" else ParquetFiles((path,), rows.schema))

        assert engine.count("given") == 3
        assert engine.count("(SELECT n FROM given WHERE n > 1)") == len(engine.rows("SELECT n FROM given WHERE n > 1"))
