"""An error that ended one process is raised again in another, whole."""

from __future__ import annotations

import os

import pytest

from loanwright.errors import DataError, EnvironmentFault, IntegrityFault, LoanwrightError, StorageFault
from loanwright.training.gang.errors import NetworkLost
from loanwright.training.gang.farewell import Farewell
from loanwright.training.gang.hotline import Listener, Mark, Speaker


@pytest.mark.parametrize(
    "error",
    [
        DataError("rows are wrong", fix="Correct them"),
        EnvironmentFault("no memory"),
        StorageFault("S3 is down", fix="Wait"),
        IntegrityFault("changed", damaged="s3://a/b"),
    ],
)
def test_a_deliberate_error_comes_through(error: LoanwrightError) -> None:
    reading, writing = os.pipe()
    listener = Listener(reading)
    speaker = Speaker(writing)
    speaker.mark(Mark(50, 1.5, True))
    speaker.farewell(Farewell.of(error))
    listener.listen()
    listener.listen()
    listener.close()
    os.close(writing)
    assert listener.marks == [(50, 1.5, True)]
    assert listener.farewell is not None
    heard = listener.farewell.error()
    assert (type(heard), str(heard)) == (type(error), str(error))
    assert getattr(heard, "damaged", None) == getattr(error, "damaged", None)


@pytest.mark.parametrize("error", [NetworkLost("port taken"), KeyError("a"), MemoryError()])
def test_what_another_attempt_may_mend_is_no_such_error(error: BaseException) -> None:
    assert Farewell.of(error).error() is None


def test_a_supervisor_that_does_not_listen_holds_up_nobody() -> None:
    reading, writing = os.pipe()
    speaker = Speaker(writing)
    for number in range(10_000):
        speaker.mark(Mark(number, 1.0, False))
    listener = Listener(reading)
    listener.listen()
    assert listener.marks[0] == (0, 1.0, False)
    os.close(reading)
    speaker.farewell(Farewell("gone"))
    os.close(writing)
