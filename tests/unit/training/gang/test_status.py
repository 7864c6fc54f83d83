"""A status is written whole, holds up nobody, and what is no status is not read."""

from __future__ import annotations

import json
import time
from pathlib import Path

from loanwright.storage import Store, open_store
from loanwright.training.gang.status import Reporter, forget_statuses, read_statuses


def test_the_last_word_is_written(tmp_path: Path) -> None:
    place = open_store(str(tmp_path))
    reporter = Reporter(place, 1, 3, 2)
    for number in range(1000):
        reporter.change(state="training", round=number, rounds=1000, metric=("auc", number / 1000))
    reporter.finish("done")
    (status,) = read_statuses(place)
    assert (status.rank, status.ranks, status.attempt, status.state, status.round) == (1, 3, 2, "done", 999)
    assert status.metric == ("auc", 0.999)
    assert status.memory > 1 << 20
    forget_statuses(place)
    assert read_statuses(place) == []


class _Stuck:
    """A place that takes for ever."""

    def write(self, key: str, data: bytes) -> None:
        time.sleep(3600)


def test_a_place_that_does_not_answer_holds_up_nobody() -> None:
    stuck: Store = _Stuck()  # type: ignore[assignment]
    began = time.monotonic()
    reporter = Reporter(stuck, 0, 1, 1)
    for number in range(1000):
        reporter.change(round=number)
    reporter.finish("done", patience=0.2)
    assert time.monotonic() - began < 2


def test_a_place_that_refuses_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "workers").touch()
    reporter = Reporter(open_store(str(tmp_path)), 0, 1, 1)
    reporter.finish("done")


def test_what_is_no_status_is_left_out(tmp_path: Path) -> None:
    place = open_store(str(tmp_path))
    for name, text in {"0": "{", "1": "[]", "2": '{"rank": "x"}', "3": json.dumps({"rank": 3, "what": 1})}.items():
        place.write(f"workers/{name}.json", text.encode())
    Reporter(place, 4, 5, 1).finish("done")
    assert [status.rank for status in read_statuses(place)] == [4]
