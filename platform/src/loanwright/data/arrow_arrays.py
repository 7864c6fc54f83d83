"""Arrow columns as NumPy arrays and the other way, without pandas.

PyArrow's own conversions import pandas, where it is installed: 0.2 s and 45 MiB in every process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


def mask_of(rows: NDArray[np.bool_]) -> pa.BooleanArray:
    """(rows,) truth values as Arrow filters by them."""
    import pyarrow as pa

    bits = pa.py_buffer(np.packbits(rows, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), rows.size, [None, bits])


def texts(values: Sequence[str]) -> pa.StringArray:
    """(values,) as Arrow holds texts."""
    import pyarrow as pa

    data = [value.encode() for value in values]
    places = np.cumsum([0, *map(len, data)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(data), [None, pa.py_buffer(places), pa.py_buffer(b"".join(data))])


def no_rows(schema: pa.Schema) -> pa.Table:
    """A table of that schema without rows."""
    import pyarrow as pa

    return pa.Table.from_batches([], schema)


def places(numbers: NDArray[np.int64]) -> pa.Int64Array:
    """(rows,) the numbers of rows as Arrow takes rows by them."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), numbers.size, [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def whole_numbers(column: pa.Array | pa.ChunkedArray, kind: type[np.generic] | str) -> NDArray[Any]:
    """(rows,) the values of a column of integers or moments without nulls; read-only, of that NumPy type.

    Raises:
        TypeError: the column's values are wider or narrower than that.
    """
    import pyarrow as pa

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.type.bit_width != 8 * np.dtype(kind).itemsize:
        raise TypeError(f"a column of {array.type} is read as {np.dtype(kind)}")
    if not len(array):
        return np.empty(0, dtype=kind)
    first = array.offset
    return np.frombuffer(array.buffers()[1], dtype=kind)[first : first + len(array)]


def doubles(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """(rows,) the values of a column of float64; NaN where there is none. May be read-only."""
    array = column.combine_chunks()
    if not len(array):
        return np.empty(0)
    valid, values = array.buffers()
    first, behind = array.offset, array.offset + len(array)
    found = np.frombuffer(values, dtype=np.float64)[first:behind]
    if not array.null_count:
        return found
    there = np.unpackbits(np.frombuffer(valid, dtype=np.uint8), count=behind, bitorder="little")[first:]
    return np.where(there.view(np.bool_), found, np.nan)
