"""The machine's own faults: each is one clear sentence and exit code 1, and nothing half-written is left."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.project import ROOT, Ended, Project, write_rows
from tests.builders.small_disk import small_disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _one_clear_error(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    assert len([line for line in ended.err.splitlines() if line.startswith("Error: ")]) == 1
    for word in words:
        assert word in ended.err


def test_a_fixed_port_that_is_taken(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended, summary = project.with_variables(LOANWRIGHT_S3_PORT=port).run()
    _one_clear_error(ended, 1, f"port {port}, set by LOANWRIGHT_S3_PORT, is taken")
    assert summary["status"] == "failed"


def test_an_outside_s3_that_is_down_at_the_start(project: Project) -> None:
    variables = {
        "LOANWRIGHT_STORE": "s3://somewhere",
        "LOANWRIGHT_S3_ENDPOINT": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    ended, summary = project.with_variables(**variables).run()
    _one_clear_error(ended, 1, "S3 at http://127.0.0.1:9 does not answer")
    assert summary["status"] == "failed"


def test_wrong_credentials(project: Project) -> None:
    from loanwright.runtime.object_server import ObjectServer
    from loanwright.runtime.settings import Settings

    other = Settings.read({"LOANWRIGHT_STATE": str(project.folder / "other")}, project.folder)
    server = ObjectServer(other)
    try:
        wrong = server.start() | {"AWS_SECRET_ACCESS_KEY": "wrong"}
        ended, _ = project.with_variables(**wrong).run()
    finally:
        server.stop()
    _one_clear_error(ended, 1, "refused", "Check AWS_ACCESS_KEY_ID")


def test_an_unwritable_state_folder(project: Project) -> None:
    (project.folder / "file").touch()
    ended = project.with_variables(LOANWRIGHT_STATE=str(project.folder / "file" / "state")).command("run", "tiny")
    _one_clear_error(ended, 1, "cannot be written to", "LOANWRIGHT_STATE")


def test_no_network_and_a_cold_cache(project: Project) -> None:
    project.change("uri: applicants.csv", "uri: public://german_credit/applicants")
    offline = project.with_variables(
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_TIMEOUT="2"
    )
    ended, summary = offline.run()
    _one_clear_error(ended, 1, "german_credit")
    assert summary["status"] == "failed"
    assert not list((project.state / "data").glob("german*"))


def test_a_declaration_that_is_wrong_starts_nothing(project: Project) -> None:
    project.change("num_leaves: 7", "num_leafs: 7")
    ended = project.command("run", "tiny")
    _one_clear_error(ended, 2, "num_leafs", "did you mean 'num_leaves'")
    assert not list(project.state.glob("runs/*"))


def test_a_model_that_does_not_exist(project: Project) -> None:
    _one_clear_error(project.command("run", "tinny"), 2, "there is no model 'tinny' (did you mean 'tiny'?)")


def test_broken_rows(project: Project) -> None:
    text = (project.folder / "applicants.csv").read_text()
    (project.folder / "applicants.csv").write_text(text + "1501,-5,0,web,north,0\n")
    ended, summary = project.run()
    _one_clear_error(ended, 2, "applicants", "income", "-5")
    assert (summary["status"], summary["bundle_digest"]) == ("failed", None)
    write_rows(project.folder / "applicants.csv", 1500)
    assert project.run()[0].code == 0


def test_three_workers_make_the_bundle_of_one(project: Project) -> None:
    _, one = project.run()
    ended, three = project.run("--set", "workers=3")
    assert ended.code == 0
    assert three["steps"]["train"]["status"] == "done"
    assert three["bundle_digest"] == one["bundle_digest"]
    assert three["unchanged"]


def test_no_workers(project: Project) -> None:
    ended = project.command("run", "tiny", "--set", "workers=0")
    _one_clear_error(ended, 2, "workers: must be at least 1")
    assert not list(project.state.glob("runs/*"))


def test_debug_shows_where(project: Project) -> None:
    project.change("aggregate: value, column: delays", "aggregate: value, column: dellays")
    ended = project.command("--debug", "run", "tiny")
    assert ended.code == 2
    assert "Traceback" in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk(project: Project, tmp_path: Path) -> None:
    write_rows(project.folder / "applicants.csv", 60_000)
    with small_disk(tmp_path / "disk", "400k") as disk:
        full = project.with_variables(LOANWRIGHT_STORE=str(disk / "store"))
        ended, summary = full.run()
        _one_clear_error(ended, 1, "No space left on device")
        assert summary["status"] == "failed"
        assert not [path for path in disk.rglob("*.json") if path.stat().st_size == 0]


def test_a_python_without_venv(tmp_path: Path) -> None:
    fake = tmp_path / "venv.py"
    fake.write_text("raise ImportError('no module named venv')\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    script = tmp_path / "clone" / "platform" / "install.py"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / "platform" / "install.py").read_text())
    (tmp_path / "clone" / "requirements").mkdir()
    for name in ("requirements/lock.txt", "requirements/uv.txt", "pyproject.toml"):
        (tmp_path / "clone" / name).write_text((ROOT / name).read_text())
    ended = subprocess.run([sys.executable, script], env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ")
    assert "has no module venv. Install it (Debian and Ubuntu: apt-get install python3-venv)" in ended.stderr
    assert not (tmp_path / "clone" / ".venv").exists()
