"""Leaves hold the number of training rows that really fall into them, drawn or not, whoever counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from loanwright.config.learning import Parameters, Training
from loanwright.storage import Store
from loanwright.training.dataset import ChosenRows
from loanwright.training.encoding import Encoding
from loanwright.training.leaves import added, count_leaves, write_counts
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
    monkeypatch.setattr("loanwright.training.fitting.write_counts", lambda *_: None)
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


def test_parts_add_up_to_the_whole(make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=900, features=8, row_group=200)
    fitted = fit_dealt(make_job(table, SAID, store, tmp_path), (1, 1), store, tmp_path)
    booster, encoding = lgb.Booster(model_str=fitted.model_text), Encoding(fitted.features)
    everything = np.ones(900, dtype=np.bool_)
    parts = [np.arange(900) % 3 == part for part in range(3)]
    counted = [count_leaves(booster, ChosenRows(table, encoding, chosen), 1) for chosen in [*parts, everything]]
    assert added(counted[:3]) == counted[3] == directly(booster, encoding.matrix(table.read(everything)))


def test_leaves_that_nobody_counted_hold_none(make_table: Any, store: Store, tmp_path: Path) -> None:
    fitted = fit_dealt(make_job(make_table(rows=900), SAID, store, tmp_path), (1, 1), store, tmp_path)
    tree = trees_of(fitted.model_text)[0]
    write_counts(tree, [5])
    assert tree.places("leaf_count") == [5] + [0] * (tree.leaves - 1)
    assert max(tree.places("internal_count")) == 5
