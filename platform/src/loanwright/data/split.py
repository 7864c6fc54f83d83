"""Which rows train, calibrate and test: a rule, computed anew wherever rows are read, never stored.

By time, a row trains only if its label was final when the next part begins: the embargo, as long as the
label takes to mature. By hash, a unit is dealt by its key alone, so it keeps its part when other rows
come or go. Either way, a decision whose label was not final when the data ends has no part: what did
not happen yet is no outcome.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from loanwright.data.dealing import bound, mixed
from loanwright.errors import DataError

if TYPE_CHECKING:
    from loanwright.config.learning import Fractions, Split

TRAIN, CALIBRATION, TEST, LEFT_OUT = 0, 1, 2, -1
_CARVED = 0x9E3779B97F4A7C15
"""Sets the hash that carves apart from the hash that deals; any odd number would do."""


def assign(
    split: Split,
    maturity: int,
    unit_hash: NDArray[np.uint64],
    decision_time: NDArray[np.datetime64],
    observed_until: datetime | None = None,
) -> NDArray[np.int8]:
    """The part of each row: 0 train, 1 calibration, 2 test, -1 left out.

    Args:
        maturity: seconds from a decision until its label is final.
        unit_hash: of each row's unit, uint64.
        decision_time: of each row, datetime64[us], UTC.
        observed_until: the data's end. Absent where nothing tells it, as for decisions of one constant moment:
            then labels count as final, save that a test slice without an end stops before the last decision.

    Raises:
        DataError: no row's label is final at the data's end.
    """
    if not len(decision_time):
        return np.empty(0, dtype=np.int8)
    final = decision_time + np.timedelta64(maturity, "s")
    if split.fractions is not None:
        part = _dealt(split.fractions, split.seed, unit_hash)
    else:
        end = decision_time.max() if observed_until is None else _instant(observed_until)
        part = _placed(split, decision_time, final, end)
    if observed_until is not None:
        known = final_labels(maturity, decision_time, observed_until)
        if not known.any():
            raise DataError(
                f"the data ends at {_day(observed_until)}, before the label of any decision is final "
                f"({shown_span(maturity)} after it)",
                fix="Bring newer data, correct 'matures_after', or give the moment up to which all outcomes "
                "are in the data as data_cutoff",
            )
        part[~known] = LEFT_OUT
    return part


def final_labels(
    maturity: int, decision_time: NDArray[np.datetime64], observed_until: datetime | None
) -> NDArray[np.bool_]:
    """Which decisions' labels were final when the data ends; see `assign`. Of the others, a 0 says nothing."""
    if observed_until is None:
        return np.ones(len(decision_time), dtype=np.bool_)
    known: NDArray[np.bool_] = decision_time + np.timedelta64(maturity, "s") <= _instant(observed_until)
    return known


def carve(
    split: Split,
    fraction: float,
    maturity: int,
    unit_hash: NDArray[np.uint64],
    decision_time: NDArray[np.datetime64],
    part: NDArray[np.int8],
) -> NDArray[np.bool_]:
    """The rows of train that are held out for early stopping: by the split's own rule, from train only.

    By hash: `fraction` of the units, by a hash of its own. By time: the latest `fraction` of the rows
    and all that share the earliest moment among them. `fitted` says which rows are then left to fit on.

    Raises:
        DataError: by time, all train rows are of one moment.
    """
    train = part == TRAIN
    if split.method == "hash":
        held = mixed(unit_hash ^ np.uint64(_CARVED), split.seed) < bound(Fraction(str(fraction)))
    else:
        held = decision_time >= _carved_from(fraction, decision_time[train])
    chosen: NDArray[np.bool_] = np.logical_and(train, held)
    return chosen


def fitted(
    split: Split,
    fraction: float,
    maturity: int,
    unit_hash: NDArray[np.uint64],
    decision_time: NDArray[np.datetime64],
    part: NDArray[np.int8],
) -> NDArray[np.bool_]:
    """The rows of train that trees are grown on when `carve` holds others out.

    By time, rows whose label was not final when the held-out rows begin are neither held out nor fitted.

    Raises:
        DataError: by time, all train rows are of one moment, or the embargo leaves none of them.
    """
    train = part == TRAIN
    left: NDArray[np.bool_]
    if split.method == "hash":
        left = np.logical_and(train, ~carve(split, fraction, maturity, unit_hash, decision_time, part))
        return left
    boundary = _carved_from(fraction, decision_time[train])
    left = np.logical_and(train, decision_time + np.timedelta64(maturity, "s") <= boundary)
    if train.any() and not left.any():
        raise DataError(
            f"no train row has its label final by {boundary}, when the rows held out for early stopping begin",
            fix="Give the train slice more time, or leave early_stopping out",
        )
    return left


def describe(split: Split, maturity: int, observed_until: datetime | None = None) -> dict[str, str]:
    """The rule in words, for the evidence: its method, and what each part is."""
    final = "" if observed_until is None else f"; only decisions whose label is final by {_day(observed_until)}"
    if split.fractions is not None:
        shares = split.fractions.model_dump()
        return {"method": f"by a hash of the unit's key, seed {split.seed}{final}"} | {
            part: f"{share:.4g} of the units" for part, share in shares.items()
        }
    calibration_from, test_from = _day(split.calibration_from), _day(split.test_from)
    if split.until:
        until = f"before {_day(split.until)}"
    else:
        until = "whose label is final by " + ("the last decision" if observed_until is None else _day(observed_until))
    return {
        "method": f"by decision time, with an embargo of {shown_span(maturity)}{final}",
        "train": f"decisions whose label is final by {calibration_from}",
        "calibration": f"decisions from {calibration_from} whose label is final by {test_from}",
        "test": f"decisions from {test_from}, {until}",
    }


def _dealt(fractions: Fractions, seed: int, unit_hash: NDArray[np.uint64]) -> NDArray[np.int8]:
    dealt = mixed(unit_hash, seed)
    train, calibration = (Fraction(str(share)) for share in (fractions.train, fractions.calibration))
    return ((dealt >= bound(train)).astype(np.int8) + (dealt >= bound(train + calibration))).astype(np.int8)


def _placed(
    split: Split, decision_time: NDArray[np.datetime64], final: NDArray[np.datetime64], end: np.datetime64
) -> NDArray[np.int8]:
    part = np.full(len(decision_time), LEFT_OUT, dtype=np.int8)
    calibration_from, test_from = _instant(split.calibration_from), _instant(split.test_from)
    part[final <= calibration_from] = TRAIN
    part[(decision_time >= calibration_from) & (final <= test_from)] = CALIBRATION
    inside = decision_time < _instant(split.until) if split.until else final <= end
    part[(decision_time >= test_from) & inside] = TEST
    return part


def _carved_from(fraction: float, decision_time: NDArray[np.datetime64]) -> np.datetime64:
    if not len(decision_time):
        return np.datetime64("NaT")
    held = max(1, int(Fraction(str(fraction)) * len(decision_time)))
    boundary = np.partition(decision_time, -held)[-held]
    if boundary == decision_time.min():
        raise DataError(
            f"all that is left to train on when {fraction:g} of the rows are held out lies at {boundary}",
            fix="Give the train slice more time, or leave early_stopping out",
        )
    return np.datetime64(boundary)


def _instant(moment: datetime | None) -> np.datetime64:
    if moment is None:
        return np.datetime64("NaT")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def shown_span(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"{seconds:,} seconds" if rest else f"{days:,} day{'' if days == 1 else 's'}"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
