"""Starts a gang on this machine, and starts it again from its last checkpoint when it breaks, saying why.

On a cluster this is the work of JobSet, which starts all workers anew when one fails; nothing of it is used there.
"""

from __future__ import annotations

import logging
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
from loanwright.training.gang.memory import limit_words, out_of_memory_kills
from loanwright.training.gang.ports import DEFAULT_PORTS, PortRange
from loanwright.training.gang.status import forget_statuses

_log = logging.getLogger("loanwright")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True)
class Plan:
    """What to start and how patiently. Times in seconds."""

    command: Sequence[str]
    """Starts a worker; the same for each, they are told apart by their environment."""
    ranks: int
    place: Store
    """Where the workers leave their status."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside this process's own."""
    retries: int = 5
    """Restarts in a row without a new checkpoint in between; each waits twice as long as the one before."""
    meeting_seconds: float = 60.0
    watchdog_seconds: float = 300.0
    grace_seconds: float = 1.0
    ports: PortRange = DEFAULT_PORTS
    memory: str = ""
    """The arithmetic of a worker's memory, for the case that the system kills one for want of it."""


@dataclass(frozen=True)
class Restart:
    """Why an attempt ended, after how many seconds, and the round that the next one went on from."""

    attempt: int
    why: str
    seconds: float
    round: int


@dataclass(frozen=True)
class Segment:
    """Its last round, and when it was done in seconds from the first attempt's start."""

    last: int
    seconds: float
    attempt: int


@dataclass(frozen=True)
class Outcome:
    """What happened until all was done. It is of this run, not of what was made."""

    ranks: int
    seconds: float
    restarts: tuple[Restart, ...] = ()
    segments: tuple[Segment, ...] = ()


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
    history = _History()
    forget_statuses(plan.place)
    with _stopped_by_sigterm():
        while True:
            number = len(history.restarts) + 1
            began, kills = time.monotonic(), out_of_memory_kills()
            ended, safe = _run(plan, number)
            history.note_segments(number, began, safe)
            broke = cause(ended)
            if broke is None:
                return history.outcome(plan.ranks)
            if broke.code == -signal.SIGKILL and out_of_memory_kills() > kills:
                raise _out_of_memory(broke, plan)
            _hand_on(broke)
            wait(history.restart(number, broke, time.monotonic() - began, plan.retries))


def _run(plan: Plan, number: int) -> tuple[list[Ended], list[tuple[int, float]]]:
    attempt = Attempt(plan.command, plan.ranks, _variables(plan, number), plan.ports)
    try:
        return attempt.wait(), attempt.safe
    except BaseException:
        attempt.end(plan.grace_seconds + 0.5)
        raise
    finally:
        attempt.end(0.0)


class _History:
    """What happened so far, and whether it may go on."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.restarts: list[Restart] = []
        self._segments: list[Segment] = []
        self._safe = self._in_vain = 0
        self._safe_before = -1

    def note_segments(self, number: int, began: float, safe: Sequence[tuple[int, float]]) -> None:
        offset = began - self._began
        self._segments += [Segment(last, round(offset + when, 2), number) for last, when in safe]
        self._safe = max([self._safe, *(last for last, _ in safe)])

    def restart(self, number: int, broke: Ended, seconds: float, retries: int) -> float:
        """Notes a restart; how long to wait before it.

        Raises:
            EnvironmentFault: it is not worth another one.
        """
        self._in_vain = 1 if self._safe > self._safe_before else self._in_vain + 1
        self._safe_before = self._safe
        again = bool(self.restarts) and self.restarts[-1].why == broke.words and self._in_vain > 1
        if again and broke.farewell is not None and broke.code == 1:
            raise EnvironmentFault(
                f"twice at the same place, {broke.words}", fix="The log says where; another attempt would end the same"
            )
        if self._in_vain > retries:
            raise EnvironmentFault(
                f"given up after {number} attempts, the last {self._in_vain} without a new checkpoint: {broke.words}",
                fix="Run it again to go on from the last checkpoint, once the cause is gone",
            )
        self.restarts.append(Restart(number, broke.words, round(seconds, 2), self._safe))
        pause: float = min(_FIRST_PAUSE * 2 ** (self._in_vain - 1), _LONGEST_PAUSE)
        _log.warning(
            "%s: all start again from round %d in %g s (restart %d)", broke.words, self._safe, pause, len(self.restarts)
        )
        return pause

    def outcome(self, ranks: int) -> Outcome:
        return Outcome(ranks, round(time.monotonic() - self._began, 2), tuple(self.restarts), tuple(self._segments))


def _variables(plan: Plan, number: int) -> dict[str, str]:
    return {
        **os.environ,
        **plan.environment,
        "LOANWRIGHT_ATTEMPT": str(number),
        "LOANWRIGHT_MEETING_SECONDS": str(plan.meeting_seconds),
        "LOANWRIGHT_WATCHDOG_SECONDS": str(plan.watchdog_seconds),
        "LOANWRIGHT_GRACE_SECONDS": str(plan.grace_seconds),
        "LOANWRIGHT_WORKER_STATUS": plan.place.root,
    }


def _hand_on(broke: Ended) -> None:
    error = broke.farewell.error() if broke.farewell is not None else None
    if error is not None:
        raise error


def _out_of_memory(broke: Ended, plan: Plan) -> EnvironmentFault:
    return EnvironmentFault(
        f"the system killed worker {broke.rank} for want of memory"
        + (f": {plan.memory}" if plan.memory else "")
        + f"; {limit_words()}",
        fix="Raise the limit, or spread the rows over more workers on more machines",
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
