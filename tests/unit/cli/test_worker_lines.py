"""Whoever watches a run sees each of its workers."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from loanwright.cli import progress as module
from loanwright.cli.progress import progress
from loanwright.cli.worker_lines import worker_lines
from loanwright.runtime.processes import Identity
from loanwright.runtime.records import StepRecord
from loanwright.storage import open_store
from loanwright.training.gang.status import Reporter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = open_store(str(tmp_path))
    me = Identity.mine()
    StepRecord("train", "running", me.pid, me.started).write(place)
    for rank in range(2):
        reporter = Reporter(place, rank, 2, 3)
        reporter.change(round=120, rounds=400, metric=("auc", 0.781234), checkpoint=100, said="[reading] part 3 of 7")
        reporter.finish("training")
    return tmp_path


def test_a_line_says_all_there_is(folder: Path) -> None:
    first, second = worker_lines(folder)
    assert first.startswith("worker 0  training  round 120 of 400  safe to 100  auc 0.78123  ")
    assert first.endswith(" MiB  attempt 3  [reading] part 3 of 7")
    assert second.startswith("worker 1  training")


def test_a_run_without_workers_has_no_lines(tmp_path: Path) -> None:
    assert worker_lines(tmp_path) == []


@pytest.mark.parametrize("terminal", [True, False])
def test_the_lines_are_shown_while_it_trains(folder: Path, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAY_EVERY", 0.1)
    shown = io.StringIO()
    with progress(Console(file=shown, force_terminal=terminal, width=200), "tiny-1", folder):
        time.sleep(0.6)
    assert "worker 0  training  round 120 of 400" in shown.getvalue()
    assert "worker 1  training  round 120 of 400" in shown.getvalue()
