"""The same bytes for any number of workers, any deal of the rows, any order of rows and files.

The ranks are threads here, see `tests.builders.gangs`; `test_worker.py` has processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loanwright.config.learning import EarlyStopping, Parameters, Training, Weights
from loanwright.errors import DeclarationError
from loanwright.features.table import TrainingTable
from loanwright.storage import Store
from loanwright.training import gradients
from loanwright.training.fitting import Fitted
from loanwright.training.job import Job
from tests.builders.gang_training import fit_dealt, make_job
from tests.builders.tables import rearranged

DEALS: dict[str, Sequence[float]] = {
    "two": (1, 1),
    "two, 90/10": (0.9, 0.1),
    "two, 10/90": (0.1, 0.9),
    "three": (1, 1, 1),
    "four": (1, 1, 1, 1),
    "four, uneven": (0.7, 0.1, 0.05, 0.15),
}
EVERYTHING = Parameters(
    learning_rate=0.2,
    feature_fraction=0.6,
    bagging_fraction=0.7,
    bagging_freq=1,
    lambda_l1=0.3,
    lambda_l2=2.0,
    scale_pos_weight=2.7,
)
SETTINGS = {
    "plain": Parameters(learning_rate=0.2),
    "everything": EVERYTHING,
    "small leaves": Parameters(learning_rate=0.3, min_data_in_leaf=1, min_sum_hessian_in_leaf=0, num_leaves=127),
    "columns for each node": Parameters(feature_fraction_bynode=0.5, feature_fraction=0.7, max_depth=4),
    "smoothed paths": Parameters(path_smooth=5.0, min_gain_to_split=0.05),
    "many bins": Parameters(max_bin=1000, min_data_in_leaf=5),
    "categories": Parameters(max_cat_threshold=4, cat_smooth=1.0, cat_l2=0.5, min_data_per_group=10),
    "fractional weights": Parameters(scale_pos_weight=0.123456789, learning_rate=0.3),
    "rows drawn now and then": Parameters(bagging_fraction=0.5, bagging_freq=7),
}


def training(parameters: Parameters, rounds: int = 30, segment: int = 10) -> Training:
    return Training(
        rounds=rounds,
        segment=segment,
        seed=3,
        parameters=parameters,
        early_stopping=EarlyStopping(patience=rounds, fraction=0.2),
    )


def fitted(table: TrainingTable, said: Training, shares: Sequence[float], store: Store, scratch: Path) -> Fitted:
    return fit_dealt(make_job(table, said, store, scratch), shares, store, scratch)


def test_the_number_of_workers_and_the_deal_change_no_byte(make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=3000, features=8, categories=2, row_group=400)
    job = make_job(table, training(EVERYTHING), store, tmp_path)
    first = fit_dealt(job, (1, 1), store, tmp_path)
    for name, shares in DEALS.items():
        assert fit_dealt(job, shares, store, tmp_path) == first, name


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "everything"])
def test_no_setting_changes_that(name: str, make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=2000, features=8, categories=2, row_group=300)
    job = make_job(table, training(SETTINGS[name], rounds=20), store, tmp_path)
    first = fit_dealt(job, (1, 1), store, tmp_path)
    assert fit_dealt(job, (0.2, 0.7, 0.1), store, tmp_path) == first


def test_weights_by_age_and_outcome_change_no_byte(make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=3000, features=8, categories=2, row_group=400)
    weights = Weights.model_validate({"classes": "balanced", "half_life": "77d"})
    said = training(Parameters(learning_rate=0.2, bagging_fraction=0.8, bagging_freq=1)).model_copy(
        update={"weights": weights}
    )
    job = make_job(table, said, store, tmp_path)
    first = fit_dealt(job, (1, 1), store, tmp_path)
    for shares in ((0.1, 0.9), (1, 1, 1), (0.7, 0.1, 0.05, 0.15)):
        assert fit_dealt(job, shares, store, tmp_path) == first, shares
    unweighted = said.model_copy(update={"weights": Weights()})
    assert fitted(table, unweighted, (1, 1), store, tmp_path).model_text != first.model_text


@pytest.mark.parametrize("order", ["sorted by a feature", "sorted by the outcome", "shuffled"])
def test_the_order_of_rows_and_files_changes_no_byte(order: str, make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=3000, features=8, categories=2)
    orders = {
        "sorted by a feature": np.argsort(table.read(np.ones(3000, dtype=np.bool_))["number_0"].to_numpy()),
        "sorted by the outcome": np.argsort(table.keys().label, kind="stable"),
        "shuffled": np.random.default_rng(0).permutation(3000),
    }
    other = rearranged(table, orders[order], tmp_path, rows_per_file=700)
    first = fitted(table, training(EVERYTHING), (1, 1), store, tmp_path)
    assert fitted(other, training(EVERYTHING), (1, 1, 1), store, tmp_path) == first


def test_with_gradients_that_are_not_rounded_the_deal_shows(
    make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradients.LogLoss, "_rounded", lambda _, values: values)
    table = make_table(rows=20_000, features=8, categories=2)
    sure = Parameters(learning_rate=1.0, num_leaves=63, scale_pos_weight=0.123456789)
    job = make_job(table, Training(rounds=60, parameters=sure), store, tmp_path)
    assert fit_dealt(job, (1, 1), store, tmp_path) != fit_dealt(job, (1, 1, 1), store, tmp_path)


def test_trees_that_depend_on_which_rank_has_a_column_are_why_extra_trees_are_refused(
    make_table: Any, store: Store, tmp_path: Path
) -> None:
    table = make_table(rows=3000, features=8)
    loose = Training(rounds=30, exact=False, parameters=Parameters(extra_trees=True, feature_fraction=0.5))
    job = make_job(table, loose, store, tmp_path)
    assert fit_dealt(job, (1, 1), store, tmp_path) != fit_dealt(job, (1, 1, 1), store, tmp_path)


def test_leaves_without_a_least_number_of_rows_are_why_zero_is_refused(
    make_table: Any, store: Store, tmp_path: Path
) -> None:
    """LightGBM estimates a leaf's rows from its hessian, and dies of an estimate of none."""
    table = make_table(rows=2000, features=12)
    allowed = Training(rounds=200, parameters=Parameters(learning_rate=0.1, min_data_in_leaf=1))
    refused = allowed.model_copy(update={"parameters": allowed.parameters.model_copy(update={"min_data_in_leaf": 0})})
    assert fitted(table, allowed, (1, 1), store, tmp_path).rounds > 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "declared_training", property(lambda _: refused))
        with pytest.raises(DeclarationError, match=r"Check failed: \(best_split_info\.\w+_count\) > \(0\)"):
            fitted(table, refused, (1, 1), store, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", list(SETTINGS))
def test_three_hundred_rounds_on_many_rows(name: str, make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=40_000, features=12, categories=2)
    other = rearranged(table, np.argsort(table.keys().label, kind="stable"), tmp_path, rows_per_file=9000)
    said = training(SETTINGS[name], rounds=300, segment=50)
    job = make_job(table, said, store, tmp_path)
    first = fit_dealt(job, (1, 1), store, tmp_path)
    assert first.rounds > 0
    for shares in ((0.9, 0.1), (1, 1, 1), (1, 1, 1, 1)):
        assert fit_dealt(job, shares, store, tmp_path) == first, shares
    assert fitted(other, said, (1, 1), store, tmp_path) == first
