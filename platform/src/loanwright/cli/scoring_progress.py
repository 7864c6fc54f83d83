"""What a person sees while rows are scored: how many, how fast, how much longer."""

from __future__ import annotations

import time

import typer

_EVERY = 2.0
"""Seconds between two words."""


class ScoringProgress:
    """Told how many rows are scored, and of how many if that is known; speaks on stderr every two seconds."""

    def __init__(self) -> None:
        self._began = self._spoke = time.monotonic()
        self._at_first: int | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        now = time.monotonic()
        if self._at_first is None:
            self._at_first, self._began = done, now  # what an earlier run had scored says nothing of the speed
        if now - self._spoke < _EVERY:
            return
        self._spoke = now
        typer.echo(_words(done, total, (done - self._at_first) / max(now - self._began, 1e-9)), err=True)


def _words(done: int, total: int | None, rate: float) -> str:
    if total is None:
        return f"{done:,} rows scored"
    words = f"{done:,} of {total:,} rows scored ({done / total:.0%}), {rate:,.0f} a second"
    return f"{words}, about {_span((total - done) / rate)} left" if rate > 0 and done < total else words


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
