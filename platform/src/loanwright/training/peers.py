"""What training asks of those it trains with; a process on its own asks itself."""

from __future__ import annotations

import logging
import time
from typing import Any, NoReturn, Protocol

_log = logging.getLogger("loanwright")
_PERIOD = 2.0


class Circle(Protocol):
    """What is said among the ranks. Values are JSON; every rank calls the same methods in the same order."""

    def share(self, value: Any) -> Any:
        """Rank 0's value, at every rank."""

    def gather(self, value: Any) -> list[Any] | None:
        """At rank 0 the values of all, by rank; None elsewhere."""

    def any(self, flag: bool) -> bool:
        """Whether the flag is up at any rank."""

    def open_ports(self) -> tuple[str, ...]:
        """``address:port`` of each rank, fresh, by rank."""


class Member(Protocol):
    """One of the processes that train together, as `loanwright.training.gang` makes it."""

    @property
    def rank(self) -> int: ...
    @property
    def ranks(self) -> int: ...
    @property
    def circle(self) -> Circle: ...
    @property
    def stopping(self) -> bool:
        """Whether this process was told to stop."""

    def beat(self, **news: Any) -> None:
        """There is progress: `state`, `round`, `rounds`, `metric`."""

    def segment_done(self, last: int) -> None:
        """What was trained up to that round is safe."""

    def stop(self) -> NoReturn:
        """Ends the process, at a place that all ranks agreed on."""


class _Silence:
    def share(self, value: Any) -> Any:
        return value

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def any(self, flag: bool) -> bool:
        return flag

    def open_ports(self) -> tuple[str, ...]:
        return ()


class Alone:
    """A process that trains by itself, and logs how far it is, at most every two seconds."""

    rank, ranks, stopping = 0, 1, False

    def __init__(self) -> None:
        self.circle = _Silence()
        self._last = time.monotonic()

    def beat(self, **news: Any) -> None:
        if "round" in news and time.monotonic() - self._last >= _PERIOD:
            self._last = time.monotonic()
            metric = news.get("metric")
            measured = "" if metric is None else f", {metric[0]} {metric[1]:.5f}"
            _log.info("round %d of %d%s", news["round"], news["rounds"], measured)

    def segment_done(self, last: int) -> None:
        pass

    def stop(self) -> NoReturn:
        raise AssertionError("nobody tells a process on its own to stop")
