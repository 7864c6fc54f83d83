"""Rows that are kept and rows that are computed take their places, however they come."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from loanwright.errors import IntegrityFault
from loanwright.features.incremental import merging
from loanwright.features.incremental.merging import Rows, merged

SCHEMA = pa.schema([("place", pa.int64()), ("kept", pa.bool_())])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(merging, "ROW_GROUP", 4)


def rows(places: list[int], kept: bool, piece: int = 3) -> Rows:
    table = pa.table({"place": pa.array(places, pa.int64()), "kept": [kept] * len(places)}, SCHEMA)
    return Rows([table.slice(at, piece) for at in range(0, len(places), piece)], SCHEMA)


@pytest.mark.parametrize("seed", range(20))
def test_every_row_is_in_its_place(seed):
    chance = random.Random(seed)
    start, end = sorted(chance.sample(range(40), 2))
    fresh = sorted(chance.sample(range(start, end), chance.randint(0, end - start)))
    old = [place for place in range(start, end) if place not in fresh]

    found = list(merged(rows(old, True), rows(fresh, False, 5), np.array(fresh, dtype=np.int64), start, end))

    table = pa.concat_tables([piece for piece, _ in found])
    assert table["place"].to_pylist() == list(range(start, end))
    assert table["kept"].to_pylist() == [place in old for place in range(start, end)]
    assert [count for _, count in found] == [sum(piece["kept"].to_pylist()) for piece, _ in found]
    assert max(piece.num_rows for piece, _ in found) <= 4


@pytest.mark.parametrize(("old", "fresh"), [([0, 2], [1]), ([0, 2, 3], [])])
def test_rows_that_are_missing_are_noticed(old, fresh):
    with pytest.raises(IntegrityFault, match=r"1 of \d rows of the training table are missing"):
        list(merged(rows(old, True), rows(fresh, False), np.array([1]), 0, 4))


def test_rows_too_many_are_noticed():
    left = rows([0, 1, 2, 3, 4], True)
    assert left.take(2)["place"].to_pylist() == [0, 1]

    with pytest.raises(IntegrityFault, match="3 rows too many"):
        left.end()
