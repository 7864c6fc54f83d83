"""A search as people run it: repeated, killed midway and begun again, out of time, and taken over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.reading import read_declaration
from loanwright.registry.client import connect
from tests.builders.project import Ended, Project, kill, make_project, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# Declared far too timid, so that there is something to be found beyond any doubt.
TIMID = (
    "rounds: 20, seed: 1, parameters: {num_leaves: 7, learning_rate: 0.1}",
    "rounds: 3, parameters: {learning_rate: 0.01, num_leaves: 2, min_data_in_leaf: 450}",
)
SEARCH = """
search:  # with a remark of its own
  space:
    learning_rate: {low: 0.01, high: 0.5, log: true}
    num_leaves: {low: 3, high: 15}
    min_data_in_leaf: {low: 5, high: 60, log: true}
  folds: 3
  generations: 3
  trials_per_generation: 4
"""


def searching(folder: Path) -> Project:
    project = make_project(folder, rows=6000)
    project.change(*TIMID)
    with (project.folder / "pipelines" / "tiny" / "model.yaml").open("a") as file:
        file.write(SEARCH)
    return project


def search(project: Project, *arguments: str) -> tuple[Ended, dict[str, Any]]:
    ended = project.command("search", "tiny", *arguments)
    return ended, project.summary()


def trial_records(project: Project) -> dict[int, dict[str, Any]]:
    """The records of the trials that the newest run has run itself, by number."""
    runs = sorted((project.state / "runs").glob("*"), key=lambda path: path.stat().st_mtime)
    paths = (runs[-1] / "steps").glob("trial_*.json") if runs else ()
    records = [json.loads(path.read_text()) for path in paths]
    return {record["result"]["number"]: record for record in records if record["status"] == "done"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a search that nobody disturbs, then of its repetitions."""
    project = searching(tmp_path_factory.mktemp("undisturbed"))
    try:
        ended, summary = search(project)
        assert ended.code == 0, ended.out + ended.err
        return {"summary": summary, "out": ended.out, "project": project}
    finally:
        project.stop()


def test_a_better_set_is_found_shown_and_reported(found: dict[str, Any]) -> None:
    outcome = found["summary"]["search"]
    assert outcome["gain"]["mean"] > outcome["gain"]["margin"] > 0
    assert set(outcome["changes"]) <= {"learning_rate", "num_leaves", "min_data_in_leaf"}
    assert outcome["trials"] == 12
    assert "+training: {rounds: 3, parameters: {learning_rate: " in found["out"]
    assert "loanwright search tiny --apply" in found["out"]
    page = Path(found["summary"]["report"]).read_text()
    assert "Better parameters found" in page
    assert page.count("<svg") == 2 + 3
    assert [step["trials"] for name, step in found["summary"]["steps"].items() if name.startswith("gener")] == [4, 4, 4]


def test_each_trial_is_a_nested_run_in_mlflow(found: dict[str, Any]) -> None:
    client = connect(f"sqlite:///{found['project'].state}/mlflow/mlflow.db")
    parent = client.get_run(found["summary"]["mlflow_run"])
    assert parent.data.tags["loanwright.kind"] == "search"
    below = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert sorted(int(run.data.tags["loanwright.trial"]) for run in below) == list(range(12))
    for run in below:
        assert float(run.data.tags["loanwright.seconds"]) > 0
        assert [one.step for one in client.get_metric_history(run.info.run_id, "auc.fold")] == [1, 2, 3]
        assert {"learning_rate", "num_leaves", "min_data_in_leaf"} == set(run.data.params)


def test_killed_midway_and_begun_again_no_finished_trial_is_run_again(found: dict[str, Any], tmp_path: Path) -> None:
    project = searching(tmp_path)
    try:
        finished: dict[int, dict[str, Any]] = {}
        for wanted in (2, 6):
            run = project.started(command="search")
            wait_until(lambda at=wanted, had=dict(finished): len(had | trial_records(project)) >= at, 300)  # type: ignore[misc]
            kill(run.pid)
            run.wait()
            time.sleep(0.5)
            finished |= trial_records(project)
        ended, summary = search(project)
        assert ended.code == 0, ended.out + ended.err
        assert "marked as interrupted" in ended.out
        again = set(trial_records(project)) & set(finished)
        # A result is reused if the runner lived to keep it: of those that ended in the moment of the kill, it did not.
        assert len(again) <= 4, again
        assert len(finished) >= 6
        assert set(trial_records(project)) != set(range(12))
        same = ("metric", "declared", "best", "gain", "changes", "study", "table", "training", "trials")
        assert [summary["search"][name] for name in same] == [found["summary"]["search"][name] for name in same]
    finally:
        project.stop()


def test_again_out_of_time_longer_and_taken_over(found: dict[str, Any]) -> None:
    project: Project = found["project"]
    outcome = found["summary"]["search"]
    try:
        _, again = search(project)
        assert again["search"] == outcome
        assert trial_records(project) == {}
        assert again["mlflow_run"] == found["summary"]["mlflow_run"]

        ended, late = search(project, "--set", "search.budget=1s")
        assert ended.code == 0, ended.out + ended.err
        assert late["search"]["trials"] < 12, "the time was up"
        assert late["search"]["trials"] % 4 == 0, "a generation is whole or not begun"
        assert trial_records(project) == {}, "what was begun is what an unhurried search begins with"
        assert "out_of_time" in {step["status"] for step in late["steps"].values()}

        refused = project.command("search", "tiny", "--apply", "--set", "training.rounds=4")
        assert refused.code == 2
        path = project.folder / "pipelines" / "tiny" / "model.yaml"
        before = path.read_text()
        ended, _ = search(project, "--apply")
        assert ended.code == 0, ended.out + ended.err
        assert path.read_text() != before
        assert "search:  # with a remark of its own" in path.read_text()
        declared = read_declaration(path).training.parameters.model_dump()
        assert {name: declared[name] for name in outcome["changes"]} == outcome["changes"]
        assert project.command("check").code == 0
        ended, summary = project.run()
        assert summary["steps"]["build_features"]["status"] == "reused", "training takes over what the search has built"
    finally:
        project.stop()


def test_trials_one_by_one_find_the_same(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner's threads are two; here it has one, so trials end in another order."""
    project = searching(tmp_path)
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "from kfp.local.orchestrator import enhanced_dag_orchestrator as o\n"
        "run = o.ParallelExecutor.execute_parallel_tasks\n"
        "def one_by_one(self, tasks, *args, **options):\n"
        "    self.conservative_max = 1\n"
        "    return run(self, tasks[::-1], *args, **options)\n"
        "o.ParallelExecutor.execute_parallel_tasks = one_by_one\n"
    )
    alone = project.with_variables(PYTHONPATH=str(hook))
    try:
        ended, summary = search(alone)
        assert ended.code == 0, ended.out + ended.err
        assert summary["search"]["study"] == found["summary"]["search"]["study"]
        assert summary["search"]["changes"] == found["summary"]["search"]["changes"]
    finally:
        project.stop()
