"""Leaves hold the number of training rows that really fall into them, drawn or not, whoever counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from loanwright.config.learning import Parameters, Training
from loanwright.storage import Store
from loanwright.training.encoding import Encoding
from loanwright.training.leaves import added
from loanwright.training.model_text import trees_of
from loanwright.training.preparation import fitting_rows
from tests.builders.gang_training import SPLIT, fit_dealt, make_job

SAID = Training(
    rounds=12,
    segment=5,
    parameters=Parameters(learning_rate=0.3, bagging_fraction=0.6, bagging_freq=1, num_leaves=15, scale_pos_weight=3.0),
)


def directly(booster: lgb.Booster, matrix: Any) -> list[list[int]]:
    leaves = booster.predict(matrix, pred_leaf=True).astype(int)
    return [np.bincount(leaves[:, tree]).tolist() for tree in range(booster.num_trees())]


def inner_counts(node: dict[str, Any]) -> int:
    """The rows below a node; checks what every node above a leaf says."""
    if "leaf_count" in node:
        return int(node["leaf_count"])
    below = inner_counts(node["left_child"]) + inner_counts(node["right_child"])
    assert node["internal_count"] == below
    return below


@pytest.mark.parametrize("shares", [(1, 1), (0.2, 0.7, 0.1)])
def test_counts_are_those_of_all_rows_fitted_on(
    shares: tuple[float, ...], make_table: Any, store: Store, tmp_path: Path
) -> None:
    table = make_table(rows=2000, features=8, categories=2, row_group=300)
    fitted = fit_dealt(make_job(table, SAID, store, tmp_path), shares, store, tmp_path)
    rows, _ = fitting_rows(table, table.keys(), SPLIT, SAID)
    booster = lgb.Booster(model_str=fitted.model_text)
    expected = directly(booster, Encoding(fitted.features).matrix(table.read(rows)))
    assert [[int(count) for count in tree.places("leaf_count")] for tree in trees_of(fitted.model_text)] == expected
    for tree in booster.dump_model()["tree_info"]:
        assert inner_counts(tree["tree_structure"]) == rows.sum() == fitted.rows


def test_lightgbm_alone_only_estimates_them(
    make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loanwright.training.segments.write_counts", lambda *_: None)
    table = make_table(rows=2000, features=8)
    fitted = fit_dealt(make_job(table, SAID, store, tmp_path), (1, 1), store, tmp_path)
    rows, _ = fitting_rows(table, table.keys(), SPLIT, SAID)
    booster = lgb.Booster(model_str=fitted.model_text)
    expected = directly(booster, Encoding(fitted.features).matrix(table.read(rows)))
    assert [tree.places("leaf_count") for tree in trees_of(fitted.model_text)] != expected


def test_shap_goes_by_them(make_table: Any, store: Store, tmp_path: Path) -> None:
    """The expected margin of TreeSHAP is the mean over the rows fitted on, which only true counts give."""
    table = make_table(rows=2000, features=8)
    fitted = fit_dealt(make_job(table, SAID, store, tmp_path), (1, 1), store, tmp_path)
    rows, _ = fitting_rows(table, table.keys(), SPLIT, SAID)
    booster = lgb.Booster(model_str=fitted.model_text)
    matrix = Encoding(fitted.features).matrix(table.read(rows))
    expected = booster.predict(matrix[:1], pred_contrib=True)[0, -1]
    assert expected == pytest.approx(booster.predict(matrix, raw_score=True).mean(), rel=1e-9)


TYING = {
    "monotone": Parameters(learning_rate=0.3, num_leaves=31, min_data_in_leaf=5),
    "l1": Parameters(learning_rate=0.3, num_leaves=31, min_data_in_leaf=5, lambda_l1=20.0),
    "sampled": Parameters(learning_rate=0.3, num_leaves=31, min_data_in_leaf=5, bagging_fraction=0.5, bagging_freq=1),
}


@pytest.mark.parametrize("how", TYING)
def test_rows_of_leaves_with_one_value_are_told_apart(
    how: str, make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loanwright.training.leaves._WAITING", 3)
    said = Training(rounds=40, segment=20, parameters=TYING[how])
    table = make_table(rows=3000, features=8, categories=3, row_group=400, missing=0.2)
    fitted = fit_dealt(make_job(table, said, store, tmp_path), (0.6, 0.4), store, tmp_path)
    trees = trees_of(fitted.model_text)
    values = [tree.numbers("leaf_value") for tree in trees]
    tied = [tree for tree, value in zip(trees, values, strict=True) if len(set(value)) < len(value)]
    assert len(tied) > 6, "else nothing was told apart, or not in several passes"
    rows, _ = fitting_rows(table, table.keys(), SPLIT, said)
    booster = lgb.Booster(model_str=fitted.model_text)
    expected = directly(booster, Encoding(fitted.features).matrix(table.read(rows)))
    assert [tree.places("leaf_count") for tree in trees] == expected


def test_the_counts_of_processes_add_up() -> None:
    assert added([[[1, 2], [3]], [[10, 20], [30]]]) == [[11, 22], [33]]
