"""Where training ends, and which round is kept."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.config.learning import EarlyStopping
from loanwright.training.stopping import judge, log_loss


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5], (1, 1, False)),
        ([0.5, 0.6, 0.6, 0.6], (2, 4, False)),
        ([0.5, 0.6, 0.6, 0.6, 0.6], (2, 5, True)),
        ([0.5, 0.6, 0.6, 0.6, 0.6, 0.9], (2, 5, True)),
        ([0.5, 0.6, 0.6, 0.6, 0.7, 0.6], (5, 6, False)),
    ],
    ids=["one round", "patient still", "no longer", "what comes later counts nothing", "better just in time"],
)
def test_the_first_best_round_within_patience(values: list[float], expected: tuple[int, int, bool]) -> None:
    assert judge(values, EarlyStopping(patience=3)) == expected


def test_of_a_loss_the_least_is_best() -> None:
    stopping = EarlyStopping(patience=2, metric="binary_logloss")
    assert judge([0.6, 0.5, 0.55, 0.51, 0.4], stopping) == (2, 4, True)


def test_the_log_loss_is_right_also_where_it_is_sure() -> None:
    class Labelled:
        def get_label(self) -> np.ndarray:
            return np.array([1.0, 0.0, 1.0, 0.0])

    name, value, higher = log_loss(np.array([2.0, 2.0, -800.0, -800.0]), Labelled())
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(2.0)) + 800.0 + 0.0) / 4
    assert (name, value, higher) == ("binary_logloss", pytest.approx(expected), False)
