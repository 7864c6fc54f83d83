"""Scoring a file of feature rows with a bundle, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import DataError, StorageFault, UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from loanwright.registry.bundles import Bundle

KEPT = ("unit_key", "decision_time")
"""Columns of the input that go into the output as they are, where they are there."""


def score_file(bundle: Bundle, rows: Path, output: Path, *, chunk_rows: int = 65_536) -> int:
    """Scores a parquet file; how many rows it had.

    The input has one column for each feature of the bundle, by name and in any order: numbers as any
    numeric type (null or NaN: missing), categories as text. Other columns are not read. The output is
    parquet, in the input's order: `unit_key` and `decision_time` if they are there, `score` (the
    calibrated probability) and `margin` (log-odds before calibration). It appears whole or not at all.

    Args:
        bundle: an opened bundle.
        rows: the parquet file with feature rows.
        output: the parquet file to write; one that is there is replaced.
        chunk_rows: how many rows are in memory at once.

    Raises:
        UsageError: the input is not there, or the output cannot be where it is wanted.
        DataError: the input is not parquet, or lacks a feature, or has one of another type.
        StorageFault: the output cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not rows.is_file():
        raise UsageError(f"there is no file {rows} to score")
    if not output.parent.is_dir() or output.is_dir():
        raise UsageError(f"{output} cannot be written: its folder does not exist, or it is a folder itself")
    if output.exists() and output.samefile(rows):
        raise UsageError(f"{output} is the input itself", fix="Name another file for the scores")
    with _reading(rows):
        source = pq.ParquetFile(rows)
    with source:
        found = source.schema_arrow
        _check(bundle, found, rows)
        kept = [found.field(name) for name in KEPT if found.names.count(name) == 1]
        schema = pa.schema([*kept, ("score", pa.float64()), ("margin", pa.float64())])
        wanted = [*(field.name for field in kept), *bundle.scorer.feature_names]
        done = 0
        with _whole(output) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
            for chunk in _chunks(source, wanted, rows, chunk_rows):
                margins = bundle.scorer.margins(chunk)
                scores = bundle.scorer.calibrator.apply(margins)
                columns = [*(chunk[field.name] for field in kept), pa.array(scores), pa.array(margins)]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
                done += chunk.num_rows
    return done


def _check(bundle: Bundle, found: pa.Schema, rows: Path) -> None:
    """Lets the scorer look at the columns before anything is written, on no rows."""
    try:
        bundle.scorer.margins(found.empty_table())
    except DataError as error:
        raise DataError(f"{rows} cannot be scored: {error.problem}", fix=error.fix) from None


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
        raise DataError(f"{rows} cannot be read as parquet: {reason}") from error


@contextmanager
def _whole(output: Path) -> Iterator[Path]:
    """A file beside the output, renamed to it when everything is written, and removed otherwise."""
    draft = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        yield draft
        draft.replace(output)
    except OSError as error:
        raise StorageFault(f"cannot write {output}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
