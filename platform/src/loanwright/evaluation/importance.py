"""How much each feature counts: in the trees' gain, and in the predictions of a sample of test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from loanwright.evaluation import columns
from loanwright.evaluation.evidence import Importance
from loanwright.evaluation.ranking import Floats

SAMPLE_ROWS = 2_000
"""Test rows that are explained: TreeSHAP is by far the dearest thing measured, and a mean settles early."""


def importances(
    features: Sequence[Mapping[str, Any]], gains: Floats, contributions: Floats, table: pa.Table
) -> tuple[Importance, ...]:
    """Every feature's share of gain, mean absolute SHAP value and direction, the largest mean first.

    SHAP values are TreeSHAP's (Lundberg et al., Nature Machine Intelligence 2, 2020): exact for the trees,
    in log-odds before calibration. They weigh branches by the leaf counts in the model's text, which are
    the rows' own for one process; boosters trained data-parallel hold estimates there. The direction is
    Spearman's correlation between value and SHAP value over the rows where the value is known: near 1
    where more means riskier, near -1 where more means safer, near 0 where it depends.

    Args:
        features: name and type of each feature, in the booster's order.
        gains: (features,) total gain of the splits on each.
        contributions: (rows, features + 1) SHAP values, the last column the expected margin.
        table: the same rows' features.
    """
    total = float(gains.sum())
    found = [
        Importance(
            feature=feature["name"],
            gain_share=float(gains[place]) / total if total > 0 else 0.0,
            mean_abs_shap=float(np.abs(contributions[:, place]).mean()),
            direction=_direction(table.column(feature["name"]), contributions[:, place])
            if feature["type"] == "number"
            else None,
        )
        for place, feature in enumerate(features)
    ]
    return tuple(sorted(found, key=lambda one: (-one.mean_abs_shap, -one.gain_share, one.feature)))


def _direction(column: pa.ChunkedArray, effects: Floats) -> float | None:
    values = columns.numbers(column)
    known = ~np.isnan(values)
    if known.sum() < 2:
        return None
    values, effects = columns.midranks(values[known]), columns.midranks(effects[known])
    values, effects = values - values.mean(), effects - effects.mean()
    size = float(np.sqrt((values * values).sum() * (effects * effects).sum()))
    return float((values * effects).sum()) / size if size > 0 else None
