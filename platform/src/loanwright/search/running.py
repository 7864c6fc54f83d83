"""One trial: a model for each fold of the train part, measured on that fold's own rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from loanwright.data.folds import Fold, folds
from loanwright.data.split import LEFT_OUT, TRAIN, carve, fitted
from loanwright.errors import DataError, DeclarationError, UserError
from loanwright.evaluation.metrics import calculate
from loanwright.evaluation.ranking import rank
from loanwright.features.table import Keys, TrainingTable
from loanwright.search.trials import FoldResult, Result, Trial
from loanwright.training.calibrators import logistic
from loanwright.training.fitting import fit
from loanwright.training.preparation import check_classes
from loanwright.training.resources import usable_threads
from loanwright.training.scorer import Scorer

if TYPE_CHECKING:
    from numpy.typing import NDArray

_log = logging.getLogger("loanwright")


def run_trial(table: TrainingTable, trial: Trial, *, side_by_side: int = 1) -> Result:
    """What the trial comes to. Equal trials give an equal result, whatever the number of threads.

    Every fold is fitted with the same seed as every other trial's, so that trials differ by their values alone. Where
    the training section stops early, rows for it are carved out of the fold's own by the split's rule. Scores are
    measured as the booster gives them, not calibrated.

    Args:
        table: the training table; rows outside the train part are neither fitted on nor judged.
        trial: what is tried.
        side_by_side: how many trials share this machine's processors.

    Returns:
        A result for each fold; or the reason, where nothing can be fitted with these values.

    Raises:
        UserError: nothing can be fitted with the declared values either.
    """
    keys = table.keys()
    part = table.part(trial.split, keys)
    made = folds(trial.split, trial.folds, table.maturity, keys.unit_hash, keys.decision_time, part)
    _check(keys, made)
    results = []
    for number, fold in enumerate(made, 1):
        try:
            results.append(_of_fold(table, keys, trial, fold, side_by_side))
        except (DataError, DeclarationError) as error:
            if trial.number == 0:
                raise _of_declared(error, number) from error
            _log.info("trial %d: fold %d cannot be fitted: %s", trial.number, number, error.problem)
            return Result(trial.number, trial.values, (), f"fold {number}: {error.problem}")
        _log.info(
            "trial %d: fold %d of %d, %s %.5f", trial.number, number, trial.folds, trial.metric, results[-1].value
        )
    return Result(trial.number, trial.values, tuple(results))


def _check(keys: Keys, made: list[Fold]) -> None:
    """What no trial could do anything about ends the search at once."""
    for number, fold in enumerate(made, 1):
        of = f"fold {number} of {len(made)}"
        check_classes(keys.label[fold.judged], f"rows to judge {of} by", fix="Lower search.folds")
        check_classes(keys.label[fold.fitted], f"rows to fit {of} on", fix="Lower search.folds")


def _of_declared(error: UserError, number: int) -> UserError:
    return type(error)(f"the declared training fails in fold {number}: {error.problem}", fix=error.fix)


def _of_fold(table: TrainingTable, keys: Keys, trial: Trial, fold: Fold, side_by_side: int) -> FoldResult:
    rows, held = _rows_to_fit(table, keys, trial, fold)
    values = int(fold.fitted.sum()) * len(table.features)
    threads = min(usable_threads(values), max(1, usable_threads() // side_by_side))
    made = fit(table, rows, held, keys.label, trial.training, threads)
    margins = Scorer(made.model_text, made.features, threads=threads).margins_of(table, fold.judged)
    ranked = rank(logistic(margins), keys.label[fold.judged])
    value = float(calculate(ranked, ranked.once(), [trial.metric])[trial.metric][0])
    return FoldResult(value, made.rounds, int(rows.sum()), int(fold.judged.sum()))


def _rows_to_fit(
    table: TrainingTable, keys: Keys, trial: Trial, fold: Fold
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """The fold's rows to fit on, and those held out of them for early stopping; None without."""
    stopping = trial.training.early_stopping
    if stopping is None:
        return fold.fitted, None
    part = np.where(fold.fitted, TRAIN, LEFT_OUT).astype(np.int8)
    rule = (trial.split, stopping.fraction, table.maturity, keys.unit_hash, keys.decision_time, part)
    return fitted(*rule), carve(*rule)
