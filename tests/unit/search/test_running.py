"""A trial on a real table: only train rows are used, threads change nothing, and what cannot be fitted is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from loanwright.config.learning import Parameters, Split, Training
from loanwright.data.folds import folds
from loanwright.data.split import TRAIN
from loanwright.errors import DataError
from loanwright.features.table import TrainingTable
from loanwright.search import running
from loanwright.search.running import run_trial
from loanwright.search.trials import Trial
from loanwright.storage import open_store
from loanwright.training.scorer import Scorer
from tests.builders.tables import publish_table
from tests.unit.search.searches import SPLIT, TRAINING

BY_TIME = Split.model_validate({"method": "time", "calibration_from": "2025-04-01", "test_from": "2025-09-01"})


@pytest.fixture
def table(tmp_path: Path) -> TrainingTable:
    return TrainingTable.open(publish_table(open_store(str(tmp_path / "store")), rows=3000), tmp_path)


def a_trial(split: Split = SPLIT, training: Training = TRAINING, number: int = 1, metric: str = "auc") -> Trial:
    return Trial(number, {"num_leaves": training.parameters.num_leaves}, "t" * 64, split, training, metric, 4)


@pytest.mark.parametrize("split", [SPLIT, BY_TIME], ids=["hash", "time"])
@pytest.mark.parametrize("stopping", [None, {"patience": 3, "fraction": 0.2}], ids=["all rounds", "early stopping"])
def test_only_rows_of_train_are_fitted_on_held_or_judged(
    table: TrainingTable, split: Split, stopping: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = table.part(split)
    seen = np.zeros(table.rows, dtype=bool)
    fit = running.fit

    def watched(table: Any, rows: Any, held: Any, *rest: Any) -> Any:
        seen[rows] = True
        assert (held is None) == (stopping is None)
        if held is not None:
            assert held.any()
            assert not (rows & held).any()
            seen[held] = True
        return fit(table, rows, held, *rest)

    monkeypatch.setattr(running, "fit", watched)
    training = Training.model_validate(TRAINING.model_dump() | {"early_stopping": stopping})
    result = run_trial(table, a_trial(split, training))
    assert seen.any()
    assert (part[seen] == TRAIN).all()
    assert len(result.folds) == 4
    assert result.mean is not None
    assert result.mean > 0.6


def test_the_rows_that_judge_are_never_fitted_on(table: TrainingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = table.keys()
    made = folds(SPLIT, 4, table.maturity, *keys[:2], table.part(SPLIT))
    taken = []
    fit = running.fit
    monkeypatch.setattr(running, "fit", lambda table, rows, *rest: taken.append(rows) or fit(table, rows, *rest))
    run_trial(table, a_trial())
    for rows, fold in zip(taken, made, strict=True):
        assert (rows == fold.fitted).all()
        assert not (rows & fold.judged).any()


def test_the_value_is_the_metric_on_the_folds_own_rows(table: TrainingTable, monkeypatch: pytest.MonkeyPatch) -> None:
    models = []
    fit = running.fit
    monkeypatch.setattr(running, "fit", lambda *given: models.append(fit(*given)) or models[-1])
    result = run_trial(table, a_trial())
    keys = table.keys()
    for made, fold, found in zip(
        models, folds(SPLIT, 4, table.maturity, *keys[:2], table.part(SPLIT)), result.folds, strict=True
    ):
        scores = Scorer(made.model_text, made.features).margins(table.read(fold.judged))
        assert found.value == pytest.approx(roc_auc_score(keys.label[fold.judged], scores), abs=1e-12)
        assert (found.judged, found.rounds) == (fold.judged.sum(), 12)


@pytest.mark.parametrize("metric", ["auc", "log_loss"])
def test_neither_threads_nor_repetition_change_a_digit(
    table: TrainingTable, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "usable_threads", lambda *_: 4)
    results = [run_trial(table, a_trial(metric=metric), side_by_side=side) for side in (1, 2, 4, 1)]
    assert results[0] == results[1] == results[2] == results[3]


def test_values_with_which_nothing_can_be_fitted_are_a_result_too(table: TrainingTable) -> None:
    coarse = Training(rounds=5, parameters=Parameters(min_data_in_leaf=10_000))
    result = run_trial(table, a_trial(training=coarse))
    assert result.folds == ()
    assert result.failed is not None
    assert result.failed.startswith("fold 1: no split of any feature improves")
    with pytest.raises(DataError, match="the declared training fails in fold 1: no split"):
        run_trial(table, a_trial(training=coarse, number=0))


def test_rows_of_one_outcome_end_the_search(tmp_path: Path) -> None:
    uri = publish_table(open_store(str(tmp_path / "store")), rows=500, label=0)
    table = TrainingTable.open(uri, tmp_path)
    with pytest.raises(DataError, match=r"all \d+ rows to judge fold 1 of 4 by have the outcome 0. Lower search.folds"):
        run_trial(table, a_trial())
