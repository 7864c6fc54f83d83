"""The world's time: microseconds since 1970, UTC, and the months it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Values = NDArray[Any]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = np.iinfo(np.int64).max
"""A time that does not come."""
END_MONTH = "2026-01"
"""The world ends where this month begins: always in the past, however long the world is."""
_AFTER = 15
"""Months behind the end for which there is a state, so that what is cut off there is no special case."""


@dataclass(frozen=True)
class Clock:
    """The time that a world of so many months covers."""

    months: int

    @cached_property
    def edges(self) -> Ints:
        """The first moment of each month, in order; the world's months come first, some after its end follow."""
        first = np.datetime64(END_MONTH, "M") - self.months
        return (first + np.arange(self.months + _AFTER)).astype("datetime64[us]").astype(np.int64)

    @property
    def start(self) -> int:
        """The first moment."""
        return int(self.edges[0])

    @property
    def end(self) -> int:
        """The moment at and after which nothing is known."""
        return int(self.edges[self.months])

    def month(self, moment: Ints) -> Ints:
        """The number of each moment's month, from 0; that of the last known month for what is later."""
        return np.clip(np.searchsorted(self.edges, moment, side="right") - 1, 0, len(self.edges) - 1)

    def number(self, name: str) -> int:
        """The number of a month such as `2025-03`; negative if it was before the world."""
        return int((np.datetime64(name, "M") - (np.datetime64(END_MONTH, "M") - self.months)).astype(int))

    def calendar(self, month: Ints) -> Ints:
        """The calendar month (0 is January) of each month's number."""
        first = int(np.datetime64(END_MONTH, "M").astype(int)) - self.months
        return (month + first) % 12

    def name(self, month: int) -> str:
        """The month of that number, such as `2025-03`."""
        return str(np.datetime64(END_MONTH, "M") - self.months + month)


def midnight(moment: Ints) -> Ints:
    """The first moment of each moment's day."""
    return moment - moment % DAY


def nightly(moment: Ints) -> Ints:
    """When the nightly batch first tells of what happened: 03:00 of the next day."""
    return midnight(moment) + DAY + 3 * HOUR
