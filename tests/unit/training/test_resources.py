from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.training import resources

FIXED = 64 << 20


def test_large_tables_cost_a_little_over_a_byte_a_value() -> None:
    needed = resources.training_bytes(10_000_000, 40, 255, 65_536)
    assert needed == 10_000_000 * (48 + 100) + 8 * 65_536 * 40 + FIXED
    assert resources.training_bytes(10_000_000, 40, 511, 65_536) - needed == 10_000_000 * 48


def test_small_wide_tables_cost_what_the_sample_does() -> None:
    assert resources.training_bytes(100_000, 500, 255, 10_000) == 20 * 100_000 + 20 * 50_000 * 500 + FIXED


def test_too_large_is_refused_with_the_arithmetic() -> None:
    load = resources.Load(rows=19_000_000, held=1_000_000, features=100, max_bin=255, row_group=65_536)
    with pytest.raises(EnvironmentFault) as caught:
        resources.check_memory(load, available=2 << 30)
    assert str(caught.value) == (
        "training on 20,000,000 rows and 100 features needs about 4,310 MiB (1.2 bytes a feature and 100 bytes for "
        "each of 20,000,000 rows, and one row group), and 2,048 MiB are available. "
        "3 workers would do, each with as much memory as this one; or give it more"
    )
    resources.check_memory(load, available=5 << 30)


def test_the_number_of_workers_that_is_named_would_do() -> None:
    load = resources.Load(40_000_000, 500_000, 100, 255, 65_536, workers=4)
    with pytest.raises(
        EnvironmentFault, match=r"in the largest of 4 workers \(.* each of its 10,500,000 rows"
    ) as caught:
        resources.check_memory(load, available=1 << 30)
    enough = int(str(caught.value).partition(" workers would do")[0].rpartition(" ")[2])
    resources.check_memory(replace(load, workers=enough), available=1 << 30)
    with pytest.raises(EnvironmentFault):
        resources.check_memory(replace(load, workers=enough - 1), available=1 << 30)


def test_workers_of_one_machine_share_its_memory() -> None:
    load = resources.Load(20_000_000, 0, 100, 255, 65_536, workers=2)
    resources.check_memory(load, available=3 << 30)
    with pytest.raises(EnvironmentFault, match="1,536 MiB are available to each of the 2 on this machine"):
        resources.check_memory(replace(load, beside=2), available=3 << 30)


def test_no_number_of_workers_is_named_where_none_would_do() -> None:
    load = resources.Load(1_000, 30_000_000, 100, 255, 65_536)
    with pytest.raises(EnvironmentFault, match=r"available\. Give the process more memory, or train on fewer"):
        resources.check_memory(load, available=1 << 30)


def test_a_containers_processors_count(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert resources.usable_threads(cgroup=tmp_path) == 1


def test_keys_and_sample_that_cannot_be_held_are_refused_before_they_are_read() -> None:
    with pytest.raises(EnvironmentFault) as caught:
        resources.check_preparation(100_000_000, 50, available=3 << 30)
    assert str(caught.value) == (
        "preparing the training on 100,000,000 rows and 50 features needs about 3,354 MiB (34 bytes a row, and 20 "
        "bytes a feature for each of 50,000 sampled rows), and 3,072 MiB are available. "
        "Give the process more memory: all rows' keys are held at once, however many workers there are"
    )
    resources.check_preparation(100_000_000, 50, available=4 << 30)


def test_few_values_are_not_worth_many_threads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)), raising=False)
    worth = [resources.usable_threads(values, tmp_path, worth=100_000) for values in (0, 99_999, 250_000, 10**9)]
    assert worth == [1, 1, 2, 16]
    assert resources.usable_threads(cgroup=tmp_path) == 16


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert resources.usable_threads(cgroup=tmp_path) >= 1
