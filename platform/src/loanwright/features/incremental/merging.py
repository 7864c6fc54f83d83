"""Two streams of a table's rows, those that are kept and those that are computed, put together in the table's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loanwright.data.arrow_arrays import no_rows
from loanwright.data.arrow_arrays import places as places_as
from loanwright.data.rows import ROW_GROUP
from loanwright.errors import IntegrityFault


class Rows:
    """Tables that come one after the other, of which as many rows are taken as are asked for.

    Args:
        tables: in order.
        schema: theirs.
    """

    def __init__(self, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
        self._tables = iter(tables)
        self._held = no_rows(schema)

    def take(self, rows: int) -> pa.Table:
        """The next rows.

        Raises:
            IntegrityFault: there are not so many.
        """
        held = [self._held]
        missing = rows - self._held.num_rows
        while missing > 0:
            table = next(self._tables, None)
            if table is None:
                raise IntegrityFault(f"{missing:,} of {rows:,} rows of the training table are missing on the way")
            held.append(table)
            missing -= table.num_rows
        every = pa.concat_tables(held)
        self._held = every.slice(rows)
        return every.slice(0, rows)

    def end(self) -> None:
        """Nothing is left.

        Raises:
            IntegrityFault: there are more rows.
        """
        left = self._held.num_rows + sum(table.num_rows for table in self._tables)
        if left:
            raise IntegrityFault(f"{left:,} rows too many are on their way into the training table")


def merged(
    kept: Rows, computed: Rows, places: NDArray[np.int64], start: int, end: int
) -> Iterator[tuple[pa.Table, int]]:
    """The table's rows from a place to before another, by row groups at most, and how many of each were kept.

    Args:
        kept: rows for the places that are not computed.
        computed: rows for those that are.
        places: which are, from the first on.
        start: the first place.
        end: the place after the last one.

    Raises:
        IntegrityFault: there are not rows enough.
    """
    for low in range(start, end, ROW_GROUP):
        high = min(low + ROW_GROUP, end)
        fresh = places[slice(*np.searchsorted(places, (low, high)))] - low
        count = high - low - len(fresh)
        pieces = (kept.take(count), computed.take(len(fresh)))
        if not count or not len(fresh):
            yield pieces[0] if count else pieces[1], count
            continue
        order = np.empty(high - low, dtype=np.int64)
        order[fresh] = np.arange(count, high - low)
        order[np.setdiff1d(np.arange(high - low), fresh, assume_unique=True)] = np.arange(count)
        yield pa.concat_tables(pieces).combine_chunks().take(places_as(order)), count
