"""Columns of an Arrow table as numpy arrays, missing values kept apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loanwright.evaluation.ranking import Floats


def numbers(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as float64, NaN where it is null."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def is_number(column: pa.ChunkedArray) -> bool:
    """Whether the column holds integers or floats."""
    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))


def values(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A column of any type as codes (-1 where it is null), and the text of each code's value.

    Codes follow the values' order: of numbers by size, of text by alphabet.
    """
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):  # what a column without a single chunk becomes
        encoded = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], column.type))
    found = encoded.dictionary.to_pylist()
    order = sorted(range(len(found)), key=found.__getitem__)
    new_code = np.empty(len(found) + 1, dtype=np.int64)
    new_code[order] = np.arange(len(found))
    new_code[-1] = -1
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return new_code[codes], tuple(_text(found[i]) for i in order)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def midranks(column: Floats) -> Floats:
    """Ranks from 1 on, those of a tie their mean."""
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])
