"""Starts a gang on this machine, and starts it again from its last checkpoint when it breaks, saying why.

On a cluster this is the work of JobSet, which starts all workers anew when one fails; nothing of it is used there.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from loanwright.errors import EnvironmentFault
from loanwright.storage import Store
from loanwright.training.gang.attempt import Attempt, Ended, cause
from loanwright.training.gang.circumstances import Circumstances
from loanwright.training.gang.history import History, Outcome
from loanwright.training.gang.hotline import Mark
from loanwright.training.gang.memory import limit_words, out_of_memory_kills
from loanwright.training.gang.ports import PortRange
from loanwright.training.gang.status import forget_statuses


@dataclass(frozen=True)
class Plan:
    """What to start and how patiently. Times in seconds; None: as the environment says, see `Circumstances`."""

    command: Sequence[str]
    """Starts a worker; the same for each, they are told apart by their environment."""
    ranks: int
    place: Store
    """Where the workers leave their status."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside this process's own."""
    retries: int | None = None
    """Restarts in a row without a new checkpoint in between; each waits twice as long as the one before."""
    meeting_seconds: float | None = None
    watchdog_seconds: float | None = None
    grace_seconds: float = 1.0
    ports: PortRange | None = None
    memory: str = ""
    """The arithmetic of a worker's memory, for the case that the system kills one for want of it."""


def supervise(plan: Plan, wait: Callable[[float], None] = time.sleep) -> Outcome:
    """Runs the gang until all workers came to the end.

    A LoanwrightError of a worker is not tried again: it was thought about. Everything else is, from the last
    checkpoint on.

    Args:
        plan: what to start.
        wait: passes the time between two attempts.

    Raises:
        LoanwrightError: a worker ended with one; the same type and words.
        EnvironmentFault: the gang broke more often than is allowed, or for the second time with the same internal
            error, or the system killed a worker for want of memory, or this process was told to stop.
    """
    here = Circumstances.read({**os.environ, "LOANWRIGHT_RANKS": "1"})
    history = History(here.retries if plan.retries is None else plan.retries)
    ports = plan.ports or here.ports
    forget_statuses(plan.place)
    with _stopped_by_sigterm():
        while True:
            number = len(history.restarts) + 1
            began, kills = time.monotonic(), out_of_memory_kills()
            ended, marks = _run(plan, number, ports)
            history.note(number, began, marks)
            broke = cause(ended)
            if broke is None:
                return history.outcome(plan.ranks)
            if broke.code == -signal.SIGKILL and out_of_memory_kills() > kills:
                raise _out_of_memory(f"the system killed worker {broke.rank} for want of memory", plan)
            if broke.farewell is not None and broke.farewell.memory:
                raise _out_of_memory(f"memory ran out in worker {broke.rank}", plan)
            _hand_on(broke)
            wait(history.restart(number, broke, time.monotonic() - began))


def _run(plan: Plan, number: int, ports: PortRange) -> tuple[list[Ended], list[Mark]]:
    attempt = Attempt(plan.command, plan.ranks, _variables(plan, number), ports)
    try:
        return attempt.wait(), attempt.marks
    except BaseException:
        attempt.end(plan.grace_seconds + 0.5)
        raise
    finally:
        attempt.end(0.0)


def _variables(plan: Plan, number: int) -> dict[str, str]:
    told = {
        "LOANWRIGHT_ATTEMPT": number,
        "LOANWRIGHT_MEETING_SECONDS": plan.meeting_seconds,
        "LOANWRIGHT_WATCHDOG_SECONDS": plan.watchdog_seconds,
        "LOANWRIGHT_GRACE_SECONDS": plan.grace_seconds,
        "LOANWRIGHT_WORKER_STATUS": plan.place.root,
    }
    return {
        **os.environ,
        **plan.environment,
        **{name: str(value) for name, value in told.items() if value is not None},
    }


def _hand_on(broke: Ended) -> None:
    error = broke.farewell.error() if broke.farewell is not None else None
    if error is not None:
        raise error


def _out_of_memory(what: str, plan: Plan) -> EnvironmentFault:
    return EnvironmentFault(
        "; ".join([what + (f": {plan.memory}" if plan.memory else ""), limit_words()]),
        fix="Raise the limit, or train on fewer rows or features, or with workers on more machines",
    )


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM to this process is handed on to the workers, instead of leaving them without a word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def told(_number: int, _frame: FrameType | None) -> None:
        raise EnvironmentFault("it was told to stop", fix="Run it again: it goes on from its last checkpoint")

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
