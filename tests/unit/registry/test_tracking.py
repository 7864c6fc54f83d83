from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.gates import GateResult, Judgement
from loanwright.registry.client import connect
from loanwright.registry.tracking import Place, parameters, record_verdict, tag_handed_on
from loanwright.storage import Manifest, publish, read_manifest
from tests.builders.evidence import build_bare_evidence, build_evidence
from tests.unit.registry.conftest import Parts

DECLARATION = {
    "training": {"rounds": 100, "objective": "binary", "early_stopping": None, "parameters": {"num_leaves": 31}},
    "split": {"method": "hash", "fractions": {"train": 0.6, "test": 0.4}},
    "gates": {"rules": [{"name": "ranks", "metric": "auc", "min": 0.7}]},
    "features": {"groups": [{"name": f"feature_{i}"} for i in range(500)], "derived": []},
}
Record = Callable[..., str]


def judgement(verdict: str) -> Judgement:
    result = GateResult(
        name="ranks", verdict=verdict, metric="auc", value=0.7, low=0.6, high=0.8, bound="at least 0.7",
        message="AUC is 0.7",
    )  # fmt: skip
    return Judgement(outcome=verdict, results=(result,))


@pytest.fixture
def place(tracking_uri: str, tmp_path: Path) -> Place:
    return Place(tracking_uri, "run-7", artifacts=str(tmp_path / "state folder" / "artifacts"))


@pytest.fixture
def snapshot(parts: Parts) -> Manifest:
    body = {"tables": {"clients": {"rows": 1500}, "statements": {"rows": 9000}}}
    return read_manifest(publish(parts.store, "snapshots", body))


@pytest.fixture
def record(place: Place, parts: Parts, snapshot: Manifest, bundle_uri: str) -> Record:
    def go(at: Place = place, verdict: str = "pass", evidence: Evidence | None = None, **changes: Any) -> str:
        values: dict[str, Any] = {
            "model": "small_loans",
            "declaration": DECLARATION,
            "snapshot": snapshot,
            "table": parts.table,
            "bundle": read_manifest(bundle_uri),
            "evidence": evidence or build_evidence(),
            "judgement": judgement(verdict),
            "report": "<!doctype html><p>Größe: 10 €</p>",
            "tags": {"loanwright.image": "sha256:1"},
        }
        return record_verdict(at, **(values | changes))

    return go


def test_a_run_holds_what_was_declared_measured_decided_and_read(
    record: Record, place: Place, parts: Parts, snapshot: Manifest, bundle_uri: str
) -> None:
    evidence = build_evidence()
    run_id = record(evidence=evidence)

    client = connect(place.tracking_uri)
    run = client.get_run(run_id)
    assert client.get_experiment(run.info.experiment_id).name == "small_loans"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "run-7")
    assert run.data.params["training.parameters.num_leaves"] == "31"
    auc = evidence.metrics["auc"]
    assert [run.data.metrics[name] for name in ("auc", "auc.low", "auc.high")] == [auc.value, auc.low, auc.high]
    assert run.data.metrics["rows"] == evidence.rows
    bundle = read_manifest(bundle_uri)
    assert {key: value for key, value in run.data.tags.items() if key.startswith(("kfp.", "loanwright."))} == {
        "kfp.pipeline_run_id": "run-7",
        "loanwright.model": "small_loans",
        "loanwright.code_version": run.data.tags["loanwright.code_version"],
        "loanwright.snapshot": snapshot.uri,
        "loanwright.table": parts.table.uri,
        "loanwright.bundle": bundle_uri,
        "loanwright.bundle_digest": bundle.digest,
        "loanwright.outcome": "pass",
        "loanwright.gate.ranks": "pass",
        "loanwright.image": "sha256:1",
    }
    inputs = {item.dataset.name: item for item in run.inputs.dataset_inputs}
    assert json.loads(inputs["snapshot"].dataset.source) == {"uri": snapshot.uri, "digest": snapshot.digest}
    assert json.loads(inputs["snapshot"].dataset.profile) == {"num_rows": {"clients": 1500, "statements": 9000}}
    assert inputs["training_table"].dataset.digest == parts.table.digest[:36]
    assert [(tag.key, tag.value) for tag in inputs["training_table"].tags] == [("mlflow.data.context", "training")]


def test_the_report_and_the_whole_declaration_lie_where_they_were_told_to(
    record: Record, place: Place, tmp_path: Path
) -> None:
    run_id = record()

    folder = tmp_path / "state folder" / "artifacts" / "small_loans" / run_id / "artifacts"
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "declaration.json",
        "evidence.json",
        "gates.json",
    }
    assert (folder / "report.html").read_text(encoding="utf-8") == "<!doctype html><p>Größe: 10 €</p>"
    assert json.loads((folder / "declaration.json").read_text()) == DECLARATION
    assert Evidence.model_validate_json((folder / "evidence.json").read_bytes()) == build_evidence()
    assert json.loads((folder / "gates.json").read_text())["outcome"] == "pass"
    assert place.artifacts is not None


@pytest.mark.parametrize(("verdict", "status"), [("pass", "FINISHED"), ("warn", "FINISHED"), ("block", "FAILED")])
def test_every_verdict_is_tracked(record: Record, place: Place, verdict: str, status: str) -> None:
    run = connect(place.tracking_uri).get_run(record(verdict=verdict))

    assert (run.info.status, run.data.tags["loanwright.outcome"]) == (status, verdict)


def test_one_pipeline_run_has_one_run_even_if_the_step_is_repeated(record: Record, place: Place) -> None:
    first = record()

    assert record() == first
    assert record(replace(place, pipeline_run="run-8")) != first
    client = connect(place.tracking_uri)
    experiment = client.get_run(first).info.experiment_id
    assert len(client.search_runs([experiment])) == 2


def test_what_could_not_be_measured_is_left_out(record: Record, place: Place) -> None:
    run = connect(place.tracking_uri).get_run(record(evidence=build_bare_evidence()))

    assert run.data.metrics == {"rows": 12, "positives": 0, "rounds": 1}


def test_a_deleted_experiment_comes_back(record: Record, place: Place) -> None:
    client = connect(place.tracking_uri)
    first = record()
    experiment = client.get_run(first).info.experiment_id
    client.delete_experiment(experiment)

    assert connect(place.tracking_uri).get_run(record()).info.experiment_id == experiment


def test_hundreds_of_parameters_and_tags_are_logged_in_batches(record: Record, place: Place) -> None:
    many = {"training": {f"value_{i}": i for i in range(333)}}

    run_id = record(declaration=many, tags={f"tag_{i}": "x" for i in range(120)})

    run = connect(place.tracking_uri).get_run(run_id)
    assert len(run.data.params) == 333
    assert run.data.tags["tag_119"] == "x"


def test_parameters_are_flat_and_short() -> None:
    flat = parameters(DECLARATION | {"evaluation": {"reasons": {}, "economics": {"currency": "TWD", "loss": -1.5}}})

    assert flat == {
        "training.rounds": "100",
        "training.objective": "binary",
        "training.early_stopping": "null",
        "training.parameters.num_leaves": "31",
        "split.method": "hash",
        "split.fractions.train": "0.6",
        "split.fractions.test": "0.4",
        "gates.rules": '[{"metric": "auc", "min": 0.7, "name": "ranks"}]',
        "features.groups": flat["features.groups"],
        "features.derived": "[]",
        "evaluation.reasons": "{}",
        "evaluation.economics.currency": "TWD",
        "evaluation.economics.loss": "-1.5",
    }
    assert flat["features.groups"].startswith("12390 characters, sha256 ")
    other = {"features": {"groups": [*DECLARATION["features"]["groups"][:-1], {"name": "feature_xxx"}]}}  # type: ignore[index]
    assert parameters(other)["features.groups"] != flat["features.groups"]


def injected(place: Place, *, levels: int) -> tuple[Place, str]:
    """Runs as KFP opens them: one for the pipeline run, below it one for each level; where a task then works."""
    client = connect(place.tracking_uri)
    experiment = client.create_experiment("kfp", artifact_location=place.artifacts)
    top = client.create_run(experiment, tags={"kfp.pipeline_run_id": "0b1c"}, run_name="credit run").info.run_id
    below = top
    for _ in range(levels):
        below = client.create_run(experiment, tags={"mlflow.parentRunId": below}).info.run_id
    return replace(place, injected_run=below, injected_experiment=experiment), top


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_kfps_own_run_is_used_and_its_state_left_to_kfp(record: Record, place: Place, levels: int) -> None:
    within, top = injected(place, levels=levels)

    assert record(within) == top

    client = connect(place.tracking_uri)
    run = client.get_run(top)
    assert (run.info.status, run.info.run_name) == ("RUNNING", "credit run")
    assert run.data.tags["kfp.pipeline_run_id"] == "0b1c"
    assert run.data.tags["loanwright.outcome"] == "pass"
    assert client.get_experiment_by_name("small_loans") is None


def test_an_injected_run_that_stands_alone_is_used_as_it_is(record: Record, place: Place) -> None:
    client = connect(place.tracking_uri)
    experiment = client.create_experiment("mine", artifact_location=place.artifacts)
    alone = client.create_run(experiment).info.run_id

    assert record(replace(place, injected_run=alone)) == alone
    run = client.get_run(alone)
    assert (run.info.status, run.data.tags["kfp.pipeline_run_id"]) == ("RUNNING", "run-7")


def test_an_injected_experiment_alone_gets_a_run_of_ours(record: Record, place: Place) -> None:
    client = connect(place.tracking_uri)
    experiment = client.create_experiment("mine", artifact_location=place.artifacts)

    run = client.get_run(record(replace(place, injected_experiment=experiment)))

    assert (run.info.experiment_id, run.info.status) == (experiment, "FINISHED")


def test_an_injected_run_that_is_not_there_is_a_fault(record: Record, place: Place) -> None:
    with pytest.raises(EnvironmentFault, match="failed to record the run: Run with id=gone not found"):
        record(replace(place, injected_run="gone"))


def test_an_unchanged_model_is_only_tagged(record: Record, place: Place, bundle_uri: str) -> None:
    earlier = record()
    within, top = injected(place, levels=1)

    tag_handed_on(within, earlier, read_manifest(bundle_uri))

    run = connect(place.tracking_uri).get_run(top)
    assert run.data.tags["loanwright.handed_on"] == earlier
    assert run.data.tags["loanwright.bundle_digest"] == read_manifest(bundle_uri).digest
    assert (run.data.params, run.data.metrics) == ({}, {})


def test_without_an_injected_run_there_is_nothing_to_tag(bundle_uri: str) -> None:
    tag_handed_on(Place("http://127.0.0.1:9", "run-7"), "earlier", read_manifest(bundle_uri))
