"""Profit per unit over the share approved."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.config.judgement import Economics
from loanwright.evaluation.economics import profit_curve
from loanwright.evaluation.ranking import rank
from tests.unit.evaluation.test_metrics import rows

MONEY = Economics(currency="TWD", profit_if_repaid=100.0, loss_if_defaulted=500.0)


@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_each_point_is_what_its_threshold_earns(kind: str) -> None:
    scores, labels = rows(kind, 0, 150)
    points = profit_curve(rank(scores, labels), MONEY)
    for point in points[:-1]:
        approved = scores < point.threshold - 1e-9
        earned = np.where(labels[approved], -500.0, 100.0).sum() / len(scores)
        assert (point.approved, point.profit) == pytest.approx((approved.mean(), earned))
    assert (points[0].approved, points[0].profit) == (0, 0)
    assert points[-1].approved == 1
    assert points[-1].threshold == 1
    assert points[-1].profit == pytest.approx(np.where(labels, -500.0, 100.0).mean())
    assert [point.approved for point in points] == sorted(point.approved for point in points)


def test_thinning_keeps_the_best_point() -> None:
    scores, labels = rows("distinct", 1, 5000)
    points = profit_curve(rank(scores, labels), MONEY)
    order = np.argsort(scores)
    best = max(0.0, np.cumsum(np.where(labels[order], -500.0, 100.0)).max() / 5000)
    assert len(points) <= 200
    assert max(point.profit for point in points) == pytest.approx(best)
