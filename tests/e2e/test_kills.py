"""Kill anything at any moment: the next run goes on, and ends with the same bundle."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import psutil
import pytest

from loanwright.runtime.processes import Identity
from tests.builders.project import Project, kill, make_project, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STEPS = ["ingest", "build_features", "train", "calibrate", "evaluate", "gate", "register"]


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundle's digest of a run that nobody disturbs."""
    project = make_project(tmp_path_factory.mktemp("undisturbed"))
    _, summary = project.run()
    project.stop()
    return str(summary["bundle_digest"])


def _statuses(project: Project) -> list[str]:
    return [run["status"] for run in json.loads(project.command("runs", "--json").out)]


@pytest.mark.parametrize("step", STEPS)
def test_the_run_killed_in_each_step(project: Project, digest: str, step: str) -> None:
    run = project.started()
    wait_until(lambda: project.step_record(step))
    kill(run.pid)
    run.wait()
    left = project.step_record(step)
    before = {step for step in STEPS if project.step_record(step).get("status") == "done"}

    ended, summary = project.run()
    assert ended.code == 0, ended.out + ended.err
    assert summary["bundle_digest"] == digest
    assert summary["registry_version"] == "1"
    assert _statuses(project) == ["succeeded", "interrupted"]
    assert "marked as interrupted" in ended.out
    reused = {name for name, how in summary["steps"].items() if how["status"] == "reused"}
    assert reused >= (before - {step, "ingest", "gate", "register"})
    assert Identity(left["pid"], left["started"]).process() is None


def test_a_step_killed(project: Project, digest: str) -> None:
    run = project.started()
    wait_until(lambda: project.step_record("train").get("pid"))
    kill(project.step_record("train")["pid"])
    assert run.wait() == 1
    summary = project.summary()
    assert summary["status"] == "failed"
    assert summary["error"].startswith("train: the step's process died without a word")
    _, summary = project.run()
    assert summary["bundle_digest"] == digest
    assert summary["steps"]["build_features"]["status"] == "reused"


def test_the_s3_server_killed(project: Project, digest: str) -> None:
    run = project.started()
    wait_until(lambda: project.step_record("build_features").get("status") == "running")
    kill(json.loads((project.state / "s3" / "server.json").read_text())["pid"])
    assert run.wait() == 1
    assert "does not answer" in project.summary()["error"]
    _, summary = project.run()
    assert (summary["status"], summary["bundle_digest"]) == ("succeeded", digest)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_interrupted_by_hand_or_by_a_terminal_that_is_closed(project: Project, digest: str, number: int) -> None:
    # Where the tests themselves run under nohup, what they start would ignore a closed terminal as well.
    here = signal.signal(number, signal.SIG_DFL)
    run = project.started()
    signal.signal(number, here)
    wait_until(lambda: project.step_record("train").get("pid"))
    step = project.step_record("train")
    run.send_signal(number)
    assert run.wait() == 130
    assert project.summary()["status"] == "interrupted"
    assert not psutil.pid_exists(step["pid"])
    _, summary = project.run()
    assert summary["bundle_digest"] == digest


def test_many_kills_at_many_moments(project: Project, digest: str) -> None:
    for number in range(8):
        run = project.started()
        try:
            run.wait(timeout=0.7 + 1.1 * number)
        except subprocess.TimeoutExpired:
            kill(run.pid)
            run.wait()
    _, summary = project.run()
    assert (summary["status"], summary["bundle_digest"], summary["registry_version"]) == ("succeeded", digest, "1")


def test_two_live_runs_in_one_state_folder(project: Project) -> None:
    run = project.started()
    wait_until(lambda: project.step_record("ingest"))
    ended = project.command("run", "tiny")
    assert ended.code == 1
    assert ended.err.startswith("Error: run tiny-")
    assert "is at work in" in ended.err
    assert run.wait() == 0
    time.sleep(0.1)
    assert _statuses(project) == ["succeeded"]
