"""Disk and memory that run out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault, StorageFault
from loanwright.storage import Store, open_store
from loanwright.training.train import train
from tests.builders.disturbed_training import (
    SPLIT,
    TRAINING,
    digest_of,
    driver,
    order,
    trained_on,
)
from tests.builders.faulty import fault, ordered
from tests.builders.project import wait_until
from tests.builders.small_disk import small_disk
from tests.builders.tables import publish_table

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_disk_is_full_at_a_checkpoint(orders: pytest.MonkeyPatch, tmp_path: Path, digest: str) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        store = open_store(str(disk / "store"))
        order(orders, fault(0, 37, f"fill:{disk / 'filler'}"))
        with pytest.raises(StorageFault, match="No space left on device"):
            trained_on(store, tmp_path)
        (disk / "filler").unlink()
        orders.delenv("TEST_FAULTS")
        assert len(list(store.list("checkpoints/"))) == 3, "nothing half-written is left among the checkpoints"
        assert digest_of(trained_on(store, tmp_path)) == digest


@pytest.mark.parametrize(
    "faults",
    [
        [fault(1, 12, "limit:1000000", attempts=99), fault(1, 12, "hog", attempts=99)],
        [fault(1, "loading", "limit:1000000", attempts=99)],
    ],
    ids=["that comes later", "that leaves no room to look"],
)
def test_a_memory_limit_of_a_worker(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, faults: list[dict[str, object]]
) -> None:
    table = publish_table(store, rows=120_000, features=20)
    order(orders, *faults)
    with pytest.raises(EnvironmentFault, match="memory ran out") as raised:
        train(table, SPLIT, TRAINING, store, tmp_path / "scratch", workers=2)
    assert re.search(r"training on (71,949|64,767) rows and 20 features needs about", str(raised.value))
    assert "MiB in the largest of 2 workers (1.2 bytes a feature and 100 bytes for each of its" in str(raised.value)


_GROUP = Path("/sys/fs/cgroup/memory")


@pytest.mark.skipif(
    os.geteuid() != 0 or not (_GROUP / "memory.oom_control").exists(), reason="no control group can be made"
)
def test_the_system_kills_a_worker_for_want_of_memory(store: Store, tmp_path: Path) -> None:
    group = _GROUP / f"loanwright-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(900 << 20))
        process = driver(store, tmp_path, group, **ordered(fault(1, 37, "hog", attempts=99)))
        said, _ = process.communicate(timeout=120)
    finally:
        wait_until(lambda: not (group / "cgroup.procs").read_text(), 10)
        group.rmdir()
    assert "the system killed worker 1 for want of memory: training on" in said
    assert "MiB in the largest of 2 workers (1.2 bytes a feature and 100 bytes for each of its" in said
    assert "the limit for all processes together is 900 MiB" in said
