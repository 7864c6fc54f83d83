"""The supervisor, or the whole run, is killed or told to stop, and started again."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from loanwright.storage import Store
from tests.builders.disturbed_training import (
    driver,
)
from tests.builders.faulty import fault, ordered
from tests.builders.project import Project, kill, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_supervisor_is_killed_and_started_again(store: Store, tmp_path: Path, digest: str) -> None:
    first = driver(store, tmp_path, **ordered(fault(1, 37, "sleep:3600")))
    wait_until(lambda: [stored.key for stored in store.list("checkpoints/") if "000002" in stored.key], 60)
    workers = psutil.Process(first.pid).children()
    kill(first.pid)
    first.communicate()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert (len(workers), alive) == (2, [])
    second = driver(store, tmp_path)
    said, _ = second.communicate(timeout=120)
    assert f"booster {digest}" in said
    assert "going on after round 30" in said


def test_the_supervisor_is_told_to_stop_and_leaves_a_checkpoint(store: Store, tmp_path: Path, digest: str) -> None:
    first = driver(store, tmp_path, **ordered(fault(0, 33, "sleep:0.5")))
    wait_until(lambda: [stored.key for stored in store.list("checkpoints/") if "000002" in stored.key], 60)
    first.terminate()
    said, _ = first.communicate(timeout=60)
    assert "it was told to stop. Run it again: it goes on from its last checkpoint" in said
    said, _ = driver(store, tmp_path).communicate(timeout=120)
    assert f"booster {digest}" in said
    assert "going on after round" in said


def test_the_whole_run_is_killed_and_started_again(project: Project) -> None:
    project.change("rounds: 20", "rounds: 200, segment: 20")
    project.change("learning_rate: 0.1", "learning_rate: 0.01")
    run = project.with_variables(**ordered(fault(1, 110, "sleep:3600"))).started()
    wait_until(lambda: _safe(project) == 100, 120)
    workers = psutil.Process(project.step_record("train")["pid"]).children()
    assert len(workers) == 2
    kill(run.pid)
    run.wait()
    ended, resumed = project.run()
    assert ended.code == 0, ended.out + ended.err
    assert not [worker for worker in workers if worker.is_running()]
    log = (Path(resumed["report"]).parent / "log.txt").read_text()
    assert "going on after round 100" in log
    ended, fresh = project.run("--no-cache")
    assert ended.code == 0, ended.out + ended.err
    assert fresh["bundle_digest"] == resumed["bundle_digest"]


def _safe(project: Project) -> int:
    runs = sorted(project.state.glob("runs/*"), key=lambda path: path.stat().st_mtime)
    try:
        return int(json.loads((runs[-1] / "workers" / "0.json").read_text())["checkpoint"])
    except (OSError, ValueError, IndexError):
        return 0
