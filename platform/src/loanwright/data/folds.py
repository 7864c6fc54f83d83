"""Folds of the train part: on what each is fitted and by what it is judged, by the split's own method.

By hash, units are dealt by their key, and each fold is judged by a model of all the others. By time, windows grow: each
fold is judged by a model of the decisions before it whose label was final when it begins, as it will be in use.
Rows that calibrate or test are in no fold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loanwright.config.learning import Split
from loanwright.data.dealing import mixed
from loanwright.data.split import TRAIN, shown_span
from loanwright.errors import DataError

_DEALT = 0xC2B2AE3D27D4EB4F
"""Sets the hash that deals folds apart from those that split and carve; any odd number would do."""


class Fold(NamedTuple):
    """One truth value for each row of the table, twice; no row has both."""

    fitted: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def folds(
    split: Split,
    count: int,
    maturity: int,
    unit_hash: NDArray[np.uint64],
    decision_time: NDArray[np.datetime64],
    part: NDArray[np.int8],
) -> list[Fold]:
    """The folds of the train part.

    By time, what follows the first label that is final is cut into one span more than there are folds, of about as
    many rows each; the first span is fitted on only.

    Args:
        split: the declared rule.
        count: how many folds.
        maturity: seconds from a decision until its label is final.
        unit_hash: of each row's unit, uint64.
        decision_time: of each row, datetime64[us], UTC.
        part: of each row, as `split.assign` gives it.

    Raises:
        DataError: a fold has nothing to be fitted on or judged by.
    """
    train = part == TRAIN
    made = (
        _dealt(split, count, unit_hash, train)
        if split.method == "hash"
        else _grown(count, maturity, decision_time, train)
    )
    for number, fold in enumerate(made, 1):
        if not fold.judged.any() or not fold.fitted.any():
            raise DataError(
                f"fold {number} of {count} has no rows to be {'fitted on' if fold.judged.any() else 'judged by'}",
                fix="Lower search.folds, or give the train part more rows",
            )
    return made


def _dealt(split: Split, count: int, unit_hash: NDArray[np.uint64], train: NDArray[np.bool_]) -> list[Fold]:
    dealt = mixed(unit_hash ^ np.uint64(_DEALT), split.seed)
    # The upper half of the hash, so that the product stays within 64 bits.
    number = ((dealt >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)
    return [Fold(train & (number != at), train & (number == at)) for at in range(count)]


def _grown(count: int, maturity: int, decision_time: NDArray[np.datetime64], train: NDArray[np.bool_]) -> list[Fold]:
    final = decision_time + np.timedelta64(maturity, "s")
    # Before the first label is final there is nothing to be fitted on, so no cut is worth making there.
    moments = np.sort(decision_time[train & (decision_time >= final[train].min())]) if train.any() else np.empty(0)
    cuts = [moments[len(moments) * at // (count + 1)] for at in range(1, count + 1)] if len(moments) else []
    if len(set(cuts)) < count:
        raise DataError(
            f"the train part has too few moments of decision, {shown_span(maturity)} and more after its first one, to "
            f"be cut into {count} folds",
            fix="Lower search.folds, or give the train part more time",
        )
    made = []
    for begin, end in zip(cuts, [*cuts[1:], None], strict=True):
        judged = train & (decision_time >= begin)
        made.append(Fold(train & (final <= begin), judged if end is None else judged & (decision_time < end)))
    return made
