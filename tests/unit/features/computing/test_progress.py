"""How far it has come is told now and then."""

from __future__ import annotations

import logging
import time

import pytest

from loanwright.features.computing.progress import Progress


@pytest.fixture
def seconds(monkeypatch):
    """A clock that moves when told."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def test_it_says_what_is_done_and_what_may_be_left(caplog, seconds):
    caplog.set_level(logging.INFO, "loanwright")
    progress = Progress("group", {4: 10, 7: 30, 9: 60})

    seconds[0] += 1
    progress.done(4)
    seconds[0] += 19
    progress.done(7, 1, 3)
    seconds[0] += 20
    progress.done(7, 3, 3)
    seconds[0] += 60
    progress.done(9)

    assert [record.message for record in caplog.records] == [
        "group 2 of 3, shard 1 of 3: 20 s, about 80 s left",
        "group 2 of 3, shard 3 of 3: 40 s, about 60 s left",
    ], "nothing of what took a moment, nor when all is done"


def test_what_is_done_again_counts_once(caplog, seconds):
    caplog.set_level(logging.INFO, "loanwright")
    progress = Progress("group", {1: 50, 2: 50})

    progress.done(1, 3, 4)
    progress.done(1, 1, 8)
    seconds[0] += 10
    progress.done(1, 8, 8)

    assert [record.message for record in caplog.records] == ["group 1 of 2, shard 8 of 8: 10 s, about 10 s left"]
