"""The `train` step's work: training table in, published booster out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from loanwright.config.learning import Split, Training
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, open_store
from loanwright.training.crew import check_crew
from loanwright.training.gang.history import Outcome
from loanwright.training.gang.supervisor import Plan, supervise
from loanwright.training.job import Job
from loanwright.training.peers import Alone
from loanwright.training.preparation import fitting_rows, prepare
from loanwright.training.publishing import noted_booster
from loanwright.training.resources import Load, check_preparation, usable_threads


class Trained(NamedTuple):
    """A published booster, and what happened until it was."""

    uri: str
    outcome: Outcome | None
    """Of the workers' supervision; None where this process trained alone."""


def train(
    table_uri: str,
    split: Split,
    training: Training,
    store: Store,
    scratch: Path,
    *,
    workers: int = 1,
    shares: Sequence[float] | None = None,
    threads: int | None = None,
    code: str = "",
    fresh: str = "",
    place: Store | None = None,
) -> Trained:
    """Fits a booster on the train part and publishes it as a manifest of kind ``boosters``.

    Equal table and declarations give an equal URI, whatever the machine and the number of threads; under
    `training.exact` also whatever the number of workers and the deal of the rows. What an earlier call for the same
    training left behind, when it was killed, is gone on from.

    Args:
        table_uri: a manifest of kind ``tables``.
        split: the declared rule.
        training: the declared section.
        store: where to publish.
        scratch: a folder for local copies.
        workers: how many processes train on this machine; under `training.exact` at least two do.
        shares: the part of the rows that each worker gets, by rank; None: the same.
        threads: how many LightGBM may use where this process trains alone; None: as many as it has and the rows
            are worth.
        code: the digest of the installed package; what another one left behind is not gone on from.
        fresh: a name; only what was left behind under this name is gone on from.
        place: where workers leave their status; None: in scratch.

    Raises:
        DataError: the train part is empty, of one outcome, or teaches nothing, or is too small for the workers.
        DeclarationError: LightGBM refuses the parameters.
        EnvironmentFault: the rows do not fit into memory, or the workers broke down again and again.
        UsageError: there are more workers than this machine bears.
    """
    ranks = len(shares) if shares else max(workers, 2 if training.exact else 1)
    check_crew(ranks)
    # Workers are not there yet while all is prepared for them, so their cores are free.
    reading = (threads if ranks == 1 else None) or usable_threads()
    table = TrainingTable.open(table_uri, scratch, threads=reading)
    check_preparation(table.rows, len(table.features))
    preparation, load = _prepared(table, split, training, store, scratch, ranks, reading)
    job = Job(
        table=table_uri,
        preparation=preparation,
        split=split.model_dump(mode="json"),
        training=training.model_dump(mode="json"),
        shares=tuple(shares or [1.0] * ranks),
        code=code,
        fresh=fresh,
    )
    outcome = None
    if ranks == 1:
        from loanwright.training.worker import work

        work(Alone(), job, store, scratch, threads=threads, table=table)
    else:
        outcome = supervise(
            Plan(
                command=_command(job.publish(store), store, scratch, ranks),
                ranks=ranks,
                place=place or open_store(str(scratch / "status")),
                memory=load.arithmetic,
            )
        )
    uri = noted_booster(job, store)
    job.checkpoints(store).remove()
    return Trained(uri, outcome)


def _prepared(
    table: TrainingTable, split: Split, training: Training, store: Store, scratch: Path, ranks: int, threads: int
) -> tuple[str, Load]:
    """The URI of what all workers share, and what each of them has to hold."""
    keys = table.keys()
    rows, held = fitting_rows(table, keys, split, training)
    load = Load(
        int(rows.sum()),
        0 if held is None else int(held.sum()),
        len(table.features),
        training.parameters.max_bin,
        int(np.diff(table.bounds).max()),
        ranks,
        ranks,
    )
    scratch.mkdir(parents=True, exist_ok=True)
    return prepare(table, keys, rows, held, training, threads).publish(table, store, scratch), load


def _command(job: str, store: Store, scratch: Path, ranks: int) -> list[str]:
    module = "loanwright.training.worker"
    told = {"job": job, "store": store.root, "scratch": str(scratch), "beside": str(ranks)}
    return [sys.executable, "-m", module, *(f"--{name}={value}" for name, value in told.items())]
