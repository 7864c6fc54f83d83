"""Profiles: what is missing is counted, what is there is described, and no value makes one larger."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loanwright.evaluation.evidence import FeatureProfile
from loanwright.evaluation.profiles import BINS, TOP_VALUES, profiles


def of(values: pa.Array, kind: str = "number") -> FeatureProfile:
    (found,) = profiles(pa.table({"x": values}), [{"name": "x", "type": kind}])
    return found


def test_a_number_has_its_range_its_middle_and_what_is_missing() -> None:
    found = of(pa.array([*range(1, 100), None], pa.float64()))
    assert (found.name, found.rows, found.distinct) == ("x", 100, 99)
    assert found.missing == pytest.approx(0.01)
    assert (found.low, found.median, found.high) == (1, 50, 99)
    assert len(found.histogram) == BINS
    assert sum(found.histogram) == 99


def test_a_far_value_does_not_flatten_the_histogram() -> None:
    found = of(pa.array([*np.linspace(0, 1, 999), 1e300]))
    assert found.high == 1e300
    assert min(found.histogram) > 40
    assert sum(found.histogram) == 1000


@pytest.mark.parametrize("values", [[-1.7e308, 1.7e308], [5e-324, 1e-323], [0.0] * 200 + [3.0]])
def test_any_two_values_are_told_apart(values: list[float]) -> None:
    found = of(pa.array(values))
    assert sum(found.histogram) == len(values)
    assert sum(count > 0 for count in found.histogram) in (1, 2)


def test_a_constant_is_one_bar_and_nothing_is_none() -> None:
    assert of(pa.array([7.0, 7.0, None])).histogram == (2,)
    empty = of(pa.array([None, None], pa.float64()))
    assert (empty.missing, empty.distinct, empty.low, empty.histogram) == (1, 0, None, ())
    assert of(pa.array([], pa.float64())).missing == 0


def test_a_category_has_its_most_frequent_values() -> None:
    found = of(pa.array(["b", "a", "b", None]), "category")
    assert found.missing == 0.25
    assert [one.value for one in found.top] == ["b", "a"]
    assert [one.share for one in found.top] == pytest.approx([2 / 3, 1 / 3])
    assert (found.histogram, found.distinct, found.low) == ((2, 1), 2, None)


def test_many_and_long_values_take_no_more_room() -> None:
    found = of(pa.array([f"{i:03d}" + "x" * 5000 for i in range(300)]), "category")
    assert found.distinct == 300
    assert len(found.top) == TOP_VALUES
    assert len(found.model_dump_json()) < 1500


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    values = rng.lognormal(size=500)
    assert of(pa.array(values)) == of(pa.array(rng.permutation(values)))
