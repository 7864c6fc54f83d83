"""How far a long piece of work has come, and how long the rest may take."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

_log = logging.getLogger("loanwright")
QUIET = 5.0
"""Seconds between two lines."""


class Progress:
    """Tells now and then what is done.

    Args:
        what: one piece's name.
        pieces: piece → what it is thought to cost, in any unit.
    """

    def __init__(self, what: str, pieces: Mapping[int, int]) -> None:
        self._what, self._pieces = what, pieces
        self._places = {number: place for place, number in enumerate(pieces, 1)}
        self._done: dict[int, float] = {}
        self._began = self._told = time.monotonic()

    def done(self, number: int, shard: int = 1, shards: int = 1) -> None:
        """A piece is done, or so many of its shards."""
        self._done[number] = self._pieces[number] * shard / shards
        now = time.monotonic()
        last = self._places[number] == len(self._pieces) and shard == shards
        if last or now - self._told < QUIET:
            return
        self._told = now
        done, past = sum(self._done.values()), now - self._began
        left = past * (sum(self._pieces.values()) - done) / (done or 1)
        which = f", shard {shard} of {shards}" if shards > 1 else ""
        place = f"{self._places[number]} of {len(self._pieces)}"
        _log.info("%s %s%s: %.0f s, about %.0f s left", self._what, place, which, past, left)
