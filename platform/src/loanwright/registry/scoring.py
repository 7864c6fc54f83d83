"""Scoring a file of feature rows with a bundle, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import UsageError
from loanwright.registry.scoring_columns import ScoredColumns, reading
from loanwright.registry.scoring_output import check_output, written

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from loanwright.registry.bundles import Bundle


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
    import pyarrow.parquet as pq

    if not rows.is_file():
        raise UsageError(f"there is no file {rows} to score")
    check_output(output, rows)
    with reading(str(rows)):
        source = pq.ParquetFile(rows)
    with source:
        columns = ScoredColumns(bundle, source.schema_arrow, str(rows), reasons)
        done = 0
        with written(output, columns.schema) as write:
            for chunk in _chunks(source, columns.wanted, rows, chunk_rows):
                write(columns.score(chunk, done))
                done += chunk.num_rows
                if watch is not None:
                    watch(done)
    return done


def _chunks(source: pq.ParquetFile, wanted: Sequence[str], rows: Path, chunk_rows: int) -> Iterator[pa.Table]:
    import pyarrow as pa

    batches = source.iter_batches(chunk_rows, columns=wanted)
    while True:
        with reading(str(rows)):  # around the reading alone: the writer's errors are others
            batch = next(batches, None)
        if batch is None:
            return
        yield pa.Table.from_batches([batch])
