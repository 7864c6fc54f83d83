"""Parquet files, streamed by row group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.data.sources import Part
from loanwright.errors import DataError

SYNTHETIC = b"loanwright.synthetic"
"""Key of a parquet file's metadata: with the value `true`, its rows are made up, and all that comes of them says so."""
TRUTH = b"loanwright.truth"
"""Likewise: the rows are what a made-up world hides from everybody in it, and are not read."""
_ROWS = 131_072


def open_parquet(shown: str, path: Path) -> Part:
    """A parquet file, its schema read.

    Raises:
        DataError: it is not a whole parquet file, or it is the truth of a synthetic world.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _broken(shown, path) from error

    metadata = file.schema_arrow.metadata or {}
    if metadata.get(TRUTH) == b"true":
        raise DataError(f"{shown} is the truth of a synthetic world, which no model may see", fix="Read its tables")

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            for batch in file.iter_batches(_ROWS, columns=list(names), use_threads=False):
                yield batch.select(list(names))
        except (pa.ArrowException, OSError) as error:
            raise _broken(shown, path) from error

    return Part(shown, tuple(file.schema_arrow.names), batches, synthetic=metadata.get(SYNTHETIC) == b"true")


def _broken(shown: str, path: Path) -> DataError:
    size = path.stat().st_size
    if size == 0:
        return DataError(f"{shown} is empty (0 bytes)")
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return DataError(f"{shown} is a parquet file that is cut short or damaged", fix="Copy it again from its source")
    return DataError(f"{shown} is not a parquet file", fix="Declare its 'format', or bring the right file")
