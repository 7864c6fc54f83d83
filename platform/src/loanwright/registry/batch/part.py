"""Scoring one part: its rows are read while the ones before them are scored, and its file appears whole."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loanwright.errors import StorageFault
from loanwright.registry.batch.chunks import chunks
from loanwright.registry.batch.inputs import Inputs
from loanwright.registry.batch.plan import Part
from loanwright.registry.batch.receipts import Receipt, give_receipt
from loanwright.registry.bundles import Bundle
from loanwright.registry.scoring_columns import ScoredColumns, reading
from loanwright.storage import file_digest, open_store

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
        for chunk in chunks(source, columns, part, where):
            scored.append(columns.score_matrix(chunk.kept, chunk.matrix))
            told(len(chunk.matrix))
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
