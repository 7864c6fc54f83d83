"""What happened to a gang until all was done, and whether one more attempt is worth it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loanwright.errors import EnvironmentFault
from loanwright.training.gang.attempt import Ended
from loanwright.training.gang.hotline import Mark

_log = logging.getLogger("loanwright")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True)
class Restart:
    """Why an attempt ended, after how many seconds, and the round that the next one went on from."""

    attempt: int
    why: str
    seconds: float
    round: int


@dataclass(frozen=True)
class Segment:
    """Rounds behind `first` up to `last`, and when the two were done, in seconds from the first attempt's start."""

    attempt: int
    first: int
    last: int
    began: float
    ended: float


@dataclass(frozen=True)
class Outcome:
    """What happened until all was done. It is of this run, not of what was made."""

    ranks: int
    seconds: float
    restarts: tuple[Restart, ...] = ()
    segments: tuple[Segment, ...] = ()


class History:
    """What happened so far.

    Args:
        retries: restarts in a row without a new checkpoint in between.
    """

    def __init__(self, retries: int) -> None:
        self._began, self._retries = time.monotonic(), retries
        self.restarts: list[Restart] = []
        self._segments: list[Segment] = []
        self._safe = self._in_vain = 0
        self._safe_before = -1

    def note(self, attempt: int, began: float, marks: Sequence[Mark]) -> None:
        """Notes how far an attempt came that began at that time of the monotonic clock."""
        offset = began - self._began
        self._segments += [
            Segment(attempt, one.round, next_.round, round(offset + one.seconds, 2), round(offset + next_.seconds, 2))
            for one, next_ in pairwise(marks)
            if next_.round > one.round
        ]
        self._safe = max([self._safe, *(mark.round for mark in marks if mark.safe)])

    def restart(self, attempt: int, broke: Ended, seconds: float) -> float:
        """Notes that all start again, after an attempt that took so long; how long to wait before it.

        Raises:
            EnvironmentFault: it is not worth another attempt.
        """
        self._in_vain = 1 if self._safe > self._safe_before else self._in_vain + 1
        self._safe_before = self._safe
        again = bool(self.restarts) and self.restarts[-1].why == broke.words and self._in_vain > 1
        if again and broke.farewell is not None and broke.code == 1:
            raise EnvironmentFault(
                f"twice at the same place, {broke.words}", fix="The log says where; another attempt would end the same"
            )
        if self._in_vain > self._retries:
            raise EnvironmentFault(
                f"given up after {attempt} attempts, the last {self._in_vain} without a new checkpoint: {broke.words}",
                fix="Run it again to go on from the last checkpoint, once the cause is gone",
            )
        self.restarts.append(Restart(attempt, broke.words, round(seconds, 2), self._safe))
        pause: float = min(_FIRST_PAUSE * 2 ** (self._in_vain - 1), _LONGEST_PAUSE)
        _log.warning(
            "%s: all start again from round %d in %g s (restart %d)", broke.words, self._safe, pause, len(self.restarts)
        )
        return pause

    def outcome(self, ranks: int) -> Outcome:
        """All that happened."""
        return Outcome(ranks, round(time.monotonic() - self._began, 2), tuple(self.restarts), tuple(self._segments))
