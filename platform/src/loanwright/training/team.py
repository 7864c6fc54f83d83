"""One worker's part: its stretch of the training table, loaded, and fitted together with the others'."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Training
from loanwright.features.table import TrainingTable
from loanwright.training.checkpoints import Checkpoints
from loanwright.training.deal import deal
from loanwright.training.fitting import Fitted, fit_share
from loanwright.training.job import Job
from loanwright.training.parameters import lightgbm_parameters
from loanwright.training.peers import Member
from loanwright.training.preparation import Preparation, read_preparation
from loanwright.training.resources import Load, check_memory, memory_told, usable_threads
from loanwright.training.share import Share, load_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger("loanwright")


def train_share(
    member: Member,
    job: Job,
    checkpoints: Checkpoints,
    scratch: Path,
    *,
    beside: int = 1,
    threads: int | None = None,
    table: TrainingTable | None = None,
) -> Fitted | None:
    """Fits the job's booster together with the other workers; the result at rank 0, None elsewhere.

    Args:
        member: this process among the others.
        job: what to train.
        checkpoints: where to go on from, and what to leave behind.
        scratch: a folder for copies of the files that hold this worker's rows.
        beside: how many workers share this machine's memory and cores.
        threads: how many LightGBM may use; None: this worker's part of the cores, as far as its rows are worth it.
        table: the whole training table, where it is open already.

    Raises:
        DataError: there are fewer rows than workers, or nothing to tell them apart by.
        DeclarationError: LightGBM refuses the parameters.
        EnvironmentFault: this worker's rows do not fit into its memory.
    """
    member.beat(state="loading")
    training = job.declared_training
    prepared = read_preparation(job.preparation, training, scratch, threads or max(1, usable_threads() // beside))
    spans = deal(prepared.rows, job.shares)
    features = len(prepared.encoding.features)
    rows = int(prepared.rows[slice(*spans[member.rank])].sum())
    threads = threads or max(1, min(usable_threads(rows * features), usable_threads() // beside))
    read = partial(_read, job.table, scratch, prepared, training, lambda: member.beat(state="loading"))
    held = prepared.held if member.rank == 0 else None
    mine = table or TrainingTable.open(job.table, scratch, spans[member.rank])
    group = int(np.diff(mine.bounds).max())
    held_rows = prepared.totals.held_rows if member.rank == 0 else 0
    load = Load(prepared.totals.rows, held_rows, features, training.parameters.max_bin, group, member.ranks, beside)
    check_memory(load)
    _log.info("worker %d of %d: reading %s rows of %d features", member.rank, member.ranks, f"{rows:,}", features)
    with memory_told(load):
        share = read(prepared.rows, spans[member.rank], mine)
        kept = None if held is None else read(held, _span(held))
        parameters = lightgbm_parameters(training, prepared.encoding.features, threads)
        return fit_share(share, kept, training, parameters, prepared.totals, member, checkpoints)


def _read(
    uri: str,
    scratch: Path,
    prepared: Preparation,
    training: Training,
    beat: Callable[[], None],
    rows: NDArray[np.bool_],
    span: tuple[int, int],
    table: TrainingTable | None = None,
) -> Share:
    """The chosen rows of a stretch of the table."""
    table = table or TrainingTable.open(uri, scratch, span)
    start, end = span
    chosen = np.zeros(table.rows, dtype=np.bool_)
    chosen[start - table.first : end - table.first] = rows[start:end]
    return load_share(table, prepared.encoding, prepared.bins, table.keys(), chosen, training, prepared.totals, beat)


def _span(rows: NDArray[np.bool_]) -> tuple[int, int]:
    """The stretch from the first of these rows to the last."""
    places = np.flatnonzero(rows)
    return int(places[0]), int(places[-1]) + 1
