"""What each worker says of itself: one small object, replaced as a whole, for whoever looks."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil

from loanwright.errors import LoanwrightError, NotStored
from loanwright.storage import Store, canonical_json

_PERIOD = 1.0
"""Seconds between two writings, at least."""


@dataclass(frozen=True)
class Status:
    """A worker at one moment. Seconds count from the start of its attempt; memory is resident, in bytes."""

    rank: int
    ranks: int
    attempt: int
    state: str = "starting"
    seconds: float = 0.0
    memory: int = 0
    round: int = 0
    rounds: int = 0
    metric: tuple[str, float] | None = None
    checkpoint: int = 0
    """The last round that can be gone on from."""
    said: str = ""

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"workers/{self.rank}.json"


def read_statuses(place: Store) -> list[Status]:
    """What the workers said last, by rank; what is no whole status is left out."""
    found = []
    for stored in place.list("workers/"):
        with contextlib.suppress(NotStored, ValueError, TypeError, KeyError):
            found.append(_parsed(json.loads(place.read(stored.key))))
    return sorted(found, key=lambda status: status.rank)


def forget_statuses(place: Store) -> None:
    """Removes what workers of earlier attempts said."""
    for stored in list(place.list("workers/")):
        place.delete(stored.key)


class Reporter:
    """Writes a worker's status from a thread, so that no round waits for it. What cannot be written is not."""

    def __init__(self, place: Store | None, rank: int, ranks: int, attempt: int) -> None:
        self._place = place
        self._began = time.monotonic()
        self._process = psutil.Process()
        self._status = Status(rank, ranks, attempt)
        self._news = threading.Event()
        self._changing, self._writing = threading.Lock(), threading.Lock()
        if place is not None:
            self._news.set()
            threading.Thread(target=self._keep_writing, name="status", daemon=True).start()

    @property
    def now(self) -> Status:
        """The status as it is, written or not."""
        return self._status

    def change(self, **news: Any) -> None:
        """Sets fields of the status; it is written soon."""
        with self._changing:
            self._status = replace(self._status, seconds=self._elapsed(), **news)
        self._news.set()

    def finish(self, state: str, said: str = "", patience: float = 1.0) -> None:
        """Writes a last status, unless the place takes longer than `patience` seconds."""
        self.change(state=state, **({"said": said} if said else {}))
        if self._place is not None:
            writer = threading.Thread(target=self._write, name="last-status", daemon=True)
            with contextlib.suppress(RuntimeError, MemoryError):  # no memory for another thread
                writer.start()
                writer.join(patience)

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._began, 2)

    def _keep_writing(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            self._write()
            time.sleep(_PERIOD)

    def _write(self) -> None:
        if self._place is None:
            return
        with self._writing, contextlib.suppress(LoanwrightError, OSError):
            status = replace(self._status, memory=int(self._process.memory_info().rss))
            self._place.write(status.key, canonical_json(asdict(status)))


def _parsed(value: dict[str, Any]) -> Status:
    status = Status(**value)
    plain = (status.rank, status.ranks, status.attempt, status.round, status.rounds, status.checkpoint, status.memory)
    if not all(isinstance(number, int) for number in plain) or not isinstance(status.seconds, int | float):
        raise TypeError("not a status")
    metric = None if status.metric is None else (str(status.metric[0]), float(status.metric[1]))
    return replace(status, metric=metric, state=str(status.state), said=str(status.said))
