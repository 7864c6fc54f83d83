"""One MLflow run for one pipeline run: what was declared, what was measured, what was decided, from which data.

On a cluster KFP may have opened the runs already: one for the pipeline run, tagged with its id, and one
below it for each task, whose id it gives the task as MLFLOW_RUN_ID. Then the pipeline run's own is
used, and its state is left to KFP. Otherwise one is made, with the same tag.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from loanwright._version import __version__
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.gates import Judgement
from loanwright.registry.client import connect, registry_faults
from loanwright.registry.lookup import BUNDLE_TAG, DIGEST_TAG
from loanwright.storage import Manifest, digest_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

PIPELINE_RUN_TAG = "kfp.pipeline_run_id"
OUTCOME_TAG = "loanwright.outcome"
PARENT_TAG = "mlflow.parentRunId"
_LONGEST_KEY = 250
_LONGEST_PARAMETER = 500  # MLflow takes 6000; nobody reads them in its table, and declaration.json is whole
_DATASET_DIGEST = 36
_BATCH = 100
Item = TypeVar("Item")
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Place:
    """Where a run is tracked.

    Attributes:
        tracking_uri: MLflow's tracking address.
        pipeline_run: the pipeline run's id.
        artifacts: where a new experiment's artifacts go (URI or folder); None: the server's choice.
        injected_run: MLFLOW_RUN_ID, where KFP gave one.
        injected_experiment: MLFLOW_EXPERIMENT_ID, likewise.
    """

    tracking_uri: str
    pipeline_run: str
    artifacts: str | None = None
    injected_run: str | None = None
    injected_experiment: str | None = None


def record_verdict(
    place: Place,
    *,
    model: str,
    declaration: Mapping[str, Any],
    snapshot: Manifest,
    table: Manifest,
    bundle: Manifest,
    evidence: Evidence,
    judgement: Judgement,
    report: str,
    tags: Mapping[str, str],
) -> str:
    """Tracks a judged model, whatever the verdict; the MLflow run's id.

    Called again for the same pipeline run it writes into the same MLflow run.

    Args:
        place: where.
        model: the model's name, which is the experiment's unless KFP chose one.
        declaration: the declared sections, as JSON values; logged as parameters and, whole, as a file.
        snapshot: the snapshot of the sources: a data set input.
        table: the training table: a data set input.
        bundle: what was judged.
        evidence: its metrics are logged as `auc`, `auc.low`, `auc.high` and so on.
        judgement: the gates' verdicts.
        report: the HTML report.
        tags: more tags.

    Raises:
        EnvironmentFault: MLflow refuses or does not answer.
    """
    _log.info("Recording the run in MLflow ...")
    client = connect(place.tracking_uri)
    with registry_faults("record the run", place.tracking_uri):
        run, own = open_run(client, place, model)
        run_id = str(run.info.run_id)
        everything = {
            **tags,
            PIPELINE_RUN_TAG: run.data.tags.get(PIPELINE_RUN_TAG, place.pipeline_run),
            "loanwright.model": model,
            "loanwright.code_version": __version__,
            "loanwright.snapshot": snapshot.uri,
            "loanwright.table": table.uri,
            BUNDLE_TAG: bundle.uri,
            DIGEST_TAG: bundle.digest,
            OUTCOME_TAG: judgement.outcome,
            **{f"loanwright.gate.{result.name}": result.verdict for result in judgement.results},
        }
        log_values(client, run_id, parameters(declaration), _metrics(evidence), everything)
        client.log_inputs(
            run_id, [data_input("snapshot", "source", snapshot), data_input("training_table", "training", table)]
        )
        client.log_text(run_id, report, "report.html")
        client.log_dict(run_id, dict(declaration), "declaration.json")
        client.log_dict(run_id, evidence.model_dump(mode="json"), "evidence.json")
        client.log_dict(run_id, judgement.model_dump(mode="json"), "gates.json")
        if own:
            client.set_terminated(run_id, "FAILED" if judgement.outcome == "block" else "FINISHED")
    return run_id


def tag_handed_on(place: Place, earlier_run: str, bundle: Manifest) -> None:
    """Says on the run that KFP opened that nothing changed, and which MLflow run has the evidence.

    Without such a run there is nothing to be said: the earlier run stands for this one too.

    Raises:
        EnvironmentFault: MLflow refuses or does not answer.
    """
    if place.injected_run is None:
        return
    client = connect(place.tracking_uri)
    with registry_faults("tag the run", place.tracking_uri):
        run_id = _pipelines_own(client, place.injected_run).info.run_id
        for key, value in (("loanwright.handed_on", earlier_run), (DIGEST_TAG, bundle.digest)):
            client.set_tag(run_id, key, value)


def parameters(declaration: Mapping[str, Any]) -> dict[str, str]:
    """A declaration as flat parameters: ``training.parameters.num_leaves`` → ``31``.

    Lists stand as JSON. What is longer than anybody reads stands as its length and digest.
    """
    flat = dict(_flatten(declaration, ""))
    return {key: _short(value) for key, value in flat.items() if len(key) <= _LONGEST_KEY}


def _flatten(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _flatten(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST_PARAMETER else f"{len(text)} characters, sha256 {digest_of(text)}"


def _metrics(evidence: Evidence) -> dict[str, float]:
    found: dict[str, float | None] = {
        "rows": evidence.rows,
        "positives": evidence.positives,
        "rounds": evidence.rounds,
    }
    for name, measured in evidence.metrics.items():
        found |= {name: measured.value, f"{name}.low": measured.low, f"{name}.high": measured.high}
    return {name: value for name, value in found.items() if value is not None}


def log_values(
    client: MlflowClient, run_id: str, params: Mapping[str, str], metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in metrics.items()])
    for batch in _batches([Param(*item) for item in params.items()]):
        client.log_batch(run_id, params=batch)
    for batch in _batches([RunTag(*item) for item in tags.items()]):
        client.log_batch(run_id, tags=batch)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def data_input(name: str, context: str, manifest: Manifest) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": manifest.uri, "digest": manifest.digest})
    data = Dataset(name, manifest.digest[:_DATASET_DIGEST], "loanwright", source, profile=_profile(manifest))
    return DatasetInput(data, [InputTag("mlflow.data.context", context)])


def _profile(manifest: Manifest) -> str:
    tables = manifest.body.get("tables")
    rows = {name: table["rows"] for name, table in tables.items()} if tables else manifest.body.get("rows")
    return json.dumps({"num_rows": rows})


def open_run(client: MlflowClient, place: Place, model: str) -> tuple[Run, bool]:
    """The MLflow run of this pipeline run, and whether it is ours to end."""
    if place.injected_run is not None:
        return _pipelines_own(client, place.injected_run), False
    experiment = place.injected_experiment or _experiment(client, model, place.artifacts)
    found = client.search_runs(
        [experiment], f"tags.`{PIPELINE_RUN_TAG}` = '{place.pipeline_run}'", order_by=["attributes.start_time ASC"]
    )
    if found:
        return found[0], True
    tags = {PIPELINE_RUN_TAG: place.pipeline_run}
    return client.create_run(experiment, tags=tags, run_name=place.pipeline_run), True


def _pipelines_own(client: MlflowClient, injected: str) -> Run:
    """The run that KFP opened for the pipeline run, found from the one below it that it gave this task."""
    run = client.get_run(injected)
    above = run
    while (parent := above.data.tags.get(PARENT_TAG)) is not None:
        above = client.get_run(parent)
        if PIPELINE_RUN_TAG in above.data.tags:
            return above
    return run


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        place = None if artifacts is None else f"{artifacts.rstrip('/')}/{name}"
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)
