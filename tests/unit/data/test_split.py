"""The split's rule on constructed rows: every edge of the embargo, and the deal by hash to its very values."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from loanwright.config.learning import Fractions, Split
from loanwright.data.split import CALIBRATION, LEFT_OUT, TEST, TRAIN, assign, carve, describe, fitted
from loanwright.errors import DataError

DAY = 86_400
HASHED = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
TIMED = Split(
    method="time",
    calibration_from=datetime(2024, 7, 1, tzinfo=UTC),
    test_from=datetime(2024, 10, 1, tzinfo=UTC),
    until=datetime(2025, 1, 1, tzinfo=UTC),
)


GOLDEN_PARTS = [2, 0, 0, 2, 0, 1, 0, 2, 0, 0, 0, 0]
"""Of the keys 1 to 12, with seed 0 and 7: a change of these deals every shipped model's units anew."""
GOLDEN_PARTS_SEED_7 = [0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]


def hashes(count: int) -> NDArray[np.uint64]:
    """The unit hashes of keys 1, 2, …, as the training table holds them."""
    digests = [hashlib.md5(str(key).encode(), usedforsecurity=False).digest()[:8] for key in range(1, count + 1)]
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.uint64)


def moments(*texts: str) -> NDArray[np.datetime64]:
    return np.array(texts, dtype="datetime64[us]")


def by_time(times: NDArray[np.datetime64], maturity: int, split: Split = TIMED) -> list[int]:
    return [int(part) for part in assign(split, maturity, np.zeros(len(times), np.uint64), times)]


def test_units_are_dealt_by_known_values() -> None:
    nothing = np.full(12, "2005-10-01", dtype="datetime64[us]")
    dealt = assign(HASHED, DAY, hashes(12), nothing)
    assert dealt.tolist() == GOLDEN_PARTS
    assert dealt.dtype == np.int8
    reseeded = HASHED.model_copy(update={"seed": 7})
    assert assign(reseeded, DAY, hashes(12), nothing).tolist() == GOLDEN_PARTS_SEED_7


def test_shares_hold_and_no_unit_moves_when_others_come() -> None:
    units = hashes(20_000)
    times = np.full(20_000, "2005-10-01", dtype="datetime64[us]")
    dealt = assign(HASHED, DAY, units, times)
    shares = [float((dealt == part).mean()) for part in (TRAIN, CALIBRATION, TEST)]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.012)
    assert (dealt != LEFT_OUT).all()
    some = np.arange(0, 20_000, 7)[::-1]
    assert (assign(HASHED, DAY, units[some], times[some]) == dealt[some]).all()


def test_the_hash_is_dealt_at_its_bounds() -> None:
    everything = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert set(assign(HASHED, DAY, everything, moments("2024-01-01", "2024-01-01")).tolist()) <= {0, 1, 2}


def test_another_seed_deals_anew() -> None:
    units, times = hashes(5_000), np.full(5_000, "2005-10-01", dtype="datetime64[us]")
    one, two = (assign(HASHED.model_copy(update={"seed": seed}), DAY, units, times) for seed in (0, 1))
    assert float((one == two).mean()) == pytest.approx(0.6**2 + 2 * 0.2**2, abs=0.03)


def test_the_embargo_is_exact_to_the_microsecond() -> None:
    """Maturity 30 days: train decisions are final by 1 July, so the last is on 1 June at midnight."""
    times = moments(
        "2024-06-01T00:00:00",
        "2024-06-01T00:00:00.000001",
        "2024-06-30T23:59:59.999999",
        "2024-07-01T00:00:00",
        "2024-09-01T00:00:00",
        "2024-09-01T00:00:00.000001",
        "2024-09-30T23:59:59.999999",
        "2024-10-01T00:00:00",
        "2024-12-31T23:59:59.999999",
        "2025-01-01T00:00:00",
    )
    expected = [
        TRAIN, LEFT_OUT, LEFT_OUT, CALIBRATION, CALIBRATION, LEFT_OUT, LEFT_OUT, TEST, TEST, LEFT_OUT,
    ]  # fmt: skip
    assert by_time(times, 30 * DAY) == expected


def test_without_an_end_the_test_slice_ends_a_maturity_before_the_data() -> None:
    endless = TIMED.model_copy(update={"until": None})
    times = moments("2024-11-01", "2024-12-01", "2024-12-01T00:00:00.000001", "2024-12-31")
    assert by_time(times, 30 * DAY, endless) == [TEST, TEST, LEFT_OUT, LEFT_OUT]


def test_without_a_final_label_nothing_is_tested_or_trained_on_however_late_the_declared_end() -> None:
    """Maturity 30 days, the data's end on 20 December: the last final decision is of 20 November."""
    ends = datetime(2024, 12, 20, tzinfo=UTC)
    times = moments("2024-05-01", "2024-11-19", "2024-11-20", "2024-11-20T00:00:00.000001", "2024-12-20")
    units = np.zeros(5, np.uint64)
    assert assign(TIMED, 30 * DAY, units, times).tolist() == [TRAIN, TEST, TEST, TEST, TEST]
    expected = [TRAIN, TEST, TEST, LEFT_OUT, LEFT_OUT]
    assert assign(TIMED, 30 * DAY, units, times, ends).tolist() == expected
    endless = TIMED.model_copy(update={"until": None})
    assert assign(endless, 30 * DAY, units, times, ends).tolist() == expected, "sources may go on after decisions"
    early = datetime(2024, 6, 1, tzinfo=UTC)
    assert assign(TIMED, 31 * DAY, units, times, early).tolist() == [TRAIN, *[LEFT_OUT] * 4]


def test_by_hash_too_a_label_must_be_final() -> None:
    units = hashes(12)
    times = np.arange("2024-01-01", "2024-01-13", dtype="datetime64[D]").astype("datetime64[us]")
    dealt = assign(HASHED, 5 * DAY, units, times, datetime(2024, 1, 12, tzinfo=UTC))
    assert dealt.tolist() == [*GOLDEN_PARTS[:7], *[LEFT_OUT] * 5]


@pytest.mark.parametrize("split", [HASHED, TIMED])
def test_data_that_ends_before_any_label_is_final_is_refused(split: Split) -> None:
    with pytest.raises(DataError, match=r"the data ends at 2024-06-01T00:00:00Z, before the label of any decision is"):
        assign(split, 40 * DAY, hashes(1), moments("2024-05-01"), datetime(2024, 6, 1, tzinfo=UTC))


def test_no_rows_have_no_parts() -> None:
    assert by_time(moments(), DAY) == []


def test_carving_by_hash_takes_from_train_only_and_the_share_asked_for() -> None:
    units, times = hashes(20_000), np.full(20_000, "2005-10-01", dtype="datetime64[us]")
    part = assign(HASHED, DAY, units, times)
    held = carve(HASHED, 0.1, DAY, units, times, part)
    left = fitted(HASHED, 0.1, DAY, units, times, part)
    assert held.dtype == np.bool_
    assert not held[part != TRAIN].any()
    assert float(held[part == TRAIN].mean()) == pytest.approx(0.1, abs=0.01)
    assert (left == ((part == TRAIN) & ~held)).all()
    wider = carve(HASHED, 0.2, DAY, units, times, part)
    assert (wider | ~held).all()


def test_carving_by_time_takes_the_latest_rows_and_keeps_the_embargo() -> None:
    times = np.arange("2024-01-01", "2024-11-01", dtype="datetime64[D]").astype("datetime64[us]")
    units = np.zeros(len(times), np.uint64)
    part = assign(TIMED, 10 * DAY, units, times)
    held = carve(TIMED, 0.25, 10 * DAY, units, times, part)
    left = fitted(TIMED, 0.25, 10 * DAY, units, times, part)
    train = int((part == TRAIN).sum())
    assert int(held.sum()) == train // 4
    assert not held[part != TRAIN].any()
    first_held = times[held].min()
    assert times[left].max() + np.timedelta64(10, "D") == first_held
    assert int((part == TRAIN).sum() - held.sum() - left.sum()) == 9


def test_rows_of_one_moment_are_held_out_together() -> None:
    times = moments("2024-01-01", "2024-02-01", "2024-03-01", "2024-03-01", "2024-03-01")
    units = np.zeros(5, np.uint64)
    part = assign(TIMED, DAY, units, times)
    assert carve(TIMED, 0.2, DAY, units, times, part).tolist() == [False, False, True, True, True]


def test_carving_needs_more_than_one_moment() -> None:
    times = moments("2024-03-01", "2024-03-01")
    part = assign(TIMED, DAY, np.zeros(2, np.uint64), times)
    with pytest.raises(DataError, match=r"held out lies at 2024-03-01"):
        carve(TIMED, 0.1, DAY, np.zeros(2, np.uint64), times, part)


def test_an_embargo_that_leaves_nothing_to_fit_is_refused() -> None:
    times = moments("2024-03-01", "2024-03-02")
    part = assign(TIMED, 5 * DAY, np.zeros(2, np.uint64), times)
    with pytest.raises(DataError, match=r"no train row has its label final by 2024-03-02"):
        fitted(TIMED, 0.5, 5 * DAY, np.zeros(2, np.uint64), times, part)


def test_the_rule_is_told_in_words() -> None:
    assert describe(HASHED, DAY) == {
        "method": "by a hash of the unit's key, seed 0",
        "train": "0.6 of the units",
        "calibration": "0.2 of the units",
        "test": "0.2 of the units",
    }
    assert describe(TIMED, 30 * DAY) == {
        "method": "by decision time, with an embargo of 30 days",
        "train": "decisions whose label is final by 2024-07-01T00:00:00Z",
        "calibration": "decisions from 2024-07-01T00:00:00Z whose label is final by 2024-10-01T00:00:00Z",
        "test": "decisions from 2024-10-01T00:00:00Z, before 2025-01-01T00:00:00Z",
    }
    ends = datetime(2025, 1, 15, tzinfo=UTC)
    final = "; only decisions whose label is final by 2025-01-15T00:00:00Z"
    assert describe(HASHED, DAY, ends)["method"] == f"by a hash of the unit's key, seed 0{final}"
    told = describe(TIMED.model_copy(update={"until": None}), 30 * DAY, ends)
    assert told["method"] == f"by decision time, with an embargo of 30 days{final}"
    assert told["test"] == "decisions from 2024-10-01T00:00:00Z, whose label is final by 2025-01-15T00:00:00Z"
