"""A search in MLflow: one run, a nested one for each trial, and none twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.registry.client import connect
from loanwright.registry.search_tracking import record_search
from loanwright.registry.tracking import Place
from loanwright.search.outcome import judge_results
from loanwright.storage import publish, read_manifest
from tests.unit.registry.conftest import Parts
from tests.unit.search.searches import a_result


def test_trials_are_nested_runs_and_are_written_once(tracking_uri: str, parts: Parts, tmp_path: Path) -> None:
    place = Place(tracking_uri, "search-1", artifacts=str(tmp_path / "artifacts"))
    snapshot = read_manifest(publish(parts.store, "snapshots", {"tables": {"clients": {"rows": 9}}}))
    results = [a_result(0, 0.70, 0.71, 0.72), a_result(1, 0.75, 0.76, 0.77), a_result(2, failed="fold 1: nothing")]

    def record() -> str:
        return record_search(
            place,
            model="tiny",
            declared={"search": {"folds": 3}},
            snapshot=snapshot,
            table=parts.table,
            outcome=judge_results(results, "auc"),
            results=[(results[0], 1.25), (results[1], None), (results[2], 3.0)],
            report="<p>report</p>",
            tags={"loanwright.study": "s"},
        )

    run_id = record()
    assert record() == run_id, "a step that is repeated writes into the same runs"
    client = connect(tracking_uri)
    parent = client.get_run(run_id)
    assert parent.data.metrics["auc"] == pytest.approx(0.76)
    assert parent.data.metrics["gain"] == pytest.approx(0.05)
    assert parent.data.params["search.folds"] == "3"
    assert (parent.data.tags["loanwright.kind"], parent.data.tags["loanwright.best_trial"]) == ("search", "1")
    assert parent.info.status == "FINISHED"
    below = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    trials = {run.data.tags["loanwright.trial"]: run for run in below}
    assert len(below) == len(trials) == 3
    assert [trials[number].info.status for number in "012"] == ["FINISHED", "FINISHED", "FAILED"]
    assert trials["0"].data.tags["loanwright.seconds"] == "1.2"
    assert "loanwright.seconds" not in trials["1"].data.tags
    assert trials["1"].data.params == {"num_leaves": "8"}
    assert trials["2"].data.tags["loanwright.failed"] == "fold 1: nothing"
    history = {(one.step, one.value) for one in client.get_metric_history(trials["1"].info.run_id, "auc.fold")}
    assert history == {(1, 0.75), (2, 0.76), (3, 0.77)}
