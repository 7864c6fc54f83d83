"""Files hold whole days, so that what was written once is a part of every longer table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loanwright.features import table_files
from loanwright.features.table_files import whole_files, write_files
from loanwright.storage import open_store

DAY = 86_400_000_000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(table_files, "LEAST", 4)
    monkeypatch.setattr(table_files, "MOST", 10)
    monkeypatch.setattr(table_files, "ROW_GROUP", 3)


def rows(*days: int) -> pa.Table:
    """Decisions on these days, in order."""
    times = pa.array(np.array(days, dtype=np.int64) * DAY).cast(pa.timestamp("us", "UTC"))
    return pa.table({"decision_time": times, "amount": pa.array(range(len(days)), pa.float64())})


def days_of(tables: list[pa.Table]) -> list[list[int]]:
    return [(table["decision_time"].cast(pa.int64()).to_numpy() // DAY).tolist() for table in tables]


def test_a_file_ends_with_its_day_once_it_has_rows_enough():
    found = days_of(list(whole_files([rows(1, 1, 2, 2, 2, 3, 3, 4, 4, 5)])))

    assert found == [[1, 1, 2, 2, 2], [3, 3, 4, 4], [5]]


def test_a_long_day_is_cut():
    assert [len(piece) for piece in days_of(list(whole_files([rows(*[1] * 23, 2)])))] == [10, 10, 4]


def test_a_day_that_fills_its_file_to_the_last_row_ends_with_it():
    assert days_of(list(whole_files([rows(1, 1, 1, 1, 2)]))) == [[1, 1, 1, 1], [2]]


def test_files_grow_with_the_table_until_they_are_large_enough(monkeypatch):
    monkeypatch.setattr(table_files, "LEAST", 1)
    monkeypatch.setattr(table_files, "ENOUGH", 4)
    monkeypatch.setattr(table_files, "MOST", 99)

    sizes = [len(piece) for piece in days_of(list(whole_files([rows(*range(100))])))]

    assert sizes == [1] * 32 + [2] * 8 + [3] * 6 + [4] * 8 + [2]


def test_a_table_goes_on_after_its_files(monkeypatch):
    monkeypatch.setattr(table_files, "LEAST", 1)
    days = range(60)
    whole = days_of(list(whole_files([rows(*days)])))

    for kept in range(len(whole)):
        before = sum(map(len, whole[:kept]))
        assert days_of(list(whole_files([rows(*days[before:])], before))) == whole[kept:]


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
def test_it_does_not_matter_how_the_rows_come(piece):
    whole = rows(*sorted(n * n % 11 for n in range(60)))
    pieces = [whole.slice(at, piece) for at in range(0, len(whole), piece)]

    assert days_of(list(whole_files(pieces))) == days_of(list(whole_files([whole])))


def test_all_files_but_the_last_are_those_of_a_longer_table(tmp_path):
    store = open_store(str(tmp_path))
    days = sorted(n * n % 13 for n in range(70))
    whole = [entry.sha256 for entry in write_files(whole_files([rows(*days)]), store, tmp_path)]

    for length in range(1, 70):
        shorter = [entry.sha256 for entry in write_files(whole_files([rows(*days).slice(0, length)]), store, tmp_path)]
        assert shorter[:-1] == whole[: len(shorter) - 1]


def test_no_rows_are_no_file(tmp_path):
    assert write_files(whole_files([rows()]), open_store(str(tmp_path)), tmp_path) == []
