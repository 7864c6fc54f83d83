"""Metrics by value or band: every row in one slice, small ones listed, unknown columns refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from loanwright.config.judgement import Bootstrap, Slice
from loanwright.errors import DeclarationError
from loanwright.evaluation.bootstrap import intervals
from loanwright.evaluation.evidence import SliceMetrics
from loanwright.evaluation.ranking import rank
from loanwright.evaluation.slices import measure_slices, slice_columns
from tests.unit.evaluation.test_metrics import rows

FEW = Bootstrap(resamples=50)
SCORES, LABELS = rows("distinct", 0, 600)


def sliced(column: pa.Array, declared: Slice) -> dict[str, SliceMetrics]:
    table = pa.table({"unit.c": column})
    return {one.value: one for one in measure_slices(table, [declared], SCORES, LABELS, FEW)}


def test_each_value_is_measured_on_its_own_rows() -> None:
    sexes = np.where(np.arange(600) % 3 == 0, "male", "female").astype(object)
    sexes[:60] = None
    found = sliced(pa.array(sexes, pa.string()), Slice(column="c"))
    assert list(found) == ["female", "male", "missing"]
    male = sexes == "male"
    assert found["male"].rows == male.sum()
    assert found["male"].positives == LABELS[male].sum()
    assert found["male"].mean_prediction == pytest.approx(SCORES[male].mean())
    assert found["male"].rate == pytest.approx(LABELS[male].mean())
    assert found["male"].auc == intervals(rank(SCORES[male], LABELS[male]), ["auc"], FEW)["auc"]
    assert sum(one.rows for one in found.values()) == 600


def test_bands_hold_their_lower_edge() -> None:
    ages = [24, 25, 34, 35, None, 80] * 100
    found = sliced(pa.array(ages, pa.int64()), Slice(column="c", edges=(25.0, 35.0)))
    rows_of = {name: one.rows for name, one in found.items()}
    assert rows_of == {"below 25": 100, "25 to below 35": 200, "35 and above": 200, "missing": 100}


def test_few_rows_are_listed_and_not_measured() -> None:
    found = sliced(pa.array(["rare"] * 49 + ["often"] * 551), Slice(column="c"))
    rare = found["rare"]
    assert rare.rows == 49
    assert (rare.mean_prediction, rare.rate, rare.auc.value, rare.brier.value) == (None, None, None, None)
    assert found["often"].auc.low is not None


def test_an_empty_band_is_listed() -> None:
    found = sliced(pa.array([30] * 600), Slice(column="c", edges=(25.0,)))
    assert (found["below 25"].rows, found["below 25"].rate) == (0, None)


def test_one_class_has_no_auc_but_a_rate() -> None:
    found = sliced(pa.array(np.where(LABELS == 1, "bad", "good")), Slice(column="c"))
    assert (found["bad"].auc.value, found["bad"].rate) == (None, 1)
    assert found["bad"].brier.value is not None


def test_the_rarest_of_many_values_are_shown_together() -> None:
    towns = np.minimum(np.arange(600) // 20, 29)  # 30 values of 20 rows
    towns[:15] = 29  # one more frequent, one less
    found = sliced(pa.array(towns), Slice(column="c"))
    assert len(found) == 21
    assert "29" in found
    assert "0" not in found
    assert found["all other values"].rows == 600 - 19 * 20 - 35


def test_decisions_can_be_sliced_by_their_month() -> None:
    times = np.datetime64("2024-12-31T22:00:00", "us") + np.arange(600) * np.timedelta64(1, "h")
    table = pa.table({"decision_time": pa.array(times, pa.timestamp("us", "UTC"))})
    declared = Slice(column="decision_time")
    assert slice_columns([declared], [], []) == ("decision_time",)
    found = measure_slices(table, [declared], SCORES, LABELS, FEW)
    assert [(one.column, one.value, one.rows) for one in found] == [("month", "2024-12", 2), ("month", "2025-01", 598)]


def test_a_feature_can_be_sliced_by() -> None:
    table = pa.table({"income": pa.array(np.linspace(0, 1, 600))})
    found = measure_slices(table, [Slice(column="income", edges=(0.5,))], SCORES, LABELS, FEW)
    assert [(one.column, one.value, one.rows) for one in found] == [
        ("income", "below 0.5", 300),
        ("income", "0.5 and above", 300),
    ]


def test_columns_are_found_among_the_carried_first() -> None:
    assert slice_columns([Slice(column="age"), Slice(column="income")], ["age"], ["age", "income"]) == (
        "unit.age",
        "income",
    )


def test_an_unknown_column_is_refused_with_the_near_name() -> None:
    with pytest.raises(DeclarationError) as caught:
        slice_columns([Slice(column="gendre")], ["gender"], ["income"])
    assert str(caught.value) == (
        "evaluation slices by column 'gendre', which the training table does not have (did you mean 'gender'?). "
        "Name a feature, or mark the column of the unit's source with 'slice: true'"
    )


def test_edges_are_for_numbers() -> None:
    with pytest.raises(DeclarationError, match="column 'c' by edges, but it holds no numbers"):
        sliced(pa.array(["a"] * 600), Slice(column="c", edges=(1.0,)))
