"""The whole of it: find the rows, deal them, score what is missing, write the manifest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import DataError, UsageError
from loanwright.registry.batch.inputs import Inputs, find_inputs
from loanwright.registry.batch.part import Job
from loanwright.registry.batch.plan import make_plan, settle_plan
from loanwright.registry.batch.receipts import Receipt, finish, finished, manifest_of, receipts
from loanwright.registry.batch.workers import score_parts
from loanwright.registry.scoring_columns import ScoredColumns
from loanwright.storage import open_store
from loanwright.training.resources import usable_threads

if TYPE_CHECKING:
    import pyarrow as pa

    from loanwright.registry.bundles import Bundle

PART_ROWS = 1 << 19
"""Rows of a part: some seconds of work, and a file of some MiB."""
EXPLAINED_ROWS = 1 << 14
"""The same where reason codes are asked for: a row of them takes as long as a hundred others."""
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Scored:
    """What came of it."""

    rows: int
    parts: int
    kept: int
    """Parts that were whole already."""


def score_into_parts(
    bundle: Bundle,
    rows: str,
    output: str,
    scratch: Path,
    *,
    reasons: int = 0,
    processes: int | None = None,
    part_rows: int | None = None,
    watch: Callable[[int, int], None] | None = None,
) -> Scored:
    """Scores a file, a folder or an S3 prefix of parquet files into another folder or prefix.

    The output holds ``part-000000.parquet`` and so on, in the order of the input's file names and of the rows in
    them, with the columns of `scoring.score_file`; and, written last, ``_manifest.json``, with the SHA-256 of every
    part and what it was made from. All of it is byte-identical for any number of processes. Begun again after
    whatever end, it goes on from the parts that are whole: their digests are checked, and they are not scored again.

    Args:
        bundle: an opened bundle.
        rows: where the rows are; as for `score_file`, in every file.
        output: an empty place, or one where this very work was begun.
        scratch: a folder for one part for each process.
        reasons: how many reason codes a row gets at most.
        processes: how many score at a time; None: one for each processor.
        part_rows: about how many rows a part has; None: as many as usual.
        watch: told of the rows that are scored and of all.

    Raises:
        UsageError: there is nothing to score, or the output is not empty and of something else.
        DataError: a file is not parquet or cannot be scored, or was changed meanwhile.
        StorageFault: a place cannot be read or written.
        EnvironmentFault: a process was killed.
    """
    _check_apart(rows, output)
    inputs, schemas = find_inputs(rows)
    schema = _common(bundle, inputs, schemas, reasons)
    plan = make_plan(bundle.digest, reasons, inputs, part_rows or (EXPLAINED_ROWS if reasons else PART_ROWS))
    store = open_store(output)
    made = finished(store, plan)
    if made is None:
        settle_plan(store, plan)
        made = receipts(store, plan)
    kept = len(made)
    missing = [part for part in plan.parts if part.number not in made]
    if kept:
        _log.info("%d of %d parts are whole already", kept, len(plan.parts))
    total, done = sum(part.rows for part in plan.parts), sum(one.rows for one in made.values())

    def told(more: int) -> None:
        nonlocal done
        done += more
        if watch is not None:
            watch(done, total)

    def note(number: int, receipt: Receipt) -> None:
        made[number] = receipt

    usable = usable_threads()
    at_once = max(1, min(processes or usable, len(missing)))
    job = Job(_local_copy(bundle, scratch), inputs, store.root, reasons, scratch, threads=max(1, usable // at_once))
    score_parts(job, missing, at_once, told, note)
    finish(store, plan, manifest_of(plan, schema, made))
    return Scored(total, len(plan.parts), kept)


def _check_apart(rows: str, output: str) -> None:
    """Refuses places of which one lies in the other: scores would be taken for rows."""
    source, target = (_place(uri) for uri in (rows, output))
    if f"{source}/".startswith(f"{target}/") or f"{target}/".startswith(f"{source}/"):
        raise UsageError(f"{output} and {rows} lie in one another", fix="Name a place apart for the scores")


def _place(uri: str) -> str:
    if uri.startswith("s3://"):
        return uri.rstrip("/")
    return str(Path(uri.removeprefix("file://")).resolve())


def _common(bundle: Bundle, inputs: Inputs, schemas: list[pa.Schema], reasons: int) -> pa.Schema:
    """The schema of the scores, which is that of every file's scores."""
    found = [ScoredColumns(bundle, one, inputs.where(n), reasons).schema for n, one in enumerate(schemas)]
    for number, schema in enumerate(found):
        if not schema.equals(found[0]):
            odd = next(
                name for name in (*schema.names, *found[0].names) if _type(schema, name) != _type(found[0], name)
            )
            raise DataError(
                f"{odd!r} is {_type(found[0], odd)} in {inputs.where(0)} and {_type(schema, odd)} in "
                f"{inputs.where(number)}",
                fix="Give files with the same key columns",
            )
    return found[0]


def _type(schema: pa.Schema, name: str) -> str:
    return str(schema.field(name).type) if name in schema.names else "absent"


def _local_copy(bundle: Bundle, scratch: Path) -> Path:
    folder = scratch / "bundle"
    if not folder.exists():
        bundle.copy_to(folder)
    return folder
