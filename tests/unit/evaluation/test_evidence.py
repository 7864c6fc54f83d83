"""The evidence's numbers: finite, ten digits, one zero."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from loanwright.evaluation.evidence import Interval, Point


def test_numbers_have_ten_digits() -> None:
    assert Point(x=1 / 3, y=np.float64(2e7 / 3)) == Point(x=0.3333333333, y=6666666.667)
    assert type(Point(x=np.float64(0.5), y=0.0).x) is float


def test_there_is_no_minus_zero() -> None:
    assert str(Point(x=-0.0, y=0.0).x) == "0.0"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="write None where a value is not defined"):
        Interval(value=value, low=None, high=None)
