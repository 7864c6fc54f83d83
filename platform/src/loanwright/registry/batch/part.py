"""Scoring one part: its rows are read while the ones before them are scored, and its file appears whole."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import StorageFault
from loanwright.registry.batch.inputs import Inputs
from loanwright.registry.batch.plan import Part
from loanwright.registry.batch.receipts import Receipt, give_receipt
from loanwright.registry.bundles import Bundle
from loanwright.registry.scoring_columns import ScoredColumns, reading
from loanwright.storage import file_digest, open_store

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_CELLS = 1 << 22
"""Values of a chunk: 32 MiB as a matrix. Three chunks are in memory: read ahead, as columns, as a matrix."""
_BUFFER = 1 << 18


@dataclass(frozen=True)
class Job:
    """What all parts have in common; small enough to be handed to another process."""

    bundle: Path
    """A local folder."""
    inputs: Inputs
    output: str
    reasons: int
    scratch: Path
    threads: int


def score_part(bundle: Bundle, job: Job, part: Part, told: Callable[[int], None]) -> Receipt:
    """Scores a part's rows into its file, and leaves a receipt.

    Args:
        bundle: the opened bundle of the job.
        job: what all parts have in common.
        part: which rows.
        told: told of every chunk how many rows it had.

    Raises:
        DataError: the rows cannot be scored, or were changed since the plan was made.
        StorageFault: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = job.inputs.where(part.file)
    with job.inputs.opened(part.file) as file:
        with reading(where):
            # Of a file that is fetched, near columns come in one request; a local one gains nothing by that.
            local = isinstance(file, io.BufferedReader)
            source = pq.ParquetFile(file, pre_buffer=not local, buffer_size=_BUFFER if local else 0)
        columns = ScoredColumns(bundle, source.schema_arrow, where, job.reasons)
        scored = [columns.schema.empty_table()]
        done = 0
        for chunk in _ahead(_chunks(source, columns.wanted, part, where)):
            scored.append(columns.score(chunk, part.first + done))
            done += chunk.num_rows
            told(chunk.num_rows)
    store = open_store(job.output)
    with tempfile.TemporaryDirectory(dir=job.scratch) as folder:
        draft = Path(folder) / part.name
        try:
            # In one row group, so that its bytes do not depend on how the rows were chunked.
            pq.write_table(pa.concat_tables(scored), draft, row_group_size=max(1, part.rows), compression="zstd")
        except OSError as error:
            raise StorageFault(f"cannot write {draft}: {error.strerror or error}", fix="Free some space") from error
        receipt = Receipt(part.name, file_digest(draft), draft.stat().st_size, part.rows)
        store.upload(part.name, draft)
    give_receipt(store, part, receipt)
    return receipt


def _chunks(source: pq.ParquetFile, wanted: list[str], part: Part, where: str) -> Iterator[pa.Table]:
    """The part's rows; one row group is asked for at a time, for read-ahead holds all that was asked for."""
    import pyarrow as pa

    size = max(1, _CELLS // max(1, len(wanted)))
    start = 0
    for place in range(source.num_row_groups):
        rows = source.metadata.row_group(place).num_rows
        low, high = max(part.first - start, 0), min(part.first + part.rows - start, rows)
        start += rows
        if low >= high:
            continue
        passed = 0
        batches = source.iter_batches(size, row_groups=[place], columns=wanted, use_threads=False)
        while passed < high:
            with reading(where):
                batch = next(batches)
            begin, end = max(low - passed, 0), min(high - passed, batch.num_rows)
            passed += batch.num_rows
            if begin < end:
                yield pa.Table.from_batches([batch.slice(begin, end - begin)])


def _ahead(chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same chunks, each read while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk
