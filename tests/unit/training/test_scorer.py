"""Scoring: calibrated, explained, and clear about rows and files that do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanwright.config.learning import Training
from loanwright.errors import DataError, IntegrityFault
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, canonical_json, publish_folder
from loanwright.training.calibrators import SMALLEST, Sigmoid
from loanwright.training.fitting import Fitted, fit
from loanwright.training.scorer import Scorer

ROWS = 600
SIGMOID = {"method": "sigmoid", "slope": 2.0, "intercept": -0.5}


@pytest.fixture
def table(make_table: Any) -> TrainingTable:
    made: TrainingTable = make_table(rows=ROWS, row_group=100)
    return made


@pytest.fixture
def fitted(table: TrainingTable) -> Fitted:
    return fit(table, np.ones(ROWS, dtype=np.bool_), None, table.keys().label, Training(rounds=8))


@pytest.fixture
def rows(table: TrainingTable) -> pa.Table:
    return table.read(np.arange(ROWS) < 150)


def test_probabilities_are_the_calibrated_margins(fitted: Fitted, rows: pa.Table) -> None:
    scorer = Scorer(fitted.model_text, fitted.features, SIGMOID)
    margins = scorer.margins(rows)
    assert margins.shape == (150,)
    np.testing.assert_allclose(scorer.raw(rows), 1 / (1 + np.exp(-margins)), rtol=1e-12)
    np.testing.assert_array_equal(scorer.probabilities(rows), Sigmoid(2.0, -0.5).apply(margins))
    assert scorer.probabilities(rows).min() > SMALLEST


def test_without_a_calibrator_probabilities_are_the_boosters(fitted: Fitted, rows: pa.Table) -> None:
    import lightgbm as lgb

    scorer = Scorer(fitted.model_text, fitted.features)
    expected = lgb.Booster(model_str=fitted.model_text).predict(scorer.encoding.matrix(rows))
    np.testing.assert_allclose(scorer.probabilities(rows), expected, rtol=1e-12)


def test_contributions_add_up_to_the_margin(fitted: Fitted, rows: pa.Table) -> None:
    scorer = Scorer(fitted.model_text, fitted.features)
    contributions = scorer.contributions(rows)
    assert contributions.shape == (150, 7)
    np.testing.assert_allclose(contributions.sum(axis=1), scorer.margins(rows), atol=1e-10)
    assert np.ptp(contributions[:, -1]) == 0
    assert np.ptp(contributions[:, 0]) > 0


def test_threads_and_chunks_change_nothing(fitted: Fitted, table: TrainingTable) -> None:
    one, two = (Scorer(fitted.model_text, fitted.features, threads=threads) for threads in (1, 2))
    everything = table.read(np.ones(ROWS, dtype=np.bool_))
    margins = one.margins(everything)
    assert two.margins(everything).tolist() == margins.tolist()
    assert np.concatenate([one.margins(everything.slice(i, 7)) for i in range(0, ROWS, 7)]).tolist() == margins.tolist()
    chosen = np.arange(ROWS) % 3 == 0
    assert two.margins_of(table, chosen).tolist() == margins[chosen].tolist()


def test_no_rows_give_no_scores(fitted: Fitted, rows: pa.Table, table: TrainingTable) -> None:
    scorer = Scorer(fitted.model_text, fitted.features, SIGMOID)
    assert scorer.probabilities(rows.slice(0, 0)).shape == (0,)
    assert scorer.contributions(rows.slice(0, 0)).shape == (0, 7)
    assert scorer.margins_of(table, np.zeros(ROWS, dtype=np.bool_)).shape == (0,)


def test_a_missing_column_is_named(fitted: Fitted, rows: pa.Table) -> None:
    renamed = rows.rename_columns([name.replace("number_3", "nummber_3") for name in rows.column_names])
    for method in ("margins", "raw", "probabilities", "contributions"):
        with pytest.raises(DataError, match=r"no column 'number_3', which the model needs \(did you mean 'nummber_3'"):
            getattr(Scorer(fitted.model_text, fitted.features), method)(renamed)


def test_it_tells_its_features_rounds_and_gains(fitted: Fitted) -> None:
    scorer = Scorer(fitted.model_text, fitted.features)
    assert scorer.feature_names == [f"number_{i}" for i in range(5)] + ["purpose_0"]
    assert scorer.rounds == 8
    assert scorer.gains().shape == (6,)
    assert scorer.gains()[0] == scorer.gains().max() > 0


def test_features_of_another_model_are_refused(fitted: Fitted) -> None:
    with pytest.raises(IntegrityFault, match="do not name the same features"):
        Scorer(fitted.model_text, fitted.features[::-1])


def test_an_unreadable_text_is_refused(fitted: Fitted) -> None:
    with pytest.raises(IntegrityFault, match="LightGBM cannot read the model's text"):
        Scorer("no tree", fitted.features)


def test_a_calibrator_of_another_booster_is_refused(fitted: Fitted, store: Store, tmp_path: Path) -> None:
    write(tmp_path / "booster", fitted)
    (tmp_path / "calibrator").mkdir()
    (tmp_path / "calibrator/calibrator.json").write_text(json.dumps(SIGMOID))
    booster = publish_folder(store, "boosters", tmp_path / "booster", {})
    other = publish_folder(store, "calibrators", tmp_path / "calibrator", {"booster": "f" * 64})
    with pytest.raises(IntegrityFault, match="calibrates another booster"):
        Scorer.from_manifests(booster, other, tmp_path)


def write(folder: Path, fitted: Fitted) -> None:
    folder.mkdir()
    (folder / "model.txt").write_text(fitted.model_text, encoding="utf-8")
    (folder / "features.json").write_bytes(canonical_json(fitted.features))
