"""From a worker to the supervisor that started it: what is safe, and why it ends. A pipe: it needs no disk, and
what was said is there though the worker was killed right after."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict

from loanwright.training.gang.farewell import Farewell


class Speaker:
    """The worker's end.

    Args:
        pipe: its file descriptor; None where no supervisor listens.
    """

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe
        if pipe is not None:
            os.set_blocking(pipe, False)

    def safe(self, last: int, seconds: float) -> None:
        """The work up to round `last` can be gone on from, `seconds` after this worker's start."""
        self._say({"safe": last, "seconds": seconds})

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
        self.safe: list[tuple[int, float]] = []
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
                self.safe.append((int(words["safe"]), float(words["seconds"])))

    def close(self) -> None:
        """Listens no more."""
        os.close(self._pipe)
