"""Fitted calibrators agree with scikit-learn's estimators of the same models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from loanwright.errors import DataError
from loanwright.training.calibration_fits import fit_calibrator
from loanwright.training.calibrators import Beta, Identity, Isotonic, Sigmoid, load_calibrator, logistic

RNG = np.random.default_rng(3)
MARGINS = RNG.normal(-1.5, 1.2, 4000).round(2)  # rounded, so that there are ties
LABEL = (RNG.random(4000) < logistic(1.6 * MARGINS + 0.4)).astype(np.int8)
GRID = np.linspace(-8, 8, 401)


def reference(design: np.ndarray) -> LogisticRegression:
    """scikit-learn's fit on Platt's targets: each row once as a positive and once as a negative, weighted."""
    positives = int(LABEL.sum())
    target = np.where(LABEL > 0, (positives + 1) / (positives + 2), 1 / (LABEL.size - positives + 2))
    return LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(
        np.vstack([design, design]),
        np.repeat([1, 0], LABEL.size),
        sample_weight=np.concatenate([target, 1 - target]),
    )


def test_sigmoid_is_platts() -> None:
    fitted = fit_calibrator("sigmoid", MARGINS, LABEL)
    assert isinstance(fitted, Sigmoid)
    right = reference(MARGINS[:, None])
    assert fitted.slope == pytest.approx(right.coef_[0, 0], abs=1e-5)
    assert fitted.intercept == pytest.approx(right.intercept_[0], abs=1e-5)
    assert (fitted.slope, fitted.intercept) == pytest.approx((1.6, 0.4), abs=0.2)


def test_beta_is_kulls() -> None:
    fitted = fit_calibrator("beta", MARGINS, LABEL)
    assert isinstance(fitted, Beta)
    raw = logistic(MARGINS)
    right = reference(np.column_stack([np.log(raw), -np.log(1 - raw)]))
    assert (fitted.a, fitted.b) == pytest.approx(tuple(right.coef_[0]), abs=1e-4)
    assert fitted.c == pytest.approx(right.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("mirrored", [False, True])
def test_beta_leaves_out_the_side_that_would_fall(mirrored: bool) -> None:
    # Risk rises from 0 on and slightly falls below: alone, the low side would get a negative weight.
    margins = np.linspace(-4, 4, 4000)
    target = logistic(np.where(margins > 0, 1.5 * margins, 0.3 * margins.clip(max=0) * -1) - 1)
    label = (np.random.default_rng(0).random(4000) < target).astype(np.int8)
    fitted = fit_calibrator("beta", -margins if mirrored else margins, 1 - label if mirrored else label)
    assert isinstance(fitted, Beta)
    assert (fitted.a if not mirrored else fitted.b) == 0.0
    assert (fitted.b if not mirrored else fitted.a) > 0.5


def test_isotonic_is_scikit_learns() -> None:
    fitted = fit_calibrator("isotonic", MARGINS, LABEL)
    assert isinstance(fitted, Isotonic)
    right = IsotonicRegression(out_of_bounds="clip").fit(MARGINS, LABEL)
    np.testing.assert_allclose(fitted.apply(GRID), right.predict(GRID).clip(1e-6, 1 - 1e-6), atol=1e-12)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "beta"])
def test_equal_rows_in_any_repetition_give_equal_floats(method: str) -> None:
    assert fit_calibrator(method, MARGINS, LABEL) == fit_calibrator(method, MARGINS.copy(), LABEL.copy())


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "beta"])
def test_a_perfect_score_gives_a_finite_calibrator(method: str) -> None:
    margins = np.linspace(-3, 3, 200)
    fitted = fit_calibrator(method, margins, (margins > 0).astype(np.int8))
    low, high = fitted.apply(np.array([-2.5, 2.5]))
    assert low < 0.05
    assert high > 0.95
    assert load_calibrator(fitted.as_json()) == fitted  # which refuses what is not finite


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "beta"])
@pytest.mark.parametrize("margins", [-np.sort(MARGINS), np.zeros(4000)], ids=["wrong way round", "constant"])
def test_a_score_that_does_not_rank_is_refused(method: str, margins: np.ndarray) -> None:
    with pytest.raises(DataError, match=f"4,000 rows to calibrate on the outcome does not rise .*, so {method} cal"):
        fit_calibrator(method, margins, np.sort(LABEL))


def test_none_needs_no_rows() -> None:
    assert fit_calibrator("none", np.empty(0), np.empty(0, dtype=np.int8)) == Identity()


def test_rare_positives_are_calibrated_to_their_rate() -> None:
    rng = np.random.default_rng(5)
    margins = rng.normal(0, 1, 20_000)
    label = (rng.random(20_000) < logistic(margins - 6)).astype(np.int8)
    for method in ("sigmoid", "isotonic", "beta"):
        mean = float(fit_calibrator(method, margins, label).apply(margins).mean())
        assert mean == pytest.approx(label.mean(), rel=0.05), method
