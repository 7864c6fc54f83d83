"""The aggregates a feature may declare, and which of its other words each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

Aggregate = Literal[
    "value", "count", "sum", "ratio", "balance", "mean", "min", "max", "std", "distinct", "first", "last", "as_of",
    "last_mean", "trend", "share", "streak", "seconds_since_first", "seconds_since_last", "decayed_sum",
    "decayed_count",
]  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What an aggregate needs, and what it may be given beside."""

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    category: bool = False
    """Whether its result may be a text."""

    ABOUT: ClassVar[tuple[str, ...]] = (
        "column", "by", "window", "windows", "offset", "filter", "rows", "half_life", "interval", "sketch",
    )  # fmt: skip

    def problem(self, aggregate: str, given: set[str]) -> str | None:
        """What is missing or too much, or None."""
        for name in self.needs:
            if name not in given:
                return f"aggregate {aggregate!r} needs a {name!r}"
        for name in self.ABOUT:
            if name in given and name not in (*self.needs, *self.takes):
                users = [other for other, shape in AGGREGATES.items() if name in (*shape.needs, *shape.takes)]
                whose = f"; it goes with {', '.join(map(repr, users))}" if len(users) <= 3 else ""
                return f"aggregate {aggregate!r} takes no {name!r}{whose}"
        return None


_WINDOW = ("window", "windows", "offset")
_ROWS = (*_WINDOW, "filter")

AGGREGATES: Mapping[Aggregate, Shape] = {
    "value": Shape(("column",), (), category=True),
    "count": Shape((), ("column", *_ROWS)),
    "sum": Shape(("column",), _ROWS),
    "ratio": Shape(("column", "by"), _ROWS),
    "balance": Shape(("column",), ("offset", "filter")),
    "mean": Shape(("column",), _ROWS),
    "min": Shape(("column",), _ROWS),
    "max": Shape(("column",), _ROWS),
    "std": Shape(("column",), _ROWS),
    "distinct": Shape(("column",), (*_ROWS, "sketch")),
    "first": Shape(("column",), _ROWS, category=True),
    "last": Shape(("column",), _ROWS, category=True),
    "as_of": Shape(("column",), _ROWS, category=True),
    "last_mean": Shape(("column", "rows"), _ROWS),
    "trend": Shape(("column",), _ROWS),
    "share": Shape(("filter",), _WINDOW),
    "streak": Shape(("filter", "rows"), _WINDOW),
    "seconds_since_first": Shape((), _ROWS),
    "seconds_since_last": Shape((), _ROWS),
    "decayed_sum": Shape(("column", "half_life"), (*_ROWS, "interval")),
    "decayed_count": Shape(("half_life",), ("column", *_ROWS, "interval")),
}
