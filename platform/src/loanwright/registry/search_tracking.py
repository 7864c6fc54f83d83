"""One MLflow run for a search, and below it one for each trial: what was tried, and what each fold came to."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loanwright._version import __version__
from loanwright.registry.client import connect, registry_faults
from loanwright.registry.tracking import (
    PARENT_TAG,
    PIPELINE_RUN_TAG,
    Place,
    data_input,
    log_values,
    open_run,
    parameters,
)
from loanwright.search.outcome import Outcome
from loanwright.search.trials import Result
from loanwright.storage import Manifest

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TRIAL_TAG = "loanwright.trial"
SECONDS_TAG = "loanwright.seconds"
_log = logging.getLogger("loanwright")


def record_search(
    place: Place,
    *,
    model: str,
    declared: Mapping[str, Any],
    snapshot: Manifest,
    table: Manifest,
    outcome: Outcome,
    results: Sequence[tuple[Result, float | None]],
    report: str,
    tags: Mapping[str, str],
) -> str:
    """Tracks a finished search; the id of its MLflow run.

    Called again for the same pipeline run it writes into the same MLflow runs.

    Args:
        place: where.
        model: the model's name, which is the experiment's unless KFP chose one.
        declared: the sections that the search is about, as JSON values; logged as parameters.
        snapshot: the snapshot of the sources: a data set input.
        table: the training table: a data set input.
        outcome: what was found; the best mean, the declared one and the gain are logged.
        results: of all trials, each with the seconds it took, where known.
        report: the HTML report.
        tags: more tags.

    Raises:
        EnvironmentFault: MLflow refuses or does not answer.
    """
    _log.info("Recording %d trials in MLflow ...", len(results))
    client = connect(place.tracking_uri)
    with registry_faults("record the search", place.tracking_uri):
        run, own = open_run(client, place, model)
        run_id = str(run.info.run_id)
        below = _trial_runs(client, run)
        for result, seconds in results:
            _record_trial(client, run, below.get(result.number), result, outcome.metric, seconds)
        everything = {
            **tags,
            PIPELINE_RUN_TAG: run.data.tags.get(PIPELINE_RUN_TAG, place.pipeline_run),
            "loanwright.kind": "search",
            "loanwright.model": model,
            "loanwright.code_version": __version__,
            "loanwright.snapshot": snapshot.uri,
            "loanwright.table": table.uri,
            "loanwright.best_trial": str(outcome.best.number),
            "loanwright.proposes": str(bool(outcome.changes)).lower(),
        }
        log_values(client, run_id, parameters(declared), _metrics(outcome), everything)
        client.log_inputs(
            run_id, [data_input("snapshot", "source", snapshot), data_input("training_table", "search", table)]
        )
        client.log_text(run_id, report, "report.html")
        client.log_dict(run_id, outcome.as_json(), "outcome.json")
        if own:
            client.set_terminated(run_id, "FINISHED")
    return run_id


def _metrics(outcome: Outcome) -> dict[str, float]:
    found: dict[str, float | None] = {
        outcome.metric: outcome.best.mean,
        f"{outcome.metric}.declared": outcome.declared.mean,
        "gain": outcome.gain.mean if outcome.gain else 0.0,
    }
    return {name: value for name, value in found.items() if value is not None}


def _trial_runs(client: MlflowClient, parent: Run) -> dict[int, str]:
    """The runs that an earlier attempt of this step left below the parent, by trial."""
    below = f"tags.`{PARENT_TAG}` = '{parent.info.run_id}'"
    found: dict[int, str] = {}
    token: str | None = None
    while True:
        page = client.search_runs([parent.info.experiment_id], below, page_token=token)
        for run in page:
            if TRIAL_TAG in run.data.tags:
                found[int(run.data.tags[TRIAL_TAG])] = run.info.run_id
        token = page.token
        if not token:
            return found


def _record_trial(
    client: MlflowClient, parent: Run, run_id: str | None, result: Result, metric: str, seconds: float | None
) -> None:
    from mlflow.entities import Metric

    if run_id is None:
        tags = {PARENT_TAG: parent.info.run_id, TRIAL_TAG: str(result.number)}
        made = client.create_run(parent.info.experiment_id, tags=tags, run_name=f"trial {result.number}")
        run_id = str(made.info.run_id)
    now = int(time.time() * 1000)
    folds = [Metric(f"{metric}.fold", fold.value, now, number) for number, fold in enumerate(result.folds, 1)]
    folds += [Metric("rounds.fold", float(fold.rounds), now, number) for number, fold in enumerate(result.folds, 1)]
    client.log_batch(run_id, metrics=folds)
    measured = {metric: result.mean, f"{metric}.spread": result.spread}
    said = {
        **({} if seconds is None else {SECONDS_TAG: f"{seconds:.1f}"}),
        **({} if result.failed is None else {"loanwright.failed": result.failed}),
    }
    known = {name: value for name, value in measured.items() if value is not None}
    log_values(client, run_id, parameters(result.values), known, said)
    client.set_terminated(run_id, "FINISHED" if result.failed is None else "FAILED")
