"""The truth's AUC: over the test rows' months, of those approved whose outcome is known, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanwright.evaluation.bound import truth_bound


def cell(month: str, approval: str, outcome: str, *bins: list[int]) -> dict[str, Any]:
    return {"month": month, "approval": approval, "outcome": outcome, "bins": list(bins)}


PUBLISHED = {
    "synthetic": True,
    "log_odds": {"lowest": -14.0, "highest": 6.0, "width": 0.02},
    "cells": [
        cell("2025-05", "policy", "default", [1, 100]),
        cell("2025-06", "policy", "default", [700, 3]),
        cell("2025-06", "policy", "no_default", [500, 8], [700, 2]),
        cell("2025-07", "random", "default", [800, 1]),
        cell("2025-07", "policy", "open", [999, 50]),
        cell("2025-07", "declined", "none", [999, 50]),
        cell("2025-08", "policy", "no_default", [999, 70]),
    ],
}


def times(*days: str) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    return np.array(days, dtype="datetime64[us]")


def test_only_the_test_months_count_and_ties_count_a_half() -> None:
    found = truth_bound(PUBLISHED, times("2025-07-03", "2025-06-01", "2025-07-31T23:59:59"))
    assert found is not None
    # Three positives beat 8 of 10 and tie with 2; one beats all 10.
    assert found.auc == pytest.approx((3 * 9 + 10) / 40)
    assert (found.rows, found.positives) == (14, 4)
    assert (found.first_month, found.last_month) == ("2025-06", "2025-07")


def test_months_of_one_outcome_have_no_bound() -> None:
    assert truth_bound(PUBLISHED, times("2025-08-01")) is None
    assert truth_bound(PUBLISHED, times("2030-01-01")) is None
