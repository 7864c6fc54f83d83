"""Whatever happens to a worker, the gang ends with the same result or with one clear error, soon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from _pytest.mark import ParameterSet

from loanwright.errors import DataError, EnvironmentFault
from loanwright.storage import open_store
from loanwright.training.gang.history import Outcome
from loanwright.training.gang.ports import PortRange
from loanwright.training.gang.status import read_statuses
from loanwright.training.gang.supervisor import Plan, supervise
from tests.builders import gang_worker

_SCRIPT = gang_worker.__file__


def _slow(*values: object) -> ParameterSet:
    return pytest.param(*values, marks=pytest.mark.slow)


def _plan(folder: Path, *faults: str, watchdog: float = 20.0, meeting: float = 20.0, retries: int = 3) -> Plan:
    return Plan(
        command=(sys.executable, _SCRIPT, str(folder), *faults),
        ranks=2,
        place=open_store(str(folder)),
        retries=retries,
        watchdog_seconds=watchdog,
        meeting_seconds=meeting,
    )


def _result(folder: Path) -> object:
    return json.loads((folder / "result.json").read_text())


def _supervised(plan: Plan) -> tuple[Outcome, list[float]]:
    pauses: list[float] = []
    return supervise(plan, pauses.append), pauses


def test_undisturbed(tmp_path: Path) -> None:
    outcome, _ = _supervised(_plan(tmp_path))
    assert _result(tmp_path) == gang_worker.result()
    assert outcome.restarts == ()
    assert [(segment.first, segment.last) for segment in outcome.segments] == [(1, 5), (5, 10), (10, 15), (15, 20)]
    assert all(segment.began <= segment.ended <= outcome.seconds for segment in outcome.segments)
    statuses = read_statuses(open_store(str(tmp_path)))
    assert [(status.rank, status.state, status.round) for status in statuses] == [(0, "done", 20), (1, "done", 20)]
    assert all(status.memory > 1 << 20 for status in statuses)


@pytest.mark.parametrize(
    ("fault", "why", "round_"),
    [
        ("0:12:SIGKILL", "worker 0 was killed by SIGKILL", 10),
        ("1:12:exit0", "worker 1 ended as if all was done, while the others were still at work", 10),
        ("1:7:network", "worker 1 lost its network: Binding port failed", 5),
        ("0:7:bug", "worker 0 ended with exit code 1: internal error, KeyError: 'nothing of that name'", 5),
        _slow("1:3:SIGKILL", "worker 1 was killed by SIGKILL", 0),
        _slow("0:12:exit0", "worker 0 ended as if all was done, while the others were still at work", 10),
        _slow("1:12:exit9", "worker 1 ended with exit code 9", 10),
    ],
)
def test_one_that_is_lost(tmp_path: Path, fault: str, why: str, round_: int) -> None:
    outcome, pauses = _supervised(_plan(tmp_path, fault))
    assert _result(tmp_path) == gang_worker.result()
    assert [(restart.why, restart.round) for restart in outcome.restarts] == [(why, round_)]
    assert pauses == [0.5]
    assert outcome.seconds < 15


@pytest.mark.slow
def test_both_at_once(tmp_path: Path) -> None:
    outcome, _ = _supervised(_plan(tmp_path, "0:12:SIGKILL", "1:12:SIGKILL"))
    assert _result(tmp_path) == gang_worker.result()
    assert len(outcome.restarts) == 1


@pytest.mark.parametrize(
    ("how", "why"), [_slow("SIGSTOP", "worker 1 did not answer any more"), ("spin", "no progress for")]
)
def test_one_that_makes_no_progress(tmp_path: Path, how: str, why: str) -> None:
    outcome, _ = _supervised(_plan(tmp_path, f"1:12:{how}", watchdog=1.0))
    assert _result(tmp_path) == gang_worker.result()
    assert [restart.round for restart in outcome.restarts] == [10]
    assert why in outcome.restarts[0].why


def test_a_data_error_is_handed_on_and_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the rows are wrong") as raised:
        supervise(_plan(tmp_path, "1:7:data:9"))
    assert raised.value.fix == "Correct them"
    assert {status.attempt for status in read_statuses(open_store(str(tmp_path)))} == {1}


def test_the_same_internal_error_twice_is_enough(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"twice at the same place, worker 1 ended with exit code 1: .*KeyError"):
        _supervised(_plan(tmp_path, "1:7:bug:9"))


@pytest.mark.slow
def test_retries_end_where_there_is_no_new_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="given up after 4 attempts, the last 4 without a new checkpoint"):
        _supervised(_plan(tmp_path, "1:7:SIGKILL:99"))


def test_retries_do_not_end_where_there_is(tmp_path: Path) -> None:
    outcome, pauses = _supervised(_plan(tmp_path, "1:6:SIGKILL", "1:11:SIGKILL:2", "1:16:SIGKILL:3", retries=1))
    assert _result(tmp_path) == gang_worker.result()
    assert [restart.round for restart in outcome.restarts] == [5, 10, 15]
    assert pauses == [0.5, 0.5, 0.5]


def test_one_that_never_comes(tmp_path: Path) -> None:
    late = tmp_path / "late.sh"
    late.write_text(f'#!/bin/sh\nif [ "$LOANWRIGHT_RANK" = 1 ]; then exec sleep 60; fi\nexec {sys.executable} "$@"\n')
    late.chmod(0o755)
    plan = Plan((str(late), _SCRIPT, str(tmp_path)), 2, open_store(str(tmp_path)), retries=0, meeting_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(EnvironmentFault, match=r"rank 1 of 2 did not come within 0.5 s"):
        _supervised(plan)
    assert time.monotonic() - began < 20


def test_ports_that_are_all_taken(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        plan = Plan((sys.executable,), 2, open_store(str(tmp_path)), ports=PortRange(port, port))
        with pytest.raises(EnvironmentFault, match=f"all ports from {port} to {port} are taken"):
            supervise(plan)


_ALONE = """
import sys
from pathlib import Path
from loanwright.errors import LoanwrightError
from loanwright.storage import open_store
from loanwright.training.gang.supervisor import Plan, supervise
folder = sys.argv[1]
try:
    supervise(Plan((sys.executable, *sys.argv[2:]), 2, open_store(folder), grace_seconds=5))
except LoanwrightError as error:
    print(error)
    sys.exit(9)
"""


def _supervisor(folder: Path, *faults: str) -> subprocess.Popen[str]:
    command = (sys.executable, "-c", _ALONE, str(folder), _SCRIPT, str(folder), *faults)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _workers(supervisor: subprocess.Popen[str], state: str, folder: Path) -> list[psutil.Process]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if [one.state for one in read_statuses(open_store(str(folder)))] == [state, state]:
            return psutil.Process(supervisor.pid).children()
        time.sleep(0.05)
    raise TimeoutError


def test_no_worker_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    supervisor = _supervisor(tmp_path, "1:12:wait")
    workers = _workers(supervisor, "training", tmp_path)
    assert len(workers) == 2
    workers[0].suspend()
    supervisor.kill()
    supervisor.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=5)
    assert (len(gone), alive) == (2, [])
    assert supervisor.returncode == -signal.SIGKILL
    supervise(_plan(tmp_path))
    assert _result(tmp_path) == gang_worker.result()


@pytest.mark.slow
def test_a_supervisor_told_to_stop_lets_the_workers_come_to_a_checkpoint(tmp_path: Path) -> None:
    supervisor = _supervisor(tmp_path, "1:12:slow")
    workers = _workers(supervisor, "training", tmp_path)
    supervisor.terminate()
    said, _ = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 9
    assert said == "it was told to stop. Run it again: it goes on from its last checkpoint\n"
    assert not [worker for worker in workers if worker.is_running()]
    assert json.loads((tmp_path / "checkpoint.json").read_text())["round"] == 15
    assert {status.state for status in read_statuses(open_store(str(tmp_path)))} == {"stopped"}


def test_one_worker_told_to_stop(tmp_path: Path) -> None:
    outcome, _ = _supervised(_plan(tmp_path, "1:12:SIGTERM"))
    assert _result(tmp_path) == gang_worker.result()
    assert [restart.round for restart in outcome.restarts] == [15]
    assert "was told to stop" in outcome.restarts[0].why


@pytest.mark.slow
def test_a_worker_that_cannot_stop_in_time_leaves_and_nobody_spins(tmp_path: Path) -> None:
    plan = _plan(tmp_path, "1:12:wait")
    outcomes: list[Outcome] = []
    running = threading.Thread(target=lambda: outcomes.append(supervise(plan)))
    running.start()
    try:
        supervisor = psutil.Process(os.getpid())
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and [one.round for one in read_statuses(plan.place)] != [12, 12]:
            time.sleep(0.05)
        stuck = supervisor.children()[1]
        stuck.terminate()
    finally:
        running.join(60)
    assert _result(tmp_path) == gang_worker.result()
    assert "not done within its grace of 1 s" in outcomes[0].restarts[0].why
