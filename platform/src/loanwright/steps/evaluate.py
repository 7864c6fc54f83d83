"""Step 5: the evidence, and the bundle put together."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loanwright.config.judgement import Evaluation
from loanwright.config.learning import Split, Training
from loanwright.config.reading import parse_section
from loanwright.data.published_truth import read_truth
from loanwright.evaluation.baselines import measure_baselines
from loanwright.evaluation.bound import truth_bound
from loanwright.evaluation.evidence import Evidence, TruthAuc
from loanwright.evaluation.measure import evidence_of
from loanwright.evaluation.model_card import model_card
from loanwright.evaluation.subject import Subject
from loanwright.registry.bundles import assemble
from loanwright.steps.recording import recorded
from loanwright.steps.surroundings import surroundings
from loanwright.storage import Manifest, Store, canonical_json, publish_folder, read_manifest
from loanwright.training.quick_import import import_lightgbm_alone


@dataclass(frozen=True)
class Roc:
    """A ROC curve as KFP shows it: three lists of one length."""

    fpr: list[float]
    tpr: list[float]
    threshold: list[float]


@dataclass(frozen=True)
class Outcome:
    """What the step hands on, and what KFP shows of it."""

    bundle: str
    evidence: str
    metrics: dict[str, float]
    roc: Roc


def run(
    training_table: str,
    booster: str,
    calibrator: str,
    split: dict[str, Any],
    training: dict[str, Any],
    evaluation: dict[str, Any],
) -> Outcome:
    """Measures the model on the test slice and publishes bundle and evidence."""
    with recorded("evaluate") as result, surroundings() as here:
        import_lightgbm_alone()
        settings = parse_section("training", training, Training)
        measured = parse_section("evaluation", evaluation, Evaluation)
        subject = Subject.open(training_table, booster, calibrator, parse_section("split", split, Split), here.scratch)
        table = read_manifest(training_table, "tables")
        evidence = evidence_of(subject, measured, settings).model_copy(
            update={
                "baselines": measure_baselines(subject, measured.baselines, settings, measured.bootstrap),
                "truth": _truth(subject, table, here.store, here.scratch),
            }
        )
        bundle = assemble(
            here.store,
            here.scratch,
            table=table,
            booster=read_manifest(booster, "boosters"),
            calibrator=read_manifest(calibrator, "calibrators"),
            reference=subject.reference,
            reasons=measured.reasons,
            model_card=model_card(evidence, table.body, subject.split, settings),
        )
        evidence_uri = _publish(here.store, evidence, bundle, here.scratch)
        values = {name: one.value for name, one in evidence.metrics.items() if one.value is not None}
        result |= {"bundle": bundle, "evidence": evidence_uri}
        return Outcome(bundle, evidence_uri, values, _roc(evidence))


def _truth(subject: Subject, table: Manifest, store: Store, scratch: Path) -> TruthAuc | None:
    """The bound, where the rows are of a synthetic world."""
    if not table.body["synthetic"]:
        return None
    snapshot = read_manifest(f"{store.root}/snapshots/{table.body['snapshot']}.json", "snapshots")
    published = read_truth(snapshot, scratch)
    return None if published is None else truth_bound(published, subject.keys.decision_time[subject.is_test])


def _publish(store: Store, evidence: Evidence, bundle: str, scratch: Path) -> str:
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        (Path(name) / "evidence.json").write_bytes(canonical_json(evidence.model_dump(mode="json")))
        return publish_folder(store, "evidence", Path(name), {"bundle": read_manifest(bundle, "bundles").digest})


def _roc(evidence: Evidence) -> Roc:
    return Roc(
        fpr=[point.x for point in evidence.roc],
        tpr=[point.y for point in evidence.roc],
        threshold=list(evidence.roc_thresholds),
    )
