"""Rows dealt into parts on scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

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


def test_random_rows_come_back_whole_and_in_large_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(dealt, "_BATCH", 50)
    given = np.random.default_rng(1).permutation(1_000)
    rows = Dealt(
        tmp_path / "rows.arrow", [batch(*given[at : at + 37].tolist()) for at in range(0, 1_000, 37)], "n", 250
    )

    for part in range(4):
        assert numbers(rows, part) == [n for n in given.tolist() if n // 250 == part]
        assert all(piece.num_rows >= 50 for piece in list(rows.part(part))[:-1])


def test_no_rows_have_their_columns(tmp_path):
    rows = Dealt(tmp_path / "rows.arrow", [batch()], "n")

    assert rows.part(0).read_all().schema == batch().schema


def test_a_full_disk_is_one_clear_error(tmp_path):
    """What is written to /dev/full meets a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    (tmp_path / "rows.arrow").symlink_to("/dev/full")

    with pytest.raises(EnvironmentFault, match=r"^the disk is full at .+ Free some space there"):
        Dealt(tmp_path / "rows.arrow", [batch(*range(100_000))], "n")

    assert not list(tmp_path.iterdir())


def test_a_file_that_was_not_written_to_its_end_is_not_left(tmp_path):
    def broken() -> Iterator[pa.RecordBatch]:
        yield batch(1, 2)
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        Dealt(tmp_path / "rows.arrow", broken(), "n")

    assert not list(tmp_path.iterdir())
