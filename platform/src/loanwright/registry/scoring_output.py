"""The file that scores go to: parquet or CSV by its name, written in pieces, there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import DataError, StorageFault, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

_PARQUET = (".parquet", ".pq")
_CSV = ".csv"


def check_output(output: Path, rows: Path) -> None:
    """Refuses an output that cannot be, before anything is read.

    Raises:
        UsageError: its name tells no format, its folder is not there, or it is a folder or the input itself.
    """
    if not output.parent.is_dir() or output.is_dir():
        raise UsageError(f"{output} cannot be written: its folder does not exist, or it is a folder itself")
    if output.suffix.lower() not in (*_PARQUET, _CSV):
        raise UsageError(
            f"{output} ends in none of {', '.join(_PARQUET)} and {_CSV}", fix="Name it after the format that you want"
        )
    if output.exists() and rows.exists() and output.samefile(rows):
        raise UsageError(f"{output} is the input itself", fix="Name another file for the scores")


@contextmanager
def written(output: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """What writes one table after the other; when the context ends well, all of them are at `output`.

    A CSV file has a header, `\\n` at the ends of lines, quotes where they are needed, and nothing for null.

    Raises:
        DataError: CSV cannot hold a column of the schema.
        StorageFault: the output cannot be written.
    """
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq

    with _whole(output) as draft:
        if output.suffix.lower() != _CSV:
            with pq.ParquetWriter(draft, schema, compression="zstd") as parquet:
                yield parquet.write_table
            return
        try:
            writer = arrow_csv.CSVWriter(draft, schema)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{output} cannot hold the scores as CSV: {str(error).splitlines()[0]}", fix="Write parquet"
            ) from None
        with writer:
            yield writer.write_table


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
