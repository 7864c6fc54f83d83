"""A small synthetic world through the whole pipeline: the model, its yardsticks, and its mark wherever it goes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from loanwright.data.world.schema import TABLES
from loanwright.evaluation.evidence import Evidence
from loanwright.registry.promotion import resolve
from loanwright.storage import Manifest, fetch, read_manifest
from tests.builders.project import ROOT, Project, make_project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAME = "pay_later_default"
WORLD = "customers=2000&seed=3"
ASSIGNMENTS = [
    *(f"source_overrides.{name}=world://{name}?{WORLD}" for name in TABLES),
    # So few outcomes leave every metric open: the gates are not what is tested.
    "gates.rules.discrimination.min=0.5",
    "gates.rules.calibration.max=0.1",
]


class Finished:
    """One run of the model on a small world, and what it left behind."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.summary = self.run()

    def run(self) -> dict[str, Any]:
        """The summary of a run that succeeded."""
        ended = self.project.command("run", NAME, *(part for one in ASSIGNMENTS for part in ("--set", one)))
        assert ended.code == 0, ended.out + ended.err
        return self.project.summary()

    def made(self, step: str, key: str, kind: str) -> Manifest:
        """What a step of the newest run handed on."""
        return read_manifest(self.project.step_record(step)["result"][key], kind)

    @cached_property
    def evidence(self) -> Evidence:
        manifest = self.made("gate", "evidence", "evidence")
        path = fetch(manifest, manifest.file("evidence.json"), self.project.folder)
        return Evidence.model_validate_json(path.read_bytes())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("world")
    project = make_project(folder, rows=10).with_variables(LOANWRIGHT_STORE=str(folder / "store"))
    for name in ("features", NAME):
        shutil.copytree(ROOT / "pipelines" / name, folder / "pipelines" / name)
    try:
        yield Finished(project)
    finally:
        project.stop()


def test_the_snapshot_is_marked(finished: Finished) -> None:
    assert finished.made("ingest", "snapshot", "snapshots").body["synthetic"] is True


def test_the_training_table_is_marked(finished: Finished) -> None:
    assert finished.made("build_features", "training_table", "tables").body["synthetic"] is True


def test_the_bundle_and_its_card_are_marked(finished: Finished) -> None:
    bundle = finished.made("gate", "bundle", "bundles")
    assert bundle.body["synthetic"] is True
    card = json.loads(fetch(bundle, bundle.file("model_card.json"), finished.project.folder).read_bytes())
    assert card["synthetic"] is True
    assert card["limits"][0].startswith("The rows are made up")


def test_the_registered_version_is_marked(finished: Finished) -> None:
    registry = f"sqlite:///{finished.project.state / 'mlflow' / 'mlflow.db'}"
    version = resolve(registry, f"{NAME}@challenger")
    assert version.tags["loanwright.synthetic"] == "true"


def test_the_report_is_marked_at_its_top(finished: Finished) -> None:
    page = Path(finished.summary["report"]).read_text()
    assert page.index("Synthetic data.") < page.index("<h1>")
    assert "on made-up data" in page


def test_the_model_lies_between_the_bare_facts_and_the_truth(finished: Finished) -> None:
    evidence = finished.evidence
    *_, facts = evidence.baselines
    ours, truth = evidence.metrics["auc"].value, evidence.truth
    assert truth is not None
    assert facts.auc.value is not None
    assert ours is not None
    # An AUC of so few outcomes is uncertain by 0.05: the truth is far above that, the facts only most likely below.
    assert facts.auc.value < ours < truth.auc < 1
    assert (truth.rows, truth.positives) == (evidence.rows, evidence.positives)
    assert (truth.first_month, truth.last_month) == ("2025-06", "2025-09")


def test_features_are_there_for_most_checkouts(finished: Finished) -> None:
    profiles = finished.evidence.profiles
    assert len(profiles) >= 80
    assert [one.name for one in profiles if one.missing == 1] == []
    assert sum(one.missing < 0.5 for one in profiles) > 0.8 * len(profiles)


def test_months_and_channels_are_shown(finished: Finished) -> None:
    shown = {(one.column, one.value) for one in finished.evidence.slices}
    assert {("month", f"2025-0{month}") for month in range(6, 10)} <= shown
    assert {("channel", "social"), ("approval_reason", "random"), ("checkouts_all", "below 1")} <= shown


def test_a_second_run_finds_nothing_to_do(finished: Finished) -> None:
    again = finished.run()
    assert again["bundle_digest"] == finished.summary["bundle_digest"]
    assert {again["steps"][step]["status"] for step in ("build_features", "train", "calibrate", "evaluate")} == {
        "reused"
    }
