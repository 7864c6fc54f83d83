"""Small searches on made-up tables."""

from __future__ import annotations

from typing import Any

from loanwright.config.learning import Fractions, Parameters, Split, Training
from loanwright.config.search import Search
from loanwright.search.drawing import Ground
from loanwright.search.trials import FoldResult, Result

SPLIT = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
TRAINING = Training(rounds=12, seed=3, exact=False, parameters=Parameters(learning_rate=0.1, num_leaves=7))
SPACE = {
    "learning_rate": {"low": 0.02, "high": 0.5, "log": True},
    "num_leaves": {"low": 3, "high": 31, "log": True},
    "feature_fraction": {"low": 0.3, "high": 1.0},
    "max_bin": {"values": [31.0, 63.0, 255.0]},
    "extra_trees": {"values": [False, True]},
}


def a_search(**changes: Any) -> Search:
    """A search of five parameters."""
    return Search.model_validate({"space": SPACE, "folds": 4, "generations": 3, "trials_per_generation": 6} | changes)


def a_ground(**changes: Any) -> Ground:
    """What it stands on; the table is named only."""
    return Ground("t" * 64, SPLIT, TRAINING, a_search(**changes))


def a_result(number: int, *values: float, parameters: dict[str, Any] | None = None, **more: Any) -> Result:
    """A result with these values of the folds, each judged by 100 rows of a model of 400."""
    folds = tuple(FoldResult(value, 10, 400, 100) for value in values)
    return Result(number, parameters or {"num_leaves": 7 + number}, folds, **more)
