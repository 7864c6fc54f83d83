"""The `train` step: what it publishes, from which rows."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.config.learning import EarlyStopping, Fractions, Parameters, Split, Training
from loanwright.data.split import assign, carve, fitted
from loanwright.errors import DataError
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, digest_of, fetch, read_manifest
from loanwright.training.scorer import Scorer
from loanwright.training.train import train
from tests.builders.tables import publish_table

TRAINING = Training(
    rounds=60,
    exact=False,
    segment=20,
    early_stopping=EarlyStopping(patience=5, fraction=0.2),
    parameters=Parameters(learning_rate=0.3),
)
BY_TIME = Split.model_validate(
    {"method": "time", "calibration_from": "2025-03-01", "test_from": "2025-07-01"}, strict=False
)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def table_uri(store: Store) -> str:
    return publish_table(store, rows=2000)


def published(uri: str, name: str, scratch: Path) -> Any:
    manifest = read_manifest(uri, "boosters")
    text = fetch(manifest, manifest.file(name), scratch).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else text


def test_what_is_published(table_uri: str, split: Split, store: Store, scratch: Path) -> None:
    uri = train(table_uri, split, TRAINING, store, scratch).uri
    manifest = read_manifest(uri, "boosters")
    log = published(uri, "training_log.json", scratch)
    assert {entry.path for entry in manifest.files} == {"model.txt", "features.json", "training_log.json"}
    assert manifest.body == {
        "table": read_manifest(table_uri).digest,
        "rounds": log["best_round"],
        "lightgbm": version("lightgbm"),
        "training": digest_of(TRAINING.model_dump(mode="json")),
        "split": digest_of(split.model_dump(mode="json")),
        "exact": False,
        "workers": 1,
    }
    assert (log["metric"], len(log["validation"])) == ("auc", log["rounds"])
    assert log["best_round"] == log["rounds"] - 5 == np.argmax(log["validation"]) + 1
    features = published(uri, "features.json", scratch)
    assert features[0] == {"name": "number_0", "type": "number", "monotone": "increasing"}
    assert features[5]["categories"] == ["car", "home", "medical", "school", "wedding"]
    assert published(uri, "model.txt", scratch).count("\nTree=") == log["best_round"]


@pytest.mark.parametrize("by_time", [False, True])
def test_only_the_splits_own_rows_are_fitted_and_held(
    table_uri: str, split: Split, store: Store, scratch: Path, by_time: bool
) -> None:
    rule = BY_TIME if by_time else split
    table = TrainingTable.open(table_uri, scratch)
    keys = table.keys()
    part = assign(rule, table.maturity, keys.unit_hash, keys.decision_time)
    arguments = (rule, 0.2, table.maturity, keys.unit_hash, keys.decision_time, part)
    log = published(train(table_uri, rule, TRAINING, store, scratch).uri, "training_log.json", scratch)
    assert log["rows"] == int(fitted(*arguments).sum()) > 0
    assert log["validation_rows"] == int(carve(*arguments).sum()) > 0
    assert log["rows"] + log["validation_rows"] <= int((part == 0).sum())
    if by_time:
        assert log["rows"] + log["validation_rows"] < int((part == 0).sum())  # the embargo between them


def test_calibration_and_test_labels_do_not_reach_the_booster(split: Split, store: Store, scratch: Path) -> None:
    """Outcomes of all rows outside the train part turned around: the booster stays the same."""
    from dataclasses import replace

    from loanwright.training.fitting import fit
    from loanwright.training.preparation import fitting_rows

    table = TrainingTable.open(publish_table(store, rows=1000), scratch)
    keys = table.keys()
    rows, held = fitting_rows(table, keys, split, TRAINING)
    turned = np.where(table.part(split) == 0, keys.label, 1 - keys.label).astype(np.int8)
    first = fit(table, rows, held, keys.label, TRAINING)
    assert fit(table, rows, held, turned, TRAINING) == first
    anything = np.where(rows, 1 - keys.label, keys.label).astype(np.int8)
    assert fit(table, rows, held, anything, TRAINING) != replace(first)


def test_equal_inputs_give_one_uri_whatever_the_threads_and_the_store(
    table_uri: str, split: Split, store: Store, scratch: Path
) -> None:
    first = train(table_uri, split, TRAINING, store, scratch, threads=1)
    assert train(table_uri, split, TRAINING, store, scratch / "other", threads=2) == first
    assert train(table_uri, split, TRAINING, store, scratch) == first
    assert train(table_uri, split, TRAINING.model_copy(update={"seed": 1}), store, scratch).uri != first.uri


def test_the_trained_model_ranks(table_uri: str, split: Split, store: Store, scratch: Path) -> None:
    from sklearn.metrics import roc_auc_score

    uri = train(table_uri, split, TRAINING, store, scratch).uri
    table = TrainingTable.open(table_uri, scratch)
    test = table.part(split) == 2
    margins = Scorer.from_manifests(uri, None, scratch).margins_of(table, test)
    assert roc_auc_score(table.keys().label[test], margins) > 0.7


def test_without_early_stopping_all_train_rows_are_fitted(
    table_uri: str, split: Split, store: Store, scratch: Path
) -> None:
    uri = train(table_uri, split, Training(rounds=3, exact=False), store, scratch).uri
    table = TrainingTable.open(table_uri, scratch)
    assert published(uri, "training_log.json", scratch) == {
        "metric": "",
        "validation": [],
        "rounds": 3,
        "best_round": 3,
        "rows": int((table.part(split) == 0).sum()),
        "validation_rows": 0,
        "exact": False,
        "workers": 1,
    }


def test_an_empty_train_part_is_refused(table_uri: str, store: Store, scratch: Path) -> None:
    early = Split.model_validate(
        {"method": "time", "calibration_from": "2020-01-01", "test_from": "2024-06-01"}, strict=False
    )
    with pytest.raises(DataError, match="there are no rows to train on"):
        train(table_uri, early, TRAINING, store, scratch)


def test_nothing_is_left_behind(table_uri: str, store: Store, scratch: Path) -> None:
    split = Split(method="hash", fractions=Fractions(train=0.5, calibration=0.25, test=0.25))
    train(table_uri, split, Training(rounds=2, exact=False), store, scratch)
    assert list(scratch.iterdir()) == []
    left = {stored.key.split("/")[0] for stored in store.list()}
    assert left == {"boosters", "preparations", "tables", "trainings"}, "the last tells where the booster is"
