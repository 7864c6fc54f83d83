"""Rows dealt into parts on scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc

from loanwright.errors import EnvironmentFault
from loanwright.features.computing import dealt
from loanwright.features.computing.dealt import Dealt


def batch(*numbers: int) -> pa.RecordBatch:
    words = [None if number % 5 == 0 else f"w{number}" for number in numbers]
    return pa.RecordBatch.from_pydict(
        {"n": pa.array(numbers, pa.int64()), "word": pa.array(words, pa.string())},
    )


def numbers(rows: Dealt, part: int) -> list[int]:
    found = rows.part(part).read_all()
    assert found["word"].to_pylist() == [None if n % 5 == 0 else f"w{n}" for n in found["n"].to_pylist()]
    return found["n"].to_pylist()


def test_each_part_has_its_rows_in_the_order_in_which_they_came(tmp_path):
    rows = Dealt(tmp_path / "new" / "rows.arrow", [batch(0, 11, 25, 3), batch(14, 12), batch(9, 2, 10)], "n", 10)

    assert [numbers(rows, part) for part in range(4)] == [[0, 3, 9, 2], [11, 14, 12, 10], [25], []]
    assert numbers(rows, 1) == [11, 14, 12, 10], "a part may be read again"
    rows.close()
    assert not list(tmp_path.rglob("*.arrow"))


@pytest.mark.parametrize("gathered", [1, 2_000, 1 << 20], ids=["one by one", "some together", "all together"])
def test_random_rows_come_back_whole_and_in_large_pieces(gathered, tmp_path, monkeypatch):
    monkeypatch.setattr(dealt, "_BATCH", 50)
    monkeypatch.setattr(dealt, "_GATHERED", gathered)
    given = np.random.default_rng(1).permutation(1_000)
    rows = Dealt(
        tmp_path / "rows.arrow", [batch(*given[at : at + 37].tolist()) for at in range(0, 1_000, 37)], "n", 250
    )

    for part in range(4):
        assert numbers(rows, part) == [n for n in given.tolist() if n // 250 == part]
        assert all(piece.num_rows >= 50 for piece in list(rows.part(part))[:-1])


@pytest.mark.parametrize("batches", [1, 3])
def test_no_rows_have_their_columns(batches, tmp_path):
    rows = Dealt(tmp_path / "rows.arrow", [batch()] * batches, "n")

    assert rows.part(0).read_all().schema == batch().schema


def test_batches_without_rows_are_passed_over(tmp_path):
    rows = Dealt(tmp_path / "rows.arrow", [batch(), batch(1), batch(), batch(2), batch()], "n", 10)

    assert numbers(rows, 0) == [1, 2]


def test_what_comes_in_small_batches_lies_together(tmp_path):
    """A piece of a few rows costs as much as one of many, and of many parts there would be many pieces."""
    rows = Dealt(tmp_path / "rows.arrow", [batch(*range(at, 100, 10)) for at in range(10)], "n", 50)

    with ipc.open_file(tmp_path / "rows.arrow") as file:
        assert [file.get_batch(place).num_rows for place in range(file.num_record_batches)] == [50, 50]
    assert sorted(numbers(rows, 1)) == list(range(50, 100))


def test_a_full_disk_is_one_clear_error(tmp_path):
    """What is written to /dev/full meets a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (tmp_path / "rows.arrow").symlink_to("/dev/full")

    with pytest.raises(EnvironmentFault, match=r"^the disk is full at .+ Free some space there"):
        Dealt(tmp_path / "rows.arrow", [batch(*range(100_000))], "n")

    assert not list(tmp_path.iterdir())


def test_what_gives_the_rows_is_closed_where_the_disk_is_full(tmp_path, monkeypatch):
    """It may hold the engine, of which nothing else can be asked until then."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    monkeypatch.setattr(dealt, "_GATHERED", 1)
    (tmp_path / "rows.arrow").symlink_to("/dev/full")
    closed = []

    def given() -> Iterator[pa.RecordBatch]:
        try:
            while True:
                yield batch(1, 2)
        finally:
            closed.append(True)

    rows = given()
    with pytest.raises(EnvironmentFault, match=r"^the disk is full at "):
        Dealt(tmp_path / "rows.arrow", rows, "n")

    assert closed


def test_a_file_that_was_not_written_to_its_end_is_not_left(tmp_path):
    def broken() -> Iterator[pa.RecordBatch]:
        yield batch(1, 2)
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        Dealt(tmp_path / "rows.arrow", broken(), "n")

    assert not list(tmp_path.iterdir())
