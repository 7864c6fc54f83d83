"""Rows in the order of their scores."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.errors import DataError
from loanwright.evaluation.ranking import gather, rank


def test_ties_are_gathered_together() -> None:
    ranked = rank(np.array([0.2, 0.9, 0.2, 0.5]), np.array([1, 0, 0, 1]))
    gathered = gather(ranked, np.array([[1.0, 2.0, 3.0, 0.0]]))
    assert ranked.thresholds.tolist() == [0.9, 0.5, 0.2]
    assert ranked.order.tolist() == [1, 3, 0, 2]
    assert gathered.weight.tolist() == [[1, 3, 6]]
    assert gathered.positives.tolist() == [[0, 2, 5]]


@pytest.mark.parametrize(
    ("scores", "message"),
    [([], "there are no rows to measure a model on"), ([0.1, np.nan, np.inf], "2 of 3 scores are not finite numbers")],
)
def test_what_cannot_be_ranked_is_refused(scores: list[float], message: str) -> None:
    with pytest.raises(DataError) as caught:
        rank(np.array(scores), np.zeros(len(scores)))
    assert str(caught.value) == message
