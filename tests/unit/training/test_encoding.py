"""Feature columns become one matrix, the same way in training and in scoring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanwright.errors import DataError
from loanwright.training.encoding import EncodedFeature, Encoding

FEATURES: list[EncodedFeature] = [
    {"name": "utilisation", "type": "number", "monotone": None},
    {"name": "purpose", "type": "category", "monotone": None, "categories": ["car", "home", "wedding"]},
]
NAN = float("nan")


def matrix(columns: dict[str, Any]) -> list[list[float]]:
    rows: list[list[float]] = Encoding(FEATURES).matrix(pa.table(columns)).tolist()
    return rows


def test_codes_follow_the_sorted_categories_and_missing_is_nan() -> None:
    got = matrix({"utilisation": [0.5, None, NAN, 2.0], "purpose": ["home", None, "yacht", "car"]})
    np.testing.assert_array_equal(got, [[0.5, 1.0], [NAN, NAN], [NAN, NAN], [2.0, 0.0]])


def test_other_columns_and_another_order_change_nothing() -> None:
    given = {"purpose": ["car"], "unit_key": [7], "utilisation": [0.25]}
    assert matrix(given) == [[0.25, 0.0]]


def test_the_matrix_is_contiguous_float64() -> None:
    got = Encoding(FEATURES).matrix(pa.table({"utilisation": [1.0, 2.0], "purpose": ["car", "car"]}))
    assert got.dtype == np.float64
    assert got.flags.c_contiguous


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint32(), pa.float32(), pa.null()])
def test_any_plain_number_will_do(kind: pa.DataType) -> None:
    value = None if kind == pa.null() else 3
    got = matrix({"utilisation": pa.array([value], kind), "purpose": ["car"]})
    np.testing.assert_array_equal(got, [[NAN if value is None else 3.0, 0.0]])


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.null()]
)
def test_any_text_will_do(kind: pa.DataType) -> None:
    text = pa.array(["wedding", None], pa.string())
    column = pa.nulls(2) if kind == pa.null() else text.cast(kind)
    got = matrix({"utilisation": [1.0, 1.0], "purpose": column})
    np.testing.assert_array_equal([row[1] for row in got], [NAN if kind == pa.null() else 2.0, NAN])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"utilization": [1.0], "purpose": ["car"]},
            r"the rows have no column 'utilisation', which the model needs \(did you mean 'utilization'\?\)\. "
            r"Supply every feature of the model: utilisation, purpose",
        ),
        ({"utilisation": ["1.0"], "purpose": ["car"]}, "column 'utilisation' holds string, and the model needs a num"),
        ({"utilisation": [True], "purpose": ["car"]}, "column 'utilisation' holds bool, and the model needs a number"),
        ({"utilisation": [1.0], "purpose": [4]}, "column 'purpose' holds int64, and the model needs text"),
    ],
)
def test_a_missing_or_mistyped_column_is_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        matrix(columns)


def test_a_column_that_is_there_twice_is_refused() -> None:
    twice = pa.Table.from_arrays([pa.array([1.0])] * 3, names=["utilisation", "purpose", "utilisation"])
    with pytest.raises(DataError, match="2 columns called 'utilisation'"):
        Encoding(FEATURES).matrix(twice)


def test_categories_are_learnt_from_the_chosen_rows_only(make_table: Any) -> None:
    table = make_table(rows=60, row_group=10, features=2)
    purposes = table.read(np.ones(60, dtype=np.bool_), ["purpose_0"])["purpose_0"].to_pylist()
    rows = np.array([purpose in ("wedding", "car", None) for purpose in purposes])
    encoding = Encoding.learn(table, rows)
    assert encoding.features == (
        {"name": "number_0", "type": "number", "monotone": "increasing"},
        {"name": "purpose_0", "type": "category", "monotone": None, "categories": ["car", "wedding"]},
    )
    assert encoding.categorical == [1]
    codes = {"car": 0.0, "wedding": 1.0}
    got = encoding.matrix(table.read(np.ones(60, dtype=np.bool_)))[:, 1]
    np.testing.assert_array_equal(got, [codes.get(purpose, NAN) for purpose in purposes])


def test_a_row_group_read_by_a_few_columns_gives_the_same_matrix(make_table: Any) -> None:
    table = make_table(rows=50, row_group=20, features=19, categories=3)
    encoding = Encoding.learn(table, np.ones(50, dtype=np.bool_))
    rows = np.arange(20) % 3 == 0
    whole = encoding.matrix(table.read_group(1).filter(pa.array(rows)))
    np.testing.assert_array_equal(encoding.read_matrix(table, 1, rows), whole)
