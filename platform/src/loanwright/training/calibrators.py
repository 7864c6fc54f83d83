"""Calibrators: from a booster's margin (log-odds) to a probability, each fitted, applied and kept as JSON.

All are non-decreasing, so calibration never changes who is riskier than whom (isotonic may tie them), and
all keep probabilities within [1e-6, 1 - 1e-6], so that a log loss is finite and nothing is certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from loanwright.errors import IntegrityFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SMALLEST = 1e-6
"""No probability is nearer to 0 or to 1."""


class Calibrator(Protocol):
    """What turns margins into probabilities."""

    method: ClassVar[str]

    def apply(self, margins: Floats) -> Floats:
        """Probabilities, one for each margin, within [1e-6, 1 - 1e-6]."""

    def as_json(self) -> dict[str, Any]:
        """The method and its parameters, for ``calibrator.json``."""


def logistic(margins: Floats) -> Floats:
    """1 / (1 + exp(-margin)), without overflow."""
    return np.exp(-np.logaddexp(0.0, -margins))


@dataclass(frozen=True)
class Identity:
    """No calibration: the booster's own probability."""

    method: ClassVar[str] = "none"

    def apply(self, margins: Floats) -> Floats:
        return _inside(logistic(margins))

    def as_json(self) -> dict[str, Any]:
        return {"method": self.method}


@dataclass(frozen=True)
class Sigmoid:
    """A straight line in log-odds (Platt 1999): logistic(slope * margin + intercept), slope > 0."""

    slope: float
    intercept: float
    method: ClassVar[str] = "sigmoid"

    def apply(self, margins: Floats) -> Floats:
        return _inside(logistic(self.slope * margins + self.intercept))

    def as_json(self) -> dict[str, Any]:
        return {"method": self.method, "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class Beta:
    """Beta calibration (Kull, Silva Filho & Flach 2017): logistic(a ln s - b ln(1 - s) + c), a, b ≥ 0,
    where s is the booster's own probability."""

    a: float
    b: float
    c: float
    method: ClassVar[str] = "beta"

    def apply(self, margins: Floats) -> Floats:
        return _inside(logistic(self.a * -np.logaddexp(0.0, -margins) + self.b * np.logaddexp(0.0, margins) + self.c))

    def as_json(self) -> dict[str, Any]:
        return {"method": self.method, "a": self.a, "b": self.b, "c": self.c}


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between fitted points, level beyond the first and the last."""

    margins: tuple[float, ...]
    probabilities: tuple[float, ...]
    method: ClassVar[str] = "isotonic"

    def apply(self, margins: Floats) -> Floats:
        return _inside(np.interp(margins, self.margins, self.probabilities))

    def as_json(self) -> dict[str, Any]:
        return {"method": self.method, "margins": list(self.margins), "probabilities": list(self.probabilities)}


def load_calibrator(document: Mapping[str, Any]) -> Calibrator:
    """The calibrator that a ``calibrator.json`` holds.

    Raises:
        IntegrityFault: it holds no method known here, or parameters under which risk would not be ordered.
    """
    parameters = {name: value for name, value in document.items() if name != "method"}
    method = document.get("method")
    try:
        if method == Identity.method:
            return Identity(**parameters)
        if method == Sigmoid.method:
            sigmoid = Sigmoid(**parameters)
            return _ordered(sigmoid, sigmoid.slope > 0, sigmoid.slope, sigmoid.intercept)
        if method == Beta.method:
            beta = Beta(**parameters)
            return _ordered(beta, min(beta.a, beta.b) >= 0 < max(beta.a, beta.b), beta.a, beta.b, beta.c)
        if method == Isotonic.method:
            isotonic = Isotonic(tuple(parameters.pop("margins")), tuple(parameters.pop("probabilities")), **parameters)
            x, y = np.array(isotonic.margins), np.array(isotonic.probabilities)
            rising = x.size == y.size > 1 and bool((np.diff(x) > 0).all() and (np.diff(y) >= 0).all())
            return _ordered(isotonic, rising, *isotonic.margins, *isotonic.probabilities)
    except (TypeError, KeyError, ValueError) as error:
        raise IntegrityFault(
            f"calibrator.json of method {method!r} has other parameters than it must: {error}"
        ) from None
    raise IntegrityFault(f"calibrator.json names the method {method!r}, which this version does not know")


def _ordered(calibrator: Calibrator, rising: bool, *numbers: float) -> Calibrator:
    if not rising or not np.isfinite(np.array(numbers, dtype=np.float64)).all():
        raise IntegrityFault(f"calibrator.json of method {calibrator.method!r} does not rise with the margin")
    return calibrator


def _inside(probabilities: Floats) -> Floats:
    return np.clip(probabilities, SMALLEST, 1.0 - SMALLEST)
