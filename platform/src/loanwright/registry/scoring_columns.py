"""What is read of a row to score it, and what comes out: the same for one file and for thousands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from loanwright.errors import DataError
from loanwright.registry.scoring_reasons import Reasons

if TYPE_CHECKING:
    import pyarrow as pa

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
        import pyarrow as pa

        self._check_finite(rows, before)
        margins = self._bundle.scorer.margins(rows)
        columns = [pa.array(self._bundle.scorer.calibrator.apply(margins)), pa.array(margins)]
        columns += self._reasons.columns(rows) if self._reasons else []
        kept = [rows[name] for name in self.schema.names if name in KEPT]
        return pa.Table.from_arrays([*kept, *columns], schema=self.schema)

    def _check_finite(self, rows: pa.Table, before: int) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        for name in self._bundle.scorer.feature_names:
            column = rows.column(name)
            if pa.types.is_floating(column.type) and (place := pc.index(pc.is_inf(column), True).as_py()) >= 0:
                raise DataError(
                    f"{self._where} cannot be scored: column {name!r} holds an infinite value in row "
                    f"{before + place + 1:,}, and the model was trained on none",
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
