"""What is read of a row to score it, and what comes out: the same for one file and for thousands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from loanwright.errors import DataError
from loanwright.registry.scoring_reasons import Reasons

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from loanwright.registry.bundles import Bundle

KEPT = ("unit_key", "decision_time")
"""Columns of the input that go into the output as they are, where they are there."""


class ScoredColumns:
    """The scores of rows of one schema.

    Args:
        bundle: an opened bundle.
        found: the schema of the rows.
        where: what the rows are called in errors.
        reasons: how many reason codes a row gets at most.

    Raises:
        DataError: the rows lack a feature, or have one of another type.
        UsageError: the bundle has no words for so many reasons.
    """

    def __init__(self, bundle: Bundle, found: pa.Schema, where: str, reasons: int = 0) -> None:
        import pyarrow as pa

        self._bundle, self._where = bundle, where
        self._reasons = Reasons(bundle, reasons) if reasons else None
        try:
            bundle.scorer.margins(found.empty_table())
        except DataError as error:
            raise DataError(f"{where} cannot be scored: {error.problem}", fix=error.fix) from None
        kept = [pa.field(name, found.field(name).type) for name in KEPT if found.names.count(name) == 1]
        more = self._reasons.fields() if self._reasons else []
        self.schema = pa.schema([*kept, ("score", pa.float64()), ("margin", pa.float64()), *more])
        """Of the scores."""
        self.wanted = [*(field.name for field in kept), *bundle.scorer.feature_names]
        """The columns that are read."""

    def score(self, rows: pa.Table, before: int) -> pa.Table:
        """The rows' scores, in their order.

        Args:
            rows: with the wanted columns.
            before: how many rows of the same file come before them.

        Raises:
            DataError: a feature holds an infinite value.
        """
        matrix = np.empty((rows.num_rows, self.features))
        return self.score_matrix(self.encode(rows, before, matrix), matrix)

    @property
    def features(self) -> int:
        """How many columns the matrix of the rows has."""
        return len(self._bundle.scorer.feature_names)

    def encode(self, rows: pa.Table, before: int, into: NDArray[np.float64]) -> pa.Table:
        """Fills the rows' matrix; the columns that go into the output as they are.

        Args:
            rows: with the wanted columns.
            before: how many rows of the same file come before them.
            into: of shape (rows, features).

        Raises:
            DataError: a feature holds an infinite value.
        """
        self._bundle.scorer.encoding.matrix(rows, into)
        if np.isinf(into).any():
            raise self._infinite(rows, before)
        return rows.select([name for name in self.schema.names if name in KEPT])

    def score_matrix(self, kept: pa.Table, matrix: NDArray[np.float64]) -> pa.Table:
        """The scores of rows that `encode` was given, in their order."""
        import pyarrow as pa

        scorer = self._bundle.scorer
        margins = scorer.margins_of_matrix(matrix)
        columns = [pa.array(scorer.calibrator.apply(margins)), pa.array(margins)]
        columns += self._reasons.columns(matrix) if self._reasons else []
        return pa.Table.from_arrays([*kept.columns, *columns], schema=self.schema)

    def _infinite(self, rows: pa.Table, before: int) -> DataError:
        """Of which column and row."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = ((name, rows.column(name)) for name in self._bundle.scorer.feature_names)
        places = {name: pc.index(pc.is_inf(c), True).as_py() for name, c in found if pa.types.is_floating(c.type)}
        name, place = next((name, place) for name, place in places.items() if place >= 0)
        return DataError(
            f"{self._where} cannot be scored: column {name!r} holds an infinite value in row {before + place + 1:,}, "
            "and the model was trained on none",
            fix="Write null where a value is missing",
        )


@contextmanager
def reading(where: str) -> Iterator[None]:
    """What goes wrong in reading parquet, as a DataError that names the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{where} cannot be read as parquet: {reason}", fix="Give the rows as parquet") from error
