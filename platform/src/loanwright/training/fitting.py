"""Fitting one booster on rows that were prepared: segment by segment, stopped early, cut to the best round."""

from __future__ import annotations

import logging
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.config.learning import Training
from loanwright.errors import DataError
from loanwright.training.checkpoints import Checkpoints
from loanwright.training.encoding import EncodedFeature
from loanwright.training.growing import Grower
from loanwright.training.model_text import assembled, normalise
from loanwright.training.parameters import declared_values, lightgbm_parameters
from loanwright.training.peers import Alone, Member
from loanwright.training.preparation import prepare
from loanwright.training.resources import Load, check_memory, usable_threads
from loanwright.training.segments import Progress, Segment, bounds
from loanwright.training.share import Share, Totals, load_share
from loanwright.training.stopping import Verdict, judge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable

_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Fitted:
    """A booster, as what is kept of it."""

    model_text: str
    features: tuple[EncodedFeature, ...]
    rounds: int
    """Trees in it: up to the best round, where stopping was declared."""
    metric: str
    """The early-stopping metric; empty without."""
    rows: int
    """How many it was fitted on."""
    held_rows: int
    """How many were held out for early stopping."""
    validation: list[float] = field(default_factory=list)
    """That metric on the held rows after each round that was fitted."""


def fit(
    table: TrainingTable,
    rows: NDArray[np.bool_],
    held: NDArray[np.bool_] | None,
    label: NDArray[np.int8],
    training: Training,
    threads: int | None = None,
) -> Fitted:
    """Fits a booster in this process alone. Equal rows and declarations give an equal text, whatever the threads.

    Args:
        table: the training table.
        rows: one truth value for each row of the table: those to fit on.
        held: those held out for early stopping; None without.
        label: 0 or 1 for each row of the table.
        training: the declared section.
        threads: how many LightGBM may use; None: as many as this process has and the rows are worth.

    Raises:
        DataError: there are no rows, or only one outcome among them, or nothing to tell them apart by.
        DeclarationError: LightGBM refuses the parameters.
        EnvironmentFault: the rows do not fit into memory.
    """
    fitted_rows, held_rows = int(rows.sum()), 0 if held is None else int(held.sum())
    total, group = fitted_rows + held_rows, int(np.diff(table.bounds).max())
    check_memory(Load(fitted_rows, held_rows, len(table.features), training.parameters.max_bin, group))
    threads = threads or usable_threads(total * len(table.features))
    keys = table.keys()._replace(label=label)
    prepared = prepare(table, keys, rows, held, training, threads)
    parameters = lightgbm_parameters(training, prepared.encoding.features, threads)
    _log.info("reading %s rows of %d features", f"{total:,}", len(prepared.encoding.features))

    def share(chosen: NDArray[np.bool_]) -> Share:
        return load_share(table, prepared.encoding, prepared.bins, keys, chosen, training, prepared.totals)

    fitted = fit_share(
        share(rows), None if held is None else share(held), training, parameters, prepared.totals, Alone()
    )
    if fitted is None:
        raise AssertionError("a process on its own is rank 0")
    return fitted


def fit_share(
    share: Share,
    held: Share | None,
    training: Training,
    parameters: dict[str, Any],
    totals: Totals,
    member: Member,
    checkpoints: Checkpoints | None = None,
) -> Fitted | None:
    """Fits a booster together with the other processes; the result at rank 0, None elsewhere.

    Args:
        share: this process's rows.
        held: the rows held out for early stopping, at rank 0; else None.
        training: the declared section.
        parameters: LightGBM's.
        totals: of all processes.
        member: this process among those that train together.
        checkpoints: where to go on from, and what to leave behind; None: start anew, and leave nothing.

    Raises:
        DataError: no split of any feature improves the prediction.
        DeclarationError: LightGBM refuses the parameters.
        StorageFault: a checkpoint cannot be stored.
    """
    progress = _found(checkpoints, member)
    verdict = _shared_verdict(progress, training, member)
    if not verdict.stop and progress.rounds < training.rounds:
        with closing(Grower(share, held, training, parameters, totals, member, progress)) as grower:
            for first, behind in bounds(training.rounds, training.segment, progress.rounds):
                segment = grower.grow(first, behind)
                if checkpoints is not None and member.rank == 0:
                    checkpoints.save(len(progress.segments), segment)
                progress += segment
                verdict = _shared_verdict(progress, training, member)
                member.segment_done(behind)
                if verdict.stop:
                    break
                if member.circle.any(member.stopping):
                    member.stop()
    return _finished(progress, verdict, share, training, totals, member)


def _found(checkpoints: Checkpoints | None, member: Member) -> Progress:
    """What is there of this training, at every rank the same."""
    found = checkpoints.load() if checkpoints is not None and member.rank == 0 else Progress()
    segments = member.circle.share([segment.as_json() for segment in found.segments])
    return Progress(tuple(Segment.of_json(segment) for segment in segments))


def _shared_verdict(progress: Progress, training: Training, member: Member) -> Verdict:
    """Rank 0, which alone has the held rows, says where training ends."""
    verdict = Verdict(progress.rounds, progress.rounds, False)
    if training.early_stopping is not None and member.rank == 0 and progress.values:
        verdict = judge(progress.values, training.early_stopping)
    return Verdict(*member.circle.share(list(verdict)))


def _finished(
    progress: Progress, verdict: Verdict, share: Share, training: Training, totals: Totals, member: Member
) -> Fitted | None:
    """The model of the best round."""
    head, trees = progress.model(verdict.best, totals.start)
    if not trees:
        raise DataError(
            f"no split of any feature improves the prediction of the {totals.rows:,} rows to train on",
            fix="Lower min_data_in_leaf, min_sum_hessian_in_leaf or min_gain_to_split, or supply more rows",
        )
    if member.rank > 0:
        return None
    stopping = training.early_stopping
    return Fitted(
        normalise(assembled(head, trees), declared_values(training)),
        share.rows.encoding.features,
        len(trees),
        stopping.metric if stopping else "",
        totals.rows,
        totals.held_rows,
        progress.values[: verdict.last],
    )
