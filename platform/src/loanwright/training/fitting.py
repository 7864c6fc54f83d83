"""Fitting one booster on the chosen rows of a training table."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from loanwright.config.learning import Training
from loanwright.errors import DataError, DeclarationError
from loanwright.training.dataset import training_data, validation_data
from loanwright.training.encoding import EncodedFeature, Encoding
from loanwright.training.model_text import normalise
from loanwright.training.parameters import lightgbm_parameters
from loanwright.training.resources import check_memory, usable_threads

if TYPE_CHECKING:
    from lightgbm.callback import CallbackEnv
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable

_log = logging.getLogger("loanwright")
_HELD = "validation"


@dataclass(frozen=True)
class Fitted:
    """A booster, as what is kept of it."""

    model_text: str
    features: tuple[EncodedFeature, ...]
    rounds: int
    """Trees in it: up to the best round, where stopping was declared."""
    metric: str
    """The early-stopping metric; empty without."""
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
    """Fits a booster. Equal rows and declarations give an equal text, whatever the number of threads.

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
    check_classes(label[rows], "rows to train on")
    if held is not None:
        check_classes(label[held], "rows held out for early stopping", fix="Raise early_stopping.fraction")
    total = int(rows.sum()) + (0 if held is None else int(held.sum()))
    group = int(np.diff(table.bounds).max())
    check_memory(total, len(table.features), training.parameters.max_bin, group)

    import lightgbm as lgb

    encoding = Encoding.learn(table, rows)
    parameters = lightgbm_parameters(
        training, encoding.features, threads or usable_threads(total * len(table.features))
    )
    history: dict[str, dict[str, list[float]]] = {}
    callbacks: list[Callable[[CallbackEnv], None]] = [_Progress(training.rounds)]
    options: dict[str, Any] = {}
    stopping = training.early_stopping
    _log.info("reading %s rows of %d features", f"{total:,}", len(encoding.features))
    try:
        data = training_data(table, encoding, rows, label, parameters)
        if held is not None and stopping is not None:
            options = {"valid_sets": [validation_data(table, encoding, held, label, data)], "valid_names": [_HELD]}
            callbacks += [
                lgb.record_evaluation(history),
                lgb.early_stopping(stopping.patience, verbose=False),
            ]
            if stopping.metric == "binary_logloss":
                # LightGBM's own is summed over threads: its last digits depend on their number.
                parameters["metric"], options["feval"] = "None", _log_loss
            else:
                parameters["metric"] = stopping.metric
        booster = lgb.train(
            parameters, data, training.rounds, callbacks=callbacks, keep_training_booster=True, **options
        )
    except lgb.basic.LightGBMError as error:
        said = str(error).split(" at /")[0]  # without the place in LightGBM's own source
        raise DeclarationError(
            f"LightGBM refuses the declared training: {said}", fix="Change training.parameters"
        ) from error
    rounds = booster.best_iteration if options else booster.current_iteration()
    if not booster.feature_importance("split", iteration=rounds).sum():
        raise DataError(
            f"no split of any feature improves the prediction of the {int(rows.sum()):,} rows to train on",
            fix="Lower min_data_in_leaf, min_sum_hessian_in_leaf or min_gain_to_split, or supply more rows",
        )
    values = next(iter(history.get(_HELD, {"": []}).values()))
    text = normalise(booster.model_to_string(num_iteration=rounds))
    return Fitted(text, encoding.features, rounds, stopping.metric if options and stopping else "", list(values))


def check_classes(label: NDArray[np.int8], what: str, *, fix: str | None = None) -> None:
    """Refuses rows that are none, or all of one outcome.

    Raises:
        DataError: naming `what`.
    """
    fix = fix or "Check the split's boundaries and the label against the data"
    if not label.size:
        raise DataError(f"there are no {what}", fix=fix)
    if label.min() == label.max():
        raise DataError(f"all {label.size:,} {what} have the outcome {int(label[0])}", fix=fix)


def _log_loss(predicted: NDArray[np.float64], data: Any) -> tuple[str, float, bool]:
    likely = np.where(data.get_label() > 0, predicted, 1.0 - predicted)
    return "binary_logloss", float(-np.log(np.clip(likely, 1e-15, None)).mean()), False


class _Progress:
    """Logs the round, at most every two seconds; a LightGBM callback."""

    order = 50

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._last = time.monotonic()

    def __call__(self, env: CallbackEnv) -> None:
        if time.monotonic() - self._last >= 2:
            self._last = time.monotonic()
            measured = "".join(f", {entry[1]} {entry[2]:.5f}" for entry in env.evaluation_result_list or ())
            _log.info("round %d of %d%s", env.iteration + 1, self._rounds, measured)
