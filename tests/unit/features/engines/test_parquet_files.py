"""Files that the engine reads by itself: those that were named, whatever they are called, and no others."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import EnvironmentFault
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles

NAMES = [
    "plain", "two words", "st*ar", "br[a]cket", "which?", "region=north", "quo'te", 'dou"ble', "back\\slash",
    "école", "{a,b}", "**", "semi;colon", "per%20cent", "line\nbreak", "~home", "s3:", "[!x]",
]  # fmt: skip


def written(folder: Path, rows: pa.Table) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / "rows.parquet")
    return folder / "rows.parquet"


def of(*paths: Path) -> ParquetFiles:
    return ParquetFiles(paths, pq.read_schema(paths[0]))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_read_whatever_its_folder_is_called(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, pa.table({"a": [1, 2]}))

    with Engine(tmp_path / "scratch", files=[path]) as engine:
        engine.add("given", of(path))

        assert engine.rows("SELECT * FROM given ORDER BY a") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("name", "beside"), [("st*ar", "stXar"), ("which?", "whichX"), ("br[a]", "bra"), ("[!x]", "y")]
)
def test_and_not_the_one_beside_it_that_the_name_would_fit(name: str, beside: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, pa.table({"a": [1]}))
    written(tmp_path / beside, pa.table({"a": [2]}))

    with Engine(tmp_path / "scratch", files=[path]) as engine:
        engine.add("given", of(path))

        assert engine.rows("SELECT * FROM given") == [(1,)]


def test_a_name_that_no_pattern_fits_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"a backslash and one of \* \? \[ in its name"):
        Engine(tmp_path / "scratch", files=[written(tmp_path / "b\\*th", pa.table({"a": [1]}))])


def test_a_file_that_it_was_not_opened_for_stays_closed(tmp_path: Path) -> None:
    import duckdb

    ours, other = (written(tmp_path / name, pa.table({"a": [1]})) for name in ("ours", "other"))

    with Engine(tmp_path / "scratch", files=[ours]) as engine:
        engine.add("given", of(ours))
        for sql in (
            f"SELECT * FROM '{other}'",
            f"SELECT * FROM read_parquet('{tmp_path}/*/rows.parquet')",
            f"SELECT * FROM read_parquet('{ours.parent}/../other/rows.parquet')",
            f"COPY (SELECT 2 AS a) TO '{ours}'",
        ):
            with pytest.raises(duckdb.PermissionException):
                engine.rows(sql)

        assert engine.rows("SELECT * FROM given") == [(1,)]


def test_files_are_one_table_of_the_declared_columns_in_any_order(tmp_path: Path) -> None:
    one = written(tmp_path / "year=1", pa.table({"a": [1], "b": ["x"], "more": [0]}))
    two = written(tmp_path / "year=2", pa.table({"b": ["y", None], "a": [2, 3]}))

    with Engine(tmp_path / "scratch", files=[one, two]) as engine:
        engine.add("given", ParquetFiles((one, two), pa.schema([("b", pa.string()), ("a", pa.int64())])))

        assert sorted(engine.rows("SELECT * FROM given"), key=str) == [("x", 1), ("y", 2), (None, 3)]
        assert engine.count("given") == 3


def test_a_zero_keeps_its_sign_and_a_filter_on_it_finds_both(tmp_path: Path) -> None:
    path = tmp_path / "zeros.parquet"
    pq.write_table(pa.table({"n": range(6), "x": [-0.0, 1.0, 0.0, 2.0, None, -3.0]}), path, row_group_size=2)

    with Engine(tmp_path / "scratch", files=[path]) as engine:
        engine.add("given", of(path))

        assert engine.rows("SELECT n FROM given WHERE x = 0 ORDER BY n") == [(0,), (2,)]
        assert engine.rows("SELECT n FROM given WHERE signbit(x) ORDER BY n") == [(0,), (5,)]
