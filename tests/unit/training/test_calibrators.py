"""Calibrators never reorder, never give certainty, and come back from JSON as they were."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from loanwright.errors import IntegrityFault
from loanwright.storage import canonical_json
from loanwright.training.calibrators import (
    SMALLEST,
    Beta,
    Calibrator,
    Identity,
    Isotonic,
    Sigmoid,
    load_calibrator,
    logistic,
)

ALL: list[Calibrator] = [
    Identity(),
    Sigmoid(0.1 + 0.2, -1 / 3),
    Beta(1.25, 0.0, -0.1),
    Beta(0.0, 0.75, 0.2),
    Beta(0.7, 2.1, -0.1),
    Isotonic((-2.0, -0.5, 0.1, 3.0), (0.0, 0.1, 0.1, 1.0)),
]


@pytest.mark.parametrize("calibrator", ALL, ids=str)
class TestEvery:
    def test_it_never_reorders(self, calibrator: Calibrator) -> None:
        probabilities = calibrator.apply(np.linspace(-30, 30, 20_001))
        assert (np.diff(probabilities) >= 0).all()
        assert probabilities[0] < probabilities[-1]

    def test_nothing_is_certain(self, calibrator: Calibrator) -> None:
        probabilities = calibrator.apply(np.array([-1e300, -800.0, -30.0, 0.0, 30.0, 800.0, 1e300]))
        assert probabilities.min() >= SMALLEST
        assert probabilities.max() <= 1 - SMALLEST

    def test_it_comes_back_from_json_exactly(self, calibrator: Calibrator) -> None:
        assert load_calibrator(json.loads(canonical_json(calibrator.as_json()))) == calibrator


def test_the_formulas() -> None:
    margins = np.array([-3.0, -0.2, 0.0, 1.5])
    raw = 1 / (1 + np.exp(-margins))
    np.testing.assert_allclose(Identity().apply(margins), raw, rtol=1e-14)
    np.testing.assert_allclose(Sigmoid(2.0, -1.0).apply(margins), 1 / (1 + np.exp(1 - 2 * margins)), rtol=1e-14)
    beta = 1 / (1 + 1 / (np.exp(-0.1) * raw**0.7 / (1 - raw) ** 2.1))
    np.testing.assert_allclose(Beta(0.7, 2.1, -0.1).apply(margins), beta, rtol=1e-13)
    np.testing.assert_allclose(Isotonic((0.0, 1.0), (0.2, 0.4)).apply(np.array([-1, 0.25, 2])), [0.2, 0.25, 0.4])


def test_the_logistic_function_neither_overflows_nor_loses_small_values() -> None:
    np.testing.assert_allclose(logistic(np.array([-700.0, 0.0, 700.0])), [np.exp(-700), 0.5, 1.0], rtol=1e-13)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"method": "venn"}, "names the method 'venn', which this version does not know"),
        ({}, "names the method None"),
        ({"method": "sigmoid", "slope": 1.0}, "of method 'sigmoid' has other parameters than it must"),
        ({"method": "none", "slope": 1.0}, "of method 'none' has other parameters"),
        ({"method": "isotonic", "margins": [0.0, 1.0]}, "of method 'isotonic' has other parameters"),
        ({"method": "sigmoid", "slope": -1.0, "intercept": 0.0}, "of method 'sigmoid' does not rise"),
        ({"method": "sigmoid", "slope": 1.0, "intercept": float("inf")}, "does not rise"),
        ({"method": "beta", "a": 1.0, "b": -0.5, "c": 0.0}, "of method 'beta' does not rise"),
        ({"method": "beta", "a": 0.0, "b": 0.0, "c": 0.0}, "of method 'beta' does not rise"),
        ({"method": "isotonic", "margins": [0.0, 1.0], "probabilities": [0.4, 0.2]}, "'isotonic' does not rise"),
        ({"method": "isotonic", "margins": [1.0, 1.0], "probabilities": [0.2, 0.4]}, "'isotonic' does not rise"),
        ({"method": "isotonic", "margins": [0.0, 1.0], "probabilities": [0.2]}, "'isotonic' does not rise"),
    ],
)
def test_a_document_that_could_misorder_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(IntegrityFault, match=message):
        load_calibrator(document)
