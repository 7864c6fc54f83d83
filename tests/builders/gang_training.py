"""Trains with a gang of threads, on whatever deal of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loanwright.config.learning import Fractions, Split, Training
from loanwright.features.table import TrainingTable
from loanwright.storage import Store
from loanwright.training.fitting import Fitted
from loanwright.training.job import Job
from loanwright.training.preparation import fitting_rows, prepare
from loanwright.training.team import train_share
from tests.builders.gangs import together

SPLIT = Split(method="hash", fractions=Fractions(train=0.7, calibration=0.1, test=0.2))


def make_job(table: TrainingTable, training: Training, store: Store, scratch: Path) -> Job:
    """The job of a training; it has one worker until `dealt` says otherwise."""
    keys = table.keys()
    rows, held = fitting_rows(table, keys, SPLIT, training)
    scratch.mkdir(parents=True, exist_ok=True)
    preparation = prepare(table, keys, rows, held, training).publish(table, store, scratch)
    said = {"split": SPLIT.model_dump(mode="json"), "training": training.model_dump(mode="json")}
    return Job(table.manifest.uri, preparation, **said, shares=(1.0,), code="of the tests")


def fit_dealt(
    job: Job, shares: Sequence[float], store: Store, scratch: Path, *, stop_after: int | None = None, keep: bool = False
) -> Fitted:
    """What a gang with these shares of the rows makes of the job, from its checkpoints on.

    Args:
        job: what to train.
        shares: the part of the rows that each rank gets.
        store: where checkpoints are.
        scratch: for local copies.
        stop_after: the gang is told to stop in this round.
        keep: leave the checkpoints there.
    """
    job = replace(job, shares=tuple(shares))
    checkpoints = job.checkpoints(store)
    made = together(
        len(shares), lambda member: train_share(member, job, checkpoints, scratch, threads=1), stop_after=stop_after
    )
    if not keep:
        checkpoints.remove()
    assert made[0] is not None
    assert not any(made[1:])
    return made[0]
