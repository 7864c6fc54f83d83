"""Importance and direction from gains and SHAP values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loanwright.evaluation.importance import importances

FEATURES = [
    {"name": "up", "type": "number"},
    {"name": "down", "type": "number"},
    {"name": "flat", "type": "number"},
    {"name": "empty", "type": "number"},
    {"name": "purpose", "type": "category"},
]


def test_importance_is_share_of_gain_mean_effect_and_rank_correlation() -> None:
    random = np.random.default_rng(0)
    up, down = random.normal(size=500), random.normal(size=500)
    up[:50] = np.nan
    effects = np.zeros((500, 6))
    effects[:, 0] = np.where(np.isnan(up), 9.0, np.tanh(up))  # where the value is missing, it has no direction
    effects[:, 1] = -0.1 * down**3
    effects[:, 4] = 0.1
    effects[:, 5] = -1.3  # the expected margin is no feature's
    table = pa.table(
        {
            "up": pa.array(up, from_pandas=True),
            "down": down,
            "flat": np.arange(500.0),
            "empty": pa.nulls(500, pa.float64()),
            "purpose": ["car"] * 500,
        }
    )
    found = {one.feature: one for one in importances(FEATURES, np.array([6.0, 3.0, 0, 0, 1]), effects, table)}
    assert list(found) == ["up", "down", "purpose", "empty", "flat"]
    assert found["up"].gain_share == pytest.approx(0.6)
    assert found["up"].mean_abs_shap == pytest.approx(np.abs(effects[:, 0]).mean())
    assert [found[name].direction for name in found] == [pytest.approx(1), pytest.approx(-1), None, None, None]


def test_a_direction_equals_scipys_spearman() -> None:
    from scipy.stats import spearmanr

    random = np.random.default_rng(1)
    values = np.round(random.normal(size=300), 1)
    effects = np.stack([np.round(values + random.normal(size=300), 1), np.zeros(300)], axis=1)
    found = importances(FEATURES[:1], np.ones(1), effects, pa.table({"up": values}))
    assert found[0].direction == pytest.approx(spearmanr(values, effects[:, 0]).statistic, abs=1e-9)


def test_a_booster_without_a_split_has_no_gain_to_share() -> None:
    found = importances(FEATURES[:1], np.zeros(1), np.zeros((3, 2)), pa.table({"up": [1.0, 2.0, 3.0]}))
    assert (found[0].gain_share, found[0].mean_abs_shap, found[0].direction) == (0, 0, None)
