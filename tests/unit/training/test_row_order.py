"""Rows alike side by side: another order to walk the trees in, and not one bit of another score."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from loanwright.training import scorer as scoring
from loanwright.training.row_order import LEAST_ROWS, alike, leading_features
from loanwright.training.scorer import Scorer

FEATURES = 6
ROWS = 3 * LEAST_ROWS + 17


@pytest.fixture(scope="module")
def matrix() -> Any:
    """Numbers, some missing; a column that is constant, and one that is missing throughout."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(ROWS, FEATURES))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 4] = 1.0
    rows[:, 5] = np.nan
    return rows


def _booster(matrix: Any, rounds: int) -> lgb.Booster:
    label = (np.nan_to_num(matrix[:, 2]) + 0.5 * np.nan_to_num(matrix[:, 0]) > 0.3).astype(float)
    names = [f"number_{place}" for place in range(FEATURES)]
    data = lgb.Dataset(matrix, label, feature_name=names, params={"verbose": -1})
    return lgb.train({"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1}, data, rounds)


@pytest.fixture(scope="module")
def booster(matrix: Any) -> lgb.Booster:
    return _booster(matrix, 40)


def _scorer(booster: lgb.Booster) -> Scorer:
    features: Any = [{"name": name, "type": "number", "monotone": None} for name in booster.feature_name()]
    return Scorer(booster.model_to_string(), features, threads=1)


@pytest.mark.parametrize("rows", [LEAST_ROWS - 1, LEAST_ROWS, ROWS])
def test_margins_are_those_of_the_rows_as_they_come(
    booster: lgb.Booster, matrix: Any, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked = []
    predict = Scorer._predict

    def seen(self: Scorer, matrix: Any, **what: bool) -> Any:
        walked.append(matrix)
        return predict(self, matrix, **what)

    monkeypatch.setattr(Scorer, "_predict", seen)
    monkeypatch.setattr(scoring, "_CELLS", LEAST_ROWS * FEATURES)  # ROWS are four blocks

    margins = _scorer(booster).margins_of_matrix(matrix[:rows])

    assert margins.tobytes() == booster.predict(matrix[:rows], raw_score=True, num_threads=1).tobytes()
    as_they_came = np.concatenate(walked).tobytes() == matrix[:rows].tobytes()
    assert as_they_came == (rows < LEAST_ROWS)


def test_the_order_has_each_row_once_and_goes_by_the_first_column_first(matrix: Any) -> None:
    order = alike(matrix, (2, 0, 4, 5))

    assert sorted(order) == list(range(ROWS))
    quarters = np.nanquantile(matrix[:, 2], [0.2, 0.8])
    first, last = matrix[order[: ROWS // 5], 2], matrix[order[-ROWS // 5 :], 2]
    assert not (first > quarters[1]).any()
    assert not (last < quarters[0]).any()


def test_the_leading_features_are_those_that_decide_most(booster: lgb.Booster) -> None:
    assert leading_features(booster)[:2] == (2, 0)
    assert not {4, 5} & set(leading_features(booster)), "what no tree splits on decides nothing"


def test_a_model_of_few_splits_is_not_worth_moving_rows_for(matrix: Any) -> None:
    assert leading_features(_booster(matrix, 2)) == ()
