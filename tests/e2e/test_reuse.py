"""What runs again after a change, and what is reused: by content, never by accident."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import loanwright
from tests.builders.project import Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MIDDLE = ["build_features", "train", "calibrate", "evaluate"]


def _reused(summary: dict[str, dict[str, dict[str, str]]]) -> list[str]:
    return [step for step, how in summary["steps"].items() if how["status"] == "reused"]


@pytest.fixture
def before(finished: Project) -> dict[str, Any]:
    """The summary of a run on what this test finds: every step that can be reused is there to be reused."""
    ended, summary = finished.run()
    assert ended.code == 0, ended.out + ended.err
    return summary


def test_a_first_run_registers_and_a_second_finds_nothing_to_do(project: Project) -> None:
    ended, first = project.run()
    assert ended.code == 0, ended.out + ended.err
    assert first["status"] == "succeeded"
    assert first["registry_version"] == "1"
    assert Path(first["report"]).is_file()
    assert first["metrics"]["auc"]["low"] < first["metrics"]["auc"]["value"] < first["metrics"]["auc"]["high"]
    assert {gate["name"]: gate["verdict"] for gate in first["gates"]} == {"auc_floor": "pass", "champion": "pass"}
    assert _reused(first) == []

    ended, second = project.run()
    assert ended.code == 0
    assert _reused(second) == MIDDLE
    assert [step for step, how in second["steps"].items() if how["status"] == "unchanged"] == [
        "ingest",
        "gate",
        "register",
    ]
    assert (second["bundle_digest"], second["registry_version"]) == (first["bundle_digest"], "1")
    assert second["mlflow_run"] == first["mlflow_run"]
    assert Path(second["report"]).read_bytes() == Path(first["report"]).read_bytes()


def test_a_change_reaches_only_the_steps_that_read_it(finished: Project, before: dict[str, Any]) -> None:
    finished.change("min: 0.6}", "min: 0.61}")
    _, summary = finished.run()
    assert _reused(summary) == MIDDLE
    assert summary["steps"]["gate"]["status"] == "done"

    finished.change("Synthetic rows for tests.", "Synthetic rows described anew.")
    _, summary = finished.run()
    assert _reused(summary) == MIDDLE
    assert (summary["bundle_digest"], summary["registry_version"]) == (before["bundle_digest"], "1")

    finished.change("learning_rate: 0.1", "learning_rate: 0.2")
    _, summary = finished.run()
    assert _reused(summary) == ["build_features"]
    assert summary["registry_version"] == "2"


def test_no_cache_runs_all_and_gives_the_same_bytes(finished: Project, before: dict[str, Any]) -> None:
    _, summary = finished.run("--no-cache")
    assert _reused(summary) == []
    assert summary["bundle_digest"] == before["bundle_digest"]


@pytest.mark.usefixtures("before")
def test_equal_rows_from_elsewhere_reuse_everything(finished: Project, tmp_path: Path) -> None:
    head, *rows = (finished.folder / "applicants.csv").read_text().splitlines(keepends=True)
    (tmp_path / "turned.csv").write_text("".join([head, *reversed(rows)]))
    _, summary = finished.run("--set", f"source_overrides.applicants={tmp_path / 'turned.csv'}")
    assert summary["steps"]["ingest"]["status"] == "done"
    assert _reused(summary) == MIDDLE


@pytest.mark.usefixtures("before")
def test_an_edit_to_the_library_reuses_nothing(finished: Project, tmp_path: Path) -> None:
    copy = tmp_path / "src" / "loanwright"
    shutil.copytree(Path(loanwright.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    edited = finished.with_variables(PYTHONPATH=str(copy.parent))
    _, copied = edited.run()
    assert _reused(copied) == MIDDLE
    with (copy / "training" / "train.py").open("a") as file:
        file.write("\n# edited\n")
    _, after = edited.run()
    assert _reused(after) == []


def test_a_wiped_bucket_reuses_nothing_and_gives_the_same_digest(finished: Project, before: dict[str, Any]) -> None:
    finished.stop()
    shutil.rmtree(finished.state / "s3" / "data")
    _, summary = finished.run()
    assert _reused(summary) == []
    assert summary["bundle_digest"] == before["bundle_digest"]


def test_another_endpoint_with_the_same_bucket_name_reuses_nothing(
    finished: Project, before: dict[str, Any], tmp_path: Path
) -> None:
    from loanwright.runtime.object_server import ObjectServer
    from loanwright.runtime.settings import Settings

    other = Settings(
        project=tmp_path, state=tmp_path / "other", store=None, s3_endpoint=None, s3_port=None, tracking_uri=None
    )
    server = ObjectServer(other)
    try:
        _, summary = finished.with_variables(**server.start()).run()
    finally:
        server.stop()
    assert summary["status"] == "succeeded"
    assert _reused(summary) == []
    assert summary["bundle_digest"] == before["bundle_digest"]


def test_a_plain_folder_is_a_store_too(finished: Project, before: dict[str, Any], tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project").with_variables(LOANWRIGHT_STORE=str(tmp_path / "store"))
    shutil.copy(finished.folder / "applicants.csv", folder.folder)
    ended, summary = folder.run()
    assert ended.code == 0, ended.err
    assert summary["bundle_digest"] == before["bundle_digest"]
    assert summary["bundle"].startswith(str(tmp_path / "store"))
    assert not (folder.state / "s3").exists()
