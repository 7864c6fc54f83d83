"""Arrow columns become the arrays that PyArrow itself makes of them, and pandas stays out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from loanwright.data.arrow_arrays import doubles, mask_of, no_rows, places, texts, whole_numbers

NUMBERS = [1.5, None, -0.0, float("nan"), None, 7.25, 8.0, 9.0, None, 11.0]
COLUMNS = {
    "whole": pa.chunked_array([NUMBERS], pa.float64()),
    "without nulls": pa.chunked_array([[1.0, 2.0]], pa.float64()),
    "in pieces": pa.chunked_array([NUMBERS, [], [None, 3.0]], pa.float64()),
    "a slice": pa.chunked_array([NUMBERS], pa.float64()).slice(3, 6),
    "nulls alone": pa.chunked_array([[None, None]], pa.float64()),
    "empty": pa.chunked_array([], pa.float64()),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_missing_numbers_are_nan(name: str) -> None:
    column = COLUMNS[name]
    expected = np.asarray(column.to_numpy(), dtype=np.float64)
    np.testing.assert_array_equal(doubles(column), expected)


def test_whole_numbers_and_moments() -> None:
    column = pa.chunked_array([[1, 2, 2**63], [7]], pa.uint64())
    np.testing.assert_array_equal(whole_numbers(column, np.uint64), [1, 2, 2**63, 7])
    np.testing.assert_array_equal(whole_numbers(column.slice(1, 2), np.uint64), [2, 2**63])
    assert whole_numbers(pa.chunked_array([], pa.int8()), np.int8).size == 0


def test_a_mask_filters_the_rows_that_are_true() -> None:
    rows = np.arange(21) % 3 == 0
    table = pa.table({"a": np.arange(21)})
    assert table.filter(mask_of(rows))["a"].to_pylist() == list(range(0, 21, 3))


def test_numbers_of_another_width_are_not_read_as_others() -> None:
    assert whole_numbers(pa.array([1, 2, 3], pa.int64()).slice(1), np.int64).tolist() == [2, 3]
    assert whole_numbers(pa.array([], pa.int64()), np.int64).tolist() == []
    with pytest.raises(TypeError, match="int32 is read as int64"):
        whole_numbers(pa.array([1, 2], pa.int32()), np.int64)


def test_places_and_no_rows_are_those_that_arrow_makes() -> None:
    assert places(np.arange(9)[::-3]).equals(pa.array([8, 5, 2]))
    schema = pa.schema([("a", pa.int8()), ("b", pa.string())])
    assert no_rows(schema).equals(schema.empty_table())


@pytest.mark.parametrize("values", [["car", "", "école", "家"], [], [""]])
def test_texts_are_those_that_arrow_makes(values: list[str]) -> None:
    texts(values).validate(full=True)
    assert texts(values).equals(pa.array(values, pa.string()))


TRAIN = """
import sys
from pathlib import Path
from loanwright.config.learning import Fractions, Split, Training
from loanwright.storage import open_store
from loanwright.training.quick_import import import_lightgbm_alone
import_lightgbm_alone()
from loanwright.training.train import train
split = Split(method="hash", fractions=Fractions(train=0.5, calibration=0.25, test=0.25))
train(sys.argv[1], split, Training(rounds=2, exact=False), open_store(sys.argv[2]), Path(sys.argv[3]))
assert "pandas" not in sys.modules
"""


def test_training_never_imports_pandas(tmp_path: Path) -> None:
    from loanwright.storage import open_store
    from tests.builders.tables import publish_table

    store = open_store(f"{tmp_path}/store")
    uri = publish_table(store, rows=600, categories=2)
    subprocess.run([sys.executable, "-c", TRAIN, uri, store.root, f"{tmp_path}/scratch"], check=True)
