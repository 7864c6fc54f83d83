"""From a worker to the supervisor that started it: how far it is, and why it ends. A pipe: it needs no disk, and
what was said is there though the worker was killed right after."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from typing import NamedTuple

from loanwright.training.gang.farewell import Farewell


class Mark(NamedTuple):
    """A round that is done, and when in seconds from the worker's start; `safe` if it can be gone on from."""

    round: int
    seconds: float
    safe: bool


class Speaker:
    """The worker's end.

    Args:
        pipe: its file descriptor; None where no supervisor listens.
    """

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe
        if pipe is not None:
            os.set_blocking(pipe, False)

    def mark(self, mark: Mark) -> None:
        """How far this worker is."""
        self._say({"mark": [mark.round, mark.seconds, mark.safe]})

    def farewell(self, farewell: Farewell) -> None:
        """Why this worker ends."""
        self._say({"farewell": asdict(farewell.shortened())})

    def _say(self, words: dict[str, object]) -> None:
        if self._pipe is not None:
            # A supervisor that is gone or does not listen must not hold up the work.
            with contextlib.suppress(OSError):
                os.write(self._pipe, json.dumps(words).encode() + b"\n")


class Listener:
    """The supervisor's end."""

    def __init__(self, pipe: int) -> None:
        self._pipe, self._rest = pipe, b""
        self.marks: list[Mark] = []
        self.farewell: Farewell | None = None
        os.set_blocking(pipe, False)

    def listen(self) -> None:
        """Takes in what was said until now."""
        with contextlib.suppress(OSError):
            while part := os.read(self._pipe, 1 << 16):
                self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            words = json.loads(line)
            if "farewell" in words:
                self.farewell = Farewell(**words["farewell"])
            else:
                self.marks.append(Mark(*words["mark"]))

    def close(self) -> None:
        """Listens no more."""
        os.close(self._pipe)
