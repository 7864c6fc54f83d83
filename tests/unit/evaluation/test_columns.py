"""Arrow columns as numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanwright.evaluation import columns


@pytest.mark.parametrize(
    ("items", "codes", "texts"),
    [
        ([10, 2, None, 2], [1, 0, -1, 0], ("2", "10")),
        (["b", None, "a"], [1, -1, 0], ("a", "b")),
        ([2.5, 10.0, 2.5], [0, 1, 0], ("2.5", "10")),
        ([True, False, None], [1, 0, -1], ("false", "true")),
        ([], [], ()),
    ],
)
def test_values_are_coded_in_their_own_order(items: list[Any], codes: list[int], texts: tuple[str, ...]) -> None:
    halves = (
        [pa.array(items, pa.string() if not items else None)]
        if items[:1] != [10]
        else [pa.array(items[:2]), pa.array(items[2:])]
    )
    found, names = columns.values(pa.chunked_array(halves))
    assert (found.tolist(), names) == (codes, texts)


def test_a_column_without_chunks_has_no_values() -> None:
    codes, texts = columns.values(pa.chunked_array([], pa.string()))
    assert (codes.tolist(), texts) == ([], ())


def test_numbers_have_nan_for_null() -> None:
    assert np.isnan(columns.numbers(pa.chunked_array([pa.array([1, None])]))[1])


def test_midranks_share_a_tie() -> None:
    assert columns.midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
