"""A step leaves its own record whatever happens to it: what it did, or why it failed and with which code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loanwright.runtime.processes import Identity
from loanwright.runtime.records import read_steps
from loanwright.storage import open_store

BODIES = {
    "done": "result['rows'] = 3",
    "data": "raise DataError('table clients, column age: 3 rows are negative', fix='Correct them')",
    "blocked": "raise GateBlocked('auc_floor blocks')",
    "internal": "{}['absent']",
    "disk": "raise OSError(errno.ENOSPC, 'No space left on device', '/somewhere/file')",
    "memory": "raise MemoryError",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
}


def _step(body: str, place: Path, **variables: str) -> tuple[int, dict[str, Any]]:
    code = (
        "import errno, os, signal\n"
        "from loanwright.errors import *\n"
        "from loanwright.steps.recording import recorded\n"
        "with recorded('train') as result:\n"
        f"    {body}\n"
    )
    environ = {**os.environ, "LOANWRIGHT_RUN_DIR": str(place), **variables}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=False, text=True)
    path = place / "steps" / "train.json"
    return ended.returncode, json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.parametrize(
    ("body", "code", "status", "error"),
    [
        ("done", 0, "done", None),
        ("data", 2, "failed", "table clients, column age: 3 rows are negative. Correct them"),
        ("blocked", 3, "failed", "auc_floor blocks"),
        ("internal", 1, "failed", "internal error, KeyError: 'absent'. --debug shows where"),
        (
            "disk",
            1,
            "failed",
            "the disk is full, while writing /somewhere/file. Free some space and run again",
        ),
        ("memory", 1, "failed", "memory ran out. Run it on a machine with more, or on fewer rows"),
        ("killed", -9, "running", None),
    ],
)
def test_the_record_says_how_the_step_ended(
    tmp_path: Path, body: str, code: int, status: str, error: str | None
) -> None:
    ended, record = _step(BODIES[body], tmp_path)
    assert (ended, record["status"], record["error"]) == (code, status, error)
    assert record["code"] == (code if status == "failed" else None)
    if status == "failed":
        assert "Traceback" in record["trace"]
    if body == "done":
        assert record["result"] == {"rows": 3}
        assert 0 < record["seconds"] < 60


def test_a_step_whose_runner_is_dead_does_nothing(tmp_path: Path) -> None:
    gone = Identity(pid=os.getpid(), started=Identity.mine().started - 1)
    ended, record = _step(BODIES["done"], tmp_path, LOANWRIGHT_RUNNER=f"{gone.pid}:{gone.started}")
    assert (ended, record) == (1, {})


def test_a_step_whose_runner_lives_goes_on(tmp_path: Path) -> None:
    me = Identity.mine()
    ended, _ = _step(BODIES["done"], tmp_path, LOANWRIGHT_RUNNER=f"{me.pid}:{me.started}")
    assert ended == 0


def test_half_a_record_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "train.json").write_text('{"step": "tra')
    assert read_steps(open_store(str(tmp_path))) == {}
