"""Step 6: the verdict, the report and the tracked run; whatever the verdict, the step succeeds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from loanwright._version import __version__
from loanwright.config.declaration import Declaration
from loanwright.config.reading import parse_sections
from loanwright.errors import IntegrityFault, NotStored
from loanwright.evaluation.evidence import Evidence
from loanwright.evaluation.gates import Judgement, judge
from loanwright.registry.lookup import Version, has_run
from loanwright.registry.tracking import Place, record_verdict, tag_handed_on
from loanwright.registry.versions import champion as champion_of
from loanwright.runtime.identity import code_digest, reuse_digest
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import Surroundings, surroundings
from loanwright.steps.tracking import tracking_place
from loanwright.storage import Manifest, canonical_json, digest_of, fetch, publish, read_manifest, split_uri
from loanwright.training.course import read_course

_REPORT = "report.html"


@dataclass(frozen=True)
class Outcome:
    """The verdict's URI, and the report's HTML for KFP's page."""

    verdict: str
    report: str


def run(training_table: str, bundle: str, evidence: str, sections: dict[str, Any], run_id: str) -> Outcome:
    """Judges the evidence; hands on the earlier verdict if bundle, policy and champion are unchanged."""
    with recorded("gate") as result, surroundings(run_id) as here:
        declaration = parse_sections(sections)
        model = declaration.model.name
        made, found = read_manifest(bundle, "bundles"), read_manifest(evidence, "evidence")
        measured = Evidence.model_validate_json(fetch(found, found.file("evidence.json"), here.scratch).read_bytes())
        champion = champion_of(here.tracking_uri, model)
        place = tracking_place(here)
        record = f"gates/{_key(made, found, declaration, champion)}.json"
        verdict = _earlier(here, record)
        unchanged = verdict is not None
        if verdict is None:
            verdict, lasting = _judge(here, place, declaration, training_table, made, measured, champion)
            if lasting:
                here.store.write(record, canonical_json({"verdict": verdict.uri}))
        else:
            tag_handed_on(place, verdict.body["mlflow_run"], made)
        report = _hand_over(here, verdict)
        result |= {
            "bundle": bundle,
            "bundle_digest": made.digest,
            "evidence": evidence,
            "training_table": training_table,
            "metrics": {name: one.model_dump() for name, one in measured.metrics.items()},
            "verdict": verdict.uri,
            "outcome": verdict.body["outcome"],
            "gates": verdict.body["gates"],
            "champion": verdict.body["champion"],
            "mlflow_run": verdict.body["mlflow_run"],
            "unchanged": unchanged,
            "nothing_to_do": unchanged,
        }
        return Outcome(verdict.uri, report)


def _key(bundle: Manifest, evidence: Manifest, declaration: Declaration, champion: Version | None) -> str:
    return digest_of(
        {
            "bundle": bundle.digest,
            "evidence": evidence.digest,
            "gates": declaration.gates.model_dump(mode="json"),
            "words": declaration.model.model_dump(mode="json"),
            "evaluation": declaration.evaluation.model_dump(mode="json"),
            "champion": None if champion is None else [champion.number, champion.digest],
            "reuse": reuse_digest(),
        }
    )


def _earlier(here: Surroundings, record: str) -> Manifest | None:
    """The verdict on equal inputs, if it, its report and its tracked run are all still there."""
    try:
        verdict = read_manifest(str(json.loads(here.store.read(record))["verdict"]), "verdicts")
        store, name = split_uri(verdict.body["report"])
        whole = store.size(name) is not None and has_run(here.tracking_uri, verdict.body["mlflow_run"])
    except (NotStored, IntegrityFault, ValueError, KeyError, TypeError):  # the record itself may be damaged
        return None
    return verdict if whole else None


def _judge(
    here: Surroundings,
    place: Place,
    declaration: Declaration,
    table_uri: str,
    bundle: Manifest,
    evidence: Evidence,
    champion: Version | None,
) -> tuple[Manifest, bool]:
    """The verdict, and whether equal inputs may be answered by it from now on."""
    from loanwright.evaluation.report.render import render
    from loanwright.steps.champion import stand

    standing = stand(here.store.root, table_uri, bundle, champion, declaration, here.scratch)
    judgement = judge(evidence, declaration.gates, standing.comparison)
    table = read_manifest(table_uri, "tables")
    snapshot = read_manifest(f"{here.store.root}/snapshots/{table.body['snapshot']}.json", "snapshots")
    economics = declaration.evaluation.economics
    report = render(
        evidence,
        judgement,
        declaration.model,
        _lineage(here, bundle, table, champion),
        standing.comparison,
        champion=standing.champion,
        synthetic=bool(bundle.body["synthetic"]),
        currency=economics.currency if economics else None,
        course=read_course(here.store, bundle.body["booster"], here.scratch),
        limits=json.loads(fetch(bundle, bundle.file("model_card.json"), here.scratch).read_bytes())["limits"],
    )
    here.run_store().write(_REPORT, report.encode())
    run_id = record_verdict(
        place,
        model=declaration.model.name,
        declaration=declaration.model_dump(mode="json"),
        snapshot=snapshot,
        table=table,
        bundle=bundle,
        evidence=evidence,
        judgement=judgement,
        report=report,
        tags={"loanwright.code": code_digest(), "loanwright.image": _image(), **here.change_tags()},
    )
    body = _verdict(declaration, bundle, judgement, champion) | {
        "report": f"{here.run_store().root}/{_REPORT}",
        "mlflow_run": run_id,
    }
    return read_manifest(publish(here.store, "verdicts", body)), standing.lasting


def _verdict(
    declaration: Declaration, bundle: Manifest, judgement: Judgement, champion: Version | None
) -> dict[str, Any]:
    return {
        "model": declaration.model.name,
        "bundle": bundle.digest,
        "outcome": judgement.outcome,
        "gates": [one.model_dump(mode="json") for one in judgement.results],
        "champion": None if champion is None else {"version": str(champion.number), "digest": champion.digest},
    }


def _lineage(here: Surroundings, bundle: Manifest, table: Manifest, champion: Version | None) -> dict[str, str]:
    return {
        "Snapshot": bundle.body["snapshot"],
        "Training table": table.digest,
        "Feature set": bundle.body["feature_set"],
        "Booster": bundle.body["booster"],
        "Calibrator": bundle.body["calibrator"],
        "Bundle": bundle.digest,
        "Champion": "none" if champion is None else f"version {champion.number}, {champion.digest}",
        "Code": f"loanwright {__version__}, {code_digest()}",
        "Image": _image(),
        "Run": here.run_id,
        **({"Set for this run": ", ".join(here.changes)} if here.changes else {}),
    }


def _image() -> str:
    return os.environ.get("LOANWRIGHT_IMAGE") or "none: run on a developer's machine"


def _hand_over(here: Surroundings, verdict: Manifest) -> str:
    """The report's HTML, and a copy of it in the run's own folder on this machine."""
    store, name = split_uri(verdict.body["report"])
    report = store.read(name)
    if here.run_folder is not None:
        (here.run_folder / _REPORT).write_bytes(report)
    return report.decode()
