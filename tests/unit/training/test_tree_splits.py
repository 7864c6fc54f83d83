"""At every split rows go the way that LightGBM sends them, whatever is missing."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from loanwright.training.model_text import Tree, trees_of
from loanwright.training.tree_splits import TreeSplits


def _leaf(tree: Tree, row: Any) -> int:
    splits, node = TreeSplits(tree), 0
    while node >= 0:
        left = splits.goes_left(node, np.array([row[splits.feature[node]]]))[0]
        node = splits.left[node] if left else splits.right[node]
    return ~node


@pytest.mark.parametrize("said", [{}, {"use_missing": False}, {"zero_as_missing": True}], ids=["nan", "none", "zero"])
def test_every_row_comes_to_the_leaf_that_lightgbm_says(said: dict[str, bool]) -> None:
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(1200, 5))
    matrix[:, 3] = rng.integers(0, 70, 1200)
    matrix[:, 4] = np.round(matrix[:, 4])
    matrix[rng.random(matrix.shape) < 0.15] = np.nan
    matrix[rng.random(matrix.shape) < 0.1] = 0.0
    risk = np.where(np.isnan(matrix[:, 0]), 1.0, matrix[:, 0]) + np.isin(matrix[:, 3] % 7, [1, 4]) * 2 + matrix[:, 4]
    label = (np.nan_to_num(risk) + rng.normal(size=1200) > 1).astype(float)
    settings = {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 3, "verbosity": -1, **said}
    booster = lgb.train(settings, lgb.Dataset(matrix, label, categorical_feature=[3]), 8)
    seen = rng.permutation(1200)[:150]
    unseen = np.array([[0.1, 0.2, 0.3, 500.0, 1.0], [np.nan] * 5, [0.0] * 5, [9.0, -9.0, 1e-40, -1.0, np.nan]])
    rows = np.concatenate([matrix[seen], unseen])
    trees = trees_of(booster.model_to_string())
    assert any("cat_threshold" in tree.text(0) for tree in trees)
    found = [[_leaf(tree, row) for tree in trees] for row in rows]
    assert found == np.asarray(booster.predict(rows, pred_leaf=True)).tolist()
