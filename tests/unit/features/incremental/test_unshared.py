"""Row groups that two lots of files share are told by their bytes; what is left holds every difference."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.features.incremental.unshared import Groups, unshared


def written(path: Path, amounts: list[int], names: list[str] | None = None, **more: Any) -> Path:
    """Rows in row groups of three."""
    table = pa.table({"name": names or [f"n{amount}" for amount in amounts], "amount": pa.array(amounts, pa.int64())})
    pq.write_table(table, path, row_group_size=3, **more)
    return path


def test_files_that_begin_alike_share_their_first_row_groups(tmp_path: Path) -> None:
    ours = written(tmp_path / "a", [1, 2, 3, 4, 5, 6, 7, 8])
    theirs = written(tmp_path / "b", [1, 2, 3, 4, 5, 9, 6, 7, 8])

    assert unshared([ours], [theirs]) == ({ours: [1, 2]}, {theirs: [1, 2]})


def test_they_are_found_in_other_files_too(tmp_path: Path) -> None:
    ours = written(tmp_path / "a", [1, 2, 3, 4, 5, 6])
    theirs = [written(tmp_path / "b", [4, 5, 6]), written(tmp_path / "c", [7, 8, 9, 1, 2, 3])]

    assert unshared([ours], theirs) == ({ours: []}, {theirs[0]: [], theirs[1]: [0]})


def test_what_is_there_twice_is_shared_once(tmp_path: Path) -> None:
    ours, theirs = written(tmp_path / "a", [1, 2, 3, 1, 2, 3]), written(tmp_path / "b", [1, 2, 3])

    assert unshared([ours], [theirs]) == ({ours: [1]}, {theirs: []})
    assert unshared([theirs], [ours]) == ({theirs: []}, {ours: [1]})


@pytest.mark.parametrize("names", [["a", "b", "d"], ["a", "c", "b"]])
def test_one_value_of_the_same_size_makes_another_row_group(names: list[str], tmp_path: Path) -> None:
    ours = written(tmp_path / "a", [1, 2, 3], ["a", "b", "c"])
    theirs = written(tmp_path / "b", [1, 2, 3], names)

    assert unshared([ours], [theirs]) == ({ours: [0]}, {theirs: [0]})


def test_the_same_bytes_of_another_type_are_another_row_group(tmp_path: Path) -> None:
    whole, times = tmp_path / "a", tmp_path / "b"
    for path, kind in ((whole, pa.int64()), (times, pa.timestamp("us", "UTC"))):
        pq.write_table(pa.table({"amount": pa.array([1, 2], pa.int64()).cast(kind)}), path)

    assert unshared([whole], [times]) == ({whole: [0]}, {times: [0]})


def rows(groups: Groups) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for path, numbers in groups.items():
        with pq.ParquetFile(path) as file:
            for number in numbers:
                found.update(tuple(row.values()) for row in file.read_row_group(number).to_pylist())
    return found


@pytest.mark.parametrize("seed", range(8))
def test_no_difference_is_lost(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    ours = sorted(chance.randint(0, 40) for _ in range(40))
    theirs = sorted([*chance.sample(ours, 38), chance.randint(0, 40)])
    paths = [written(tmp_path / name, amounts) for name, amounts in (("a", ours), ("b", theirs))]
    whole = [Counter((f"n{amount}", amount) for amount in amounts) for amounts in (ours, theirs)]

    left = [rows(groups) for groups in unshared(paths[:1], paths[1:])]

    assert left[0] - left[1] == whole[0] - whole[1]
    assert left[1] - left[0] == whole[1] - whole[0]
