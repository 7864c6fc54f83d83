"""Scoring a file of feature rows with a bundle, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import DataError, UsageError
from loanwright.registry.scoring_output import check_output, written
from loanwright.registry.scoring_reasons import Reasons

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from loanwright.registry.bundles import Bundle

KEPT = ("unit_key", "decision_time")
"""Columns of the input that go into the output as they are, where they are there."""


def score_file(
    bundle: Bundle,
    rows: Path,
    output: Path,
    *,
    reasons: int = 0,
    chunk_rows: int = 65_536,
    watch: Callable[[int], None] | None = None,
) -> int:
    """Scores a parquet file; how many rows it had.

    The input has one column for each feature of the bundle, by name and in any order: numbers as any
    numeric type (null or NaN: missing; infinite values are refused, as no training table holds any), categories
    as text. Other columns are not read. The output, parquet or CSV by its name, has the input's order:
    `unit_key` and `decision_time` if they are there, `score` (the calibrated probability), `margin` (log-odds
    before calibration), and for each reason asked for `reason_1`, `effect_1` and so on, with `unworded_effect`
    behind them (`scoring_reasons.Reasons`). It appears whole or not at all.

    Args:
        bundle: an opened bundle.
        rows: the parquet file with feature rows.
        output: the file to write, *.parquet, *.pq or *.csv; one that is there is replaced.
        reasons: how many reason codes a row gets at most. They take many times as long as the scores.
        chunk_rows: how many rows are in memory at once.
        watch: told after each chunk how many rows are scored.

    Raises:
        UsageError: the input is not there, the output cannot be where or what it is wanted, or the bundle has
            no words for so many reasons.
        DataError: the input is not parquet, lacks a feature, or has one of another type or with infinite values.
        StorageFault: the output cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not rows.is_file():
        raise UsageError(f"there is no file {rows} to score")
    check_output(output, rows)
    explained = Reasons(bundle, reasons) if reasons else None
    with _reading(rows):
        source = pq.ParquetFile(rows)
    with source:
        found = source.schema_arrow
        _check(bundle, found, rows)
        kept = [found.field(name) for name in KEPT if found.names.count(name) == 1]
        scores = [("score", pa.float64()), ("margin", pa.float64())]
        schema = pa.schema([*kept, *scores, *(explained.fields() if explained else ())])
        wanted = [*(field.name for field in kept), *bundle.scorer.feature_names]
        done = 0
        with written(output, schema) as write:
            for chunk in _chunks(source, wanted, rows, chunk_rows):
                _check_finite(bundle, chunk, rows, done)
                margins = bundle.scorer.margins(chunk)
                columns = [pa.array(bundle.scorer.calibrator.apply(margins)), pa.array(margins)]
                columns += explained.columns(chunk) if explained else []
                write(pa.Table.from_arrays([*(chunk[field.name] for field in kept), *columns], schema=schema))
                done += chunk.num_rows
                if watch is not None:
                    watch(done)
    return done


def _check(bundle: Bundle, found: pa.Schema, rows: Path) -> None:
    """Lets the scorer look at the columns before anything is written, on no rows."""
    try:
        bundle.scorer.margins(found.empty_table())
    except DataError as error:
        raise DataError(f"{rows} cannot be scored: {error.problem}", fix=error.fix) from None


def _check_finite(bundle: Bundle, chunk: pa.Table, rows: Path, before: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in bundle.scorer.feature_names:
        column = chunk.column(name)
        if pa.types.is_floating(column.type) and (place := pc.index(pc.is_inf(column), True).as_py()) >= 0:
            raise DataError(
                f"{rows} cannot be scored: column {name!r} holds an infinite value in row {before + place + 1:,}, "
                "and the model was trained on none",
                fix="Write null where a value is missing",
            )


def _chunks(source: pq.ParquetFile, wanted: Sequence[str], rows: Path, chunk_rows: int) -> Iterator[pa.Table]:
    import pyarrow as pa

    batches = source.iter_batches(chunk_rows, columns=wanted)
    while True:
        with _reading(rows):  # around the reading alone: the writer's errors are others
            batch = next(batches, None)
        if batch is None:
            return
        yield pa.Table.from_batches([batch])


@contextmanager
def _reading(rows: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{rows} cannot be read as parquet: {reason}", fix="Give the rows as a parquet file") from error
