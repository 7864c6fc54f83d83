"""Stopped at any boundary and gone on with, by however many workers: the booster of an uninterrupted training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanwright.config.learning import EarlyStopping, Parameters, Training
from loanwright.errors import DataError
from loanwright.storage import Store
from loanwright.training.fitting import Fitted
from loanwright.training.growing import Grower
from loanwright.training.segments import bounds
from tests.builders.gang_training import fit_dealt, make_job
from tests.builders.gangs import Stopped

PARAMETERS = Parameters(
    learning_rate=0.2,
    feature_fraction=0.5,
    feature_fraction_bynode=0.7,
    bagging_fraction=0.7,
    bagging_freq=3,
    lambda_l1=0.1,
    scale_pos_weight=1.7,
)
STOPPED = Training(
    rounds=40, segment=10, seed=5, parameters=PARAMETERS, early_stopping=EarlyStopping(patience=40, fraction=0.2)
)


class Killed(Exception):
    pass


@pytest.mark.parametrize("boundary", [10, 20, 30])
def test_a_training_that_was_stopped_goes_on_to_the_same_bytes(
    boundary: int, make_table: Any, store: Store, tmp_path: Path
) -> None:
    table = make_table(rows=2000, features=8, categories=2, row_group=300)
    job = make_job(table, STOPPED, store, tmp_path)
    whole = fit_dealt(job, (1, 1), store, tmp_path)
    with pytest.raises(Stopped):
        fit_dealt(job, (1, 1), store, tmp_path, stop_after=boundary, keep=True)
    assert len(list(store.list("checkpoints/"))) == boundary // 10
    assert fit_dealt(job, (0.2, 0.5, 0.3), store, tmp_path) == whole


def test_one_process_goes_on_to_the_same_bytes_too(make_table: Any, store: Store, tmp_path: Path) -> None:
    loose = STOPPED.model_copy(update={"exact": False})
    job = make_job(make_table(rows=2000, features=8, categories=2), loose, store, tmp_path)
    whole = fit_dealt(job, (1,), store, tmp_path)
    with pytest.raises(Stopped):
        fit_dealt(job, (1,), store, tmp_path, stop_after=20, keep=True)
    assert fit_dealt(job, (1,), store, tmp_path) == whole


def test_killed_inside_a_segment_only_that_segment_is_lost(
    make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(make_table(rows=2000), STOPPED, store, tmp_path)
    whole = fit_dealt(job, (1, 1), store, tmp_path)
    grown: list[int] = []
    grow = Grower.grow

    def dies(self: Grower, first: int, last: int) -> Any:
        if first == 20:
            raise Killed
        return grow(self, first, last)

    def noted(self: Grower, first: int, last: int) -> Any:
        grown.append(first)
        return grow(self, first, last)

    monkeypatch.setattr(Grower, "grow", dies)
    with pytest.raises(Killed):
        fit_dealt(job, (1, 1), store, tmp_path, keep=True)
    monkeypatch.setattr(Grower, "grow", noted)
    assert fit_dealt(job, (1, 1), store, tmp_path) == whole
    assert sorted(set(grown)) == [20, 30]


def test_when_all_segments_are_there_nothing_is_grown(
    make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(make_table(rows=2000), STOPPED, store, tmp_path)
    whole = fit_dealt(job, (1, 1), store, tmp_path, keep=True)
    monkeypatch.setattr(Grower, "__init__", lambda *_: pytest.fail("something is grown"))
    assert fit_dealt(job, (1, 1), store, tmp_path) == whole


def test_early_stopping_ends_all_ranks_at_once_and_cuts_back(make_table: Any, store: Store, tmp_path: Path) -> None:
    soon = STOPPED.model_copy(update={"rounds": 500, "early_stopping": EarlyStopping(patience=12, fraction=0.2)})
    table = make_table(rows=2000)
    job = make_job(table, soon, store, tmp_path)
    one = fit_dealt(job, (1, 1), store, tmp_path)
    assert one.rounds == one.validation.index(max(one.validation)) + 1
    assert len(one.validation) == one.rounds + 12 < 500
    assert one.model_text.count("\nTree=") == one.rounds
    assert fit_dealt(job, (1, 1, 1), store, tmp_path) == one


def test_rounds_without_a_split_grow_no_tree_and_are_gone_on_from(
    make_table: Any, store: Store, tmp_path: Path
) -> None:
    """With few columns for each tree and a gain that only some can reach, some rounds find no split."""
    sparse = Parameters(learning_rate=0.3, feature_fraction=0.2, min_gain_to_split=12.0, min_data_in_leaf=100)
    said = Training(rounds=30, segment=10, parameters=sparse, seed=1)
    job = make_job(make_table(rows=2000, features=8), said, store, tmp_path)
    whole = fit_dealt(job, (1, 1), store, tmp_path)
    assert 0 < whole.rounds < 30
    assert whole.model_text.count("\nTree=") == whole.rounds
    for boundary in (10, 20):
        with pytest.raises(Stopped):
            fit_dealt(job, (1, 1), store, tmp_path, stop_after=boundary, keep=True)
        assert fit_dealt(job, (1, 1), store, tmp_path) == whole, boundary


def test_no_split_at_all_is_refused_by_every_rank(make_table: Any, store: Store, tmp_path: Path) -> None:
    hopeless = Training(rounds=3, parameters=Parameters(min_data_in_leaf=1500))
    job = make_job(make_table(rows=2000), hopeless, store, tmp_path)
    with pytest.raises(DataError, match="no split of any feature improves the prediction of the"):
        fit_dealt(job, (1, 1), store, tmp_path)


@pytest.mark.parametrize(
    ("rounds", "length", "done", "expected"),
    [
        (25, 10, 0, [(0, 10), (10, 20), (20, 25)]),
        (25, 10, 20, [(20, 25)]),
        (10, 50, 0, [(0, 10)]),
        (20, 10, 20, []),
    ],
)
def test_what_is_left(rounds: int, length: int, done: int, expected: list[tuple[int, int]]) -> None:
    assert list(bounds(rounds, length, done)) == expected


def test_the_start_is_in_the_first_tree(make_table: Any, store: Store, tmp_path: Path) -> None:
    """Scores before any tree are the log-odds of the rows fitted on; the model's text alone gives them back."""
    import lightgbm as lgb
    import numpy as np

    table = make_table(rows=2000)
    fitted: Fitted = fit_dealt(make_job(table, Training(rounds=1), store, tmp_path), (1, 1), store, tmp_path)
    booster = lgb.Booster(model_str=fitted.model_text)
    margins = booster.predict(np.zeros((1, 6)), raw_score=True)
    probability = booster.predict(np.zeros((1, 6)))
    assert probability == pytest.approx(1 / (1 + np.exp(-margins)))
    assert probability[0] == pytest.approx(table.keys().label.mean(), abs=0.1)
