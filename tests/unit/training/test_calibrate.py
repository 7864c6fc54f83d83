"""The `calibrate` step: what it publishes, from which rows, and which boosters it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from loanwright.config.learning import Calibration, Split, Training
from loanwright.errors import DataError, IntegrityFault
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, fetch, read_manifest
from loanwright.training.calibrate import calibrate
from loanwright.training.calibration_fits import fit_calibrator
from loanwright.training.scorer import Scorer
from loanwright.training.train import train
from tests.builders.tables import publish_table

TRAINING = Training(rounds=15, exact=False)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def table_uri(store: Store) -> str:
    return publish_table(store, rows=3000, row_group=500)


@pytest.fixture
def booster_uri(table_uri: str, split: Split, store: Store, scratch: Path) -> str:
    return train(table_uri, split, TRAINING, store, scratch).uri


@pytest.mark.parametrize("method", ["none", "sigmoid", "isotonic", "beta"])
def test_it_is_fitted_on_the_calibration_part(
    table_uri: str, booster_uri: str, split: Split, store: Store, scratch: Path, method: str
) -> None:
    declared = Calibration.model_validate({"method": method})
    uri = calibrate(table_uri, booster_uri, split, declared, store, scratch)
    table = TrainingTable.open(table_uri, scratch)
    rows = table.part(split) == 1
    label = table.keys().label[rows]
    manifest = read_manifest(uri, "calibrators")
    assert manifest.body == {
        "booster": read_manifest(booster_uri).digest,
        "rows": int(rows.sum()),
        "positives": int(label.sum()),
    }
    margins = Scorer.from_manifests(booster_uri, None, scratch).margins(table.read(rows))
    document = json.loads(fetch(manifest, manifest.file("calibrator.json"), scratch).read_bytes())
    assert document == json.loads(json.dumps(fit_calibrator(method, margins, label).as_json()))
    assert calibrate(table_uri, booster_uri, split, declared, store, scratch) == uri


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "beta"])
def test_calibrated_probabilities_match_the_rate_of_the_test_part(
    table_uri: str, booster_uri: str, split: Split, store: Store, scratch: Path, method: str
) -> None:
    uri = calibrate(table_uri, booster_uri, split, Calibration.model_validate({"method": method}), store, scratch)
    table = TrainingTable.open(table_uri, scratch)
    test = table.part(split) == 2
    probabilities = Scorer.from_manifests(booster_uri, uri, scratch).probabilities(table.read(test))
    assert probabilities.mean() == pytest.approx(table.keys().label[test].mean(), abs=0.05)


def test_a_booster_of_another_table_is_refused(booster_uri: str, split: Split, store: Store, scratch: Path) -> None:
    other = publish_table(store, rows=500, seed=1)
    with pytest.raises(IntegrityFault, match="was trained with another table"):
        calibrate(other, booster_uri, split, Calibration(), store, scratch)


def test_another_split_is_refused(table_uri: str, booster_uri: str, split: Split, store: Store, scratch: Path) -> None:
    other = split.model_copy(update={"seed": 9})
    with pytest.raises(IntegrityFault, match="was trained with another split: this one may hold rows it has seen"):
        calibrate(table_uri, booster_uri, other, Calibration(), store, scratch)


def test_one_outcome_in_the_calibration_part_is_refused(store: Store, scratch: Path) -> None:
    table_uri = publish_table(store, rows=400)
    table = TrainingTable.open(table_uri, scratch)
    keys = table.keys()
    # A calibration part of the days between two positives.
    days = np.unique(keys.decision_time[(keys.label == 1) & (np.arange(400) > 200)])
    widest = int(np.argmax(np.diff(days)))
    start, end = days[widest] + np.timedelta64(1, "D"), days[widest + 1] - np.timedelta64(1, "D")
    maturity = np.timedelta64(table.maturity, "s")
    split = Split.model_validate(
        {"method": "time", "calibration_from": f"{start}Z", "test_from": f"{end + maturity}Z"}, strict=False
    )
    assert (table.part(split) == 1).any()
    booster_uri = train(table_uri, split, TRAINING, store, scratch).uri
    with pytest.raises(DataError, match="rows to calibrate on have the outcome 0"):
        calibrate(table_uri, booster_uri, split, Calibration(), store, scratch)
    calibrate(table_uri, booster_uri, split, Calibration(method="none"), store, scratch)
