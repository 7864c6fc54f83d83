"""One process of a gang that trains a model: ``python -m loanwright.training.worker --job URI --scratch FOLDER``.

Its rank, how many there are and how to meet the others come from the environment, as `loanwright.training.gang` reads
it; so any launcher can start it.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from loanwright.storage import Store, open_store
from loanwright.training.gang.membership import take_part
from loanwright.training.job import Job
from loanwright.training.peers import Member
from loanwright.training.quick_import import import_lightgbm_alone

if TYPE_CHECKING:
    from loanwright.features.table import TrainingTable


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Trains as the command line and the environment say, and ends the process."""
    parser = argparse.ArgumentParser(prog="python -m loanwright.training.worker", description=__doc__)
    parser.add_argument("--job", required=True, help="the URI of what to train")
    parser.add_argument("--store", required=True, help="the artifact store: checkpoints and the booster go there")
    parser.add_argument("--scratch", required=True, type=Path, help="a folder for local copies, of this worker alone")
    parser.add_argument("--beside", type=int, default=1, help="how many workers share this machine's memory and cores")
    told = parser.parse_args(arguments)
    _speak()
    import_lightgbm_alone()
    take_part(lambda member: work(member, Job.read(told.job), open_store(told.store), told.scratch, beside=told.beside))


def work(
    member: Member,
    job: Job,
    store: Store,
    scratch: Path,
    *,
    beside: int = 1,
    threads: int | None = None,
    table: TrainingTable | None = None,
) -> None:
    """One worker's part in a training; rank 0 publishes the booster and leaves a note of where.

    Args:
        member: this process among the others.
        job: what to train.
        store: the artifact store.
        scratch: a folder for local copies; workers of one machine may share it.
        beside: how many workers share this machine's memory and cores.
        threads: how many LightGBM may use; None: as many as the rows are worth, of this worker's part of the cores.
        table: the whole training table, where it is open already.

    Raises:
        LoanwrightError: whatever keeps the model from being trained.
    """
    from loanwright.training.publishing import note_booster, publish_booster
    from loanwright.training.team import train_share

    fitted = train_share(member, job, job.checkpoints(store), scratch, beside=beside, threads=threads, table=table)
    if fitted is not None:
        note_booster(job, store, publish_booster(fitted, job, store, scratch))


def _speak() -> None:
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logging.getLogger("loanwright").setLevel(logging.INFO)


if __name__ == "__main__":
    main()
