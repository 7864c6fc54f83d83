"""Search, last step: the best trial beside the declared training, the report and the tracked runs."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from loanwright.config.declaration import Model
from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section
from loanwright.config.search import Search
from loanwright.errors import IntegrityFault, NotStored
from loanwright.registry.lookup import has_run
from loanwright.registry.search_tracking import record_search
from loanwright.runtime.identity import code_digest, reuse_digest
from loanwright.search.outcome import Outcome, judge_results
from loanwright.search.trials import publish_study, read_result, seconds_key, study_results
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import Surroundings, surroundings
from loanwright.steps.tracking import tracking_place
from loanwright.storage import Manifest, canonical_json, digest_of, publish, read_manifest, split_uri

_REPORT = "report.html"
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Conclusion:
    """The outcome's URI, and the report's HTML for KFP's page."""

    outcome: str
    report: str


@dataclass(frozen=True)
class _Declared:
    """The sections that a search is about."""

    model: Model
    split: Split
    training: Training
    search: Search

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name).model_dump(mode="json") for name in ("model", "split", "training", "search")}


def run(
    training_table: str, study: str, results: list[str], sections: dict[str, dict[str, Any]], run_id: str
) -> Conclusion:
    """Compares, reports and tracks; hands on the earlier outcome of an equal search.

    Args:
        training_table: URI of the table that all trials were run on.
        study: the one that the last generation was drawn from.
        results: what the last generation came to.
        sections: `model`, `split`, `training` and `search`.
        run_id: the pipeline run's id as KFP gives it.

    Raises:
        IntegrityFault: a result is of another table or split.
    """
    with recorded("conclude") as result, surroundings(run_id) as here:
        declared = _Declared(
            parse_section("model", sections["model"], Model),
            parse_section("split", sections["split"], Split),
            parse_section("training", sections["training"], Training),
            parse_section("search", sections["search"], Search),
        )
        table = read_manifest(training_table, "tables")
        known = read_manifest(publish_study(here.store, study, results), "studies")
        record = f"conclusions/{_key(known, table, declared)}.json"
        outcome = _earlier(here, record)
        unchanged = outcome is not None
        if outcome is None:
            outcome = _conclude(here, known, table, declared)
            here.store.write(record, canonical_json({"outcome": outcome.uri}))
        result |= {
            "study": known.uri,
            "search": outcome.body | {"generations": declared.search.generations},
            "outcome": outcome.uri,
            "mlflow_run": outcome.body["mlflow_run"],
            "unchanged": unchanged,
            "nothing_to_do": unchanged,
        }
        return Conclusion(outcome.uri, _hand_over(here, outcome))


def _key(study: Manifest, table: Manifest, declared: _Declared) -> str:
    return digest_of(
        {"study": study.digest, "table": table.digest, "declared": declared.as_json(), "reuse": reuse_digest()}
    )


def _earlier(here: Surroundings, record: str) -> Manifest | None:
    """The outcome of an equal search, if it, its report and its tracked run are all still there."""
    try:
        outcome = read_manifest(str(json.loads(here.store.read(record))["outcome"]), "outcomes")
        store, name = split_uri(outcome.body["report"])
        whole = store.size(name) is not None and has_run(here.tracking_uri, outcome.body["mlflow_run"])
    except (NotStored, IntegrityFault, ValueError, KeyError, TypeError):  # the record itself may be damaged
        return None
    return outcome if whole else None


def _conclude(here: Surroundings, study: Manifest, table: Manifest, declared: _Declared) -> Manifest:
    from loanwright.search.report.render import render

    manifests = study_results(here.store, study.uri)
    _check(manifests, table, declared.split)
    results = [read_result(one) for one in manifests]
    outcome = judge_results(results, declared.search.metric)
    _log.info("%d trials, the best is %d", len(results), outcome.best.number)
    report = render(
        outcome,
        results,
        model=declared.model,
        search=declared.search,
        synthetic=bool(table.body["synthetic"]),
        by_time=declared.split.method == "time",
        stops=declared.training.early_stopping is not None,
        lineage={
            "Training table": table.digest,
            "Study": study.digest,
            "Code": code_digest(),
            "Run": here.run_id,
            **({"Set for this run": ", ".join(here.changes)} if here.changes else {}),
        },
    )
    here.run_store().write(_REPORT, report.encode())
    run_id = record_search(
        tracking_place(here),
        model=declared.model.name,
        declared=declared.as_json(),
        snapshot=read_manifest(f"{here.store.root}/snapshots/{table.body['snapshot']}.json", "snapshots"),
        table=table,
        outcome=outcome,
        results=[(one, _seconds(here, manifest)) for one, manifest in zip(results, manifests, strict=True)],
        report=report,
        tags={"loanwright.code": code_digest(), "loanwright.study": study.uri, **here.change_tags()},
    )
    body = _body(outcome, study, table, declared) | {
        "trials": len(results),
        "report": f"{here.run_store().root}/{_REPORT}",
        "mlflow_run": run_id,
    }
    return read_manifest(publish(here.store, "outcomes", body))


def _check(results: list[Manifest], table: Manifest, split: Split) -> None:
    wanted = {"table": table.digest, "split": digest_of(split.model_dump(mode="json"))}
    for one in results:
        for what, digest in wanted.items():
            if one.body[what] != digest:
                raise IntegrityFault(f"{one.uri} was measured with another {what}", fix="Search in one run")


def _body(outcome: Outcome, study: Manifest, table: Manifest, declared: _Declared) -> dict[str, Any]:
    return {
        "model": declared.model.name,
        "study": study.digest,
        "table": table.digest,
        "training": digest_of(declared.training.model_dump(mode="json")),
        **outcome.as_json(),
    }


def _seconds(here: Surroundings, result: Manifest) -> float | None:
    try:
        return float(json.loads(here.store.read(seconds_key(result.uri)))["seconds"])
    except (NotStored, ValueError, KeyError, TypeError):
        return None


def _hand_over(here: Surroundings, outcome: Manifest) -> str:
    """The report's HTML, and a copy of it in the run's own folder on this machine."""
    store, name = split_uri(outcome.body["report"])
    report = store.read(name)
    if here.run_folder is not None:
        (here.run_folder / _REPORT).write_bytes(report)
    return report.decode()
