"""Folds on constructed rows: no row both fits and judges, nothing beside train is touched, and time runs one way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loanwright.data.folds import folds
from loanwright.data.split import CALIBRATION, LEFT_OUT, TEST, TRAIN, assign, carve
from loanwright.errors import DataError
from tests.unit.data.test_split import DAY, HASHED, TIMED, hashes

ROWS = 4000
TIMES = np.datetime64("2024-01-01", "us") + np.arange(ROWS) * np.timedelta64(2, "h")


def parts(split: Any, maturity: int) -> Any:
    return assign(split, maturity, hashes(ROWS), TIMES)


@pytest.mark.parametrize(("split", "maturity"), [(HASHED, 0), (TIMED, 30 * DAY)])
def test_folds_lie_in_train_and_never_overlap(split: Any, maturity: int) -> None:
    part = parts(split, maturity)
    assert {TRAIN, CALIBRATION, TEST} <= set(part.tolist())
    made = folds(split, 5, maturity, hashes(ROWS), TIMES, part)
    assert len(made) == 5
    for fold in made:
        assert not (fold.fitted & fold.judged).any()
        assert (part[fold.fitted | fold.judged] == TRAIN).all()
    judged = np.sum([fold.judged for fold in made], axis=0)
    assert judged.max() == 1, "no row judges twice"


def test_by_hash_every_train_row_judges_once_and_fits_otherwise() -> None:
    part = parts(HASHED, 0)
    made = folds(HASHED, 5, 0, hashes(ROWS), TIMES, part)
    assert (np.sum([fold.judged for fold in made], axis=0) == (part == TRAIN)).all()
    for fold in made:
        assert ((fold.fitted | fold.judged) == (part == TRAIN)).all()
        assert 0.17 < fold.judged.sum() / (part == TRAIN).sum() < 0.23


def test_by_hash_a_unit_has_one_fold_whatever_rows_stand_beside_it() -> None:
    part = parts(HASHED, 0)
    all_rows = folds(HASHED, 4, 0, hashes(ROWS), TIMES, part)
    some = np.arange(0, ROWS, 3)
    fewer = folds(HASHED, 4, 0, hashes(ROWS)[some], TIMES[some], part[some])
    for one, other in zip(all_rows, fewer, strict=True):
        assert (one.judged[some] == other.judged).all()


def test_by_hash_folds_are_dealt_apart_from_what_stops_early() -> None:
    part = parts(HASHED, 0)
    held = carve(HASHED, 0.2, 0, hashes(ROWS), TIMES, part)
    for fold in folds(HASHED, 5, 0, hashes(ROWS), TIMES, part):
        assert 0.12 < held[fold.judged].mean() < 0.28


def test_by_time_only_what_was_final_before_a_fold_fits_it() -> None:
    maturity = 30 * DAY
    part = parts(TIMED, maturity)
    before: set[int] = set()
    for fold in folds(TIMED, 4, maturity, hashes(ROWS), TIMES, part):
        begin = TIMES[fold.judged].min()
        assert (TIMES[fold.fitted] + np.timedelta64(maturity, "s") <= begin).all()
        waiting = (part == TRAIN) & (begin > TIMES) & (TIMES + np.timedelta64(maturity, "s") > begin)
        assert waiting.any(), "the embargo holds rows back"
        assert not fold.fitted[waiting].any()
        grown = set(np.flatnonzero(fold.fitted).tolist())
        assert before < grown, "windows grow"
        before = grown


def test_by_time_folds_are_of_like_size() -> None:
    part = parts(TIMED, 0)
    sizes = [int(fold.judged.sum()) for fold in folds(TIMED, 4, 0, hashes(ROWS), TIMES, part)]
    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == pytest.approx(0.8 * (part == TRAIN).sum(), abs=2)


def test_a_train_part_that_is_too_short_is_one_clear_error() -> None:
    part = parts(TIMED, 0)
    one_moment = np.full(ROWS, TIMES[0])
    with pytest.raises(
        DataError, match="too few moments of decision, 0 days and more after its first one, to be cut into"
    ):
        folds(TIMED, 4, 0, hashes(ROWS), one_moment, part)
    with pytest.raises(DataError, match=r"Lower search\.folds"):
        folds(TIMED, 4, 400 * DAY, hashes(ROWS), TIMES, part)
    with pytest.raises(DataError, match="fold 1 of 3 has no rows to be judged by"):
        folds(HASHED, 3, 0, hashes(ROWS), TIMES, np.full(ROWS, LEFT_OUT, np.int8))
