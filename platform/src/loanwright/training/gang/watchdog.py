"""Ends what makes no progress: a call into a library can wait for ever for a peer that is no longer there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watchdog:
    """A thread that calls `bark`, once, when no `beat` came for so long.

    It needs no help of the thread it watches, which may be inside a library, waiting or spinning. Time during
    which the machine sleeps does not count; time during which only this process is stopped does.

    Args:
        seconds: without a beat.
        bark: told for how many seconds there was none.
    """

    def __init__(self, seconds: float, bark: Callable[[float], None]) -> None:
        self._seconds, self._bark = seconds, bark
        self._last = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def beat(self) -> None:
        """There is progress."""
        self._last = time.monotonic()

    def rest(self) -> None:
        """Watches no more."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(min(1.0, self._seconds / 4)):
            silent = time.monotonic() - self._last
            if silent > self._seconds:
                self._bark(silent)
                return
