"""A unit of the plan: features of one group that look back from one moment, and so share one scan and one sort.

In a unit all is measured from the windows' end, the decision less the offset: a row version enters at

    lw_from = max(lw_event, lw_known - offset)

and leaves a window of length w at min(lw_event + w, lw_to), lw_to = lw_until - offset, counting for every moment
after the first and up to the second. Moments are whole microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.language.dialect import Dialect
from loanwright.features.language.text import select
from loanwright.features.texts.counted import Counted
from loanwright.features.texts.visible import MICROSECONDS, Visible

EVER = 0
"""The window of all history."""


@dataclass(frozen=True)
class Unit:
    """Features of one group with one offset (and, if they decay, one interval)."""

    number: int
    group: ResolvedGroup
    rows: Visible
    offset: int
    """Seconds."""
    interval: int
    """Seconds of a decayed sum's intervals; 0 if nothing in the unit decays."""
    features: tuple[Counted, ...]
    dialect: Dialect

    def part(self, kind: str) -> str:
        """The name of one of the unit's common table expressions."""
        return f"{kind}_{self.number}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The key's columns."""
        return tuple(f"lw_key{number}" for number in range(1, len(self.group.keys) + 1))

    @property
    def partition(self) -> str:
        """What the rows of one key have in common."""
        return f"PARTITION BY {', '.join(self.keys)}"

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """The windows in microseconds, from the shortest on; all history, 0, is the last."""
        found = {(counted.feature.window or EVER) * MICROSECONDS for counted in self.features}
        return tuple(sorted(found - {EVER})) + ((EVER,) if EVER in found else ())

    @property
    def finite(self) -> tuple[int, ...]:
        """The windows that end."""
        return tuple(window for window in self.windows if window != EVER)

    def window(self, counted: Counted) -> int:
        """A feature's window, in microseconds."""
        return (counted.feature.window or EVER) * MICROSECONDS

    @property
    def moment(self) -> str:
        """Of a decision: the windows' end."""
        return f"lw_at - {self.offset * MICROSECONDS}" if self.offset else "lw_at"

    @property
    def decided(self) -> str:
        """Of a decision that stands at `lw_pos`, the windows' end: when it was."""
        return f"lw_pos + {self.offset * MICROSECONDS} AS lw_at" if self.offset else "lw_pos AS lw_at"

    def looked_at(self, shifts: Sequence[int]) -> list[tuple[int, int]]:
        """The stretches of time, both ends included, in which some decision's moment lies, or so long before it.

        Args:
            shifts: microseconds.

        Returns them in order and apart; none where the decisions' times are not known.
        """
        if self.dialect.decided is None:
            return []
        first, last = (moment - self.offset * MICROSECONDS for moment in self.dialect.decided)
        found: list[tuple[int, int]] = []
        for start, end in sorted((first - shift, last - shift) for shift in shifts):
            if found and start <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            else:
                found.append((start, end))
        return found

    @property
    def start(self) -> str:
        """Of a row version: the moment after which it counts."""
        return "lw_from" if self.rows.dated else "lw_event"

    def end(self, window: int) -> str | None:
        """Of a row version: the last moment at which it is in the window; None (or an SQL null) for ever."""
        leaves = f"lw_event + {window}" if window != EVER else None
        if not self.rows.dated:
            return leaves
        return "lw_to" if leaves is None else f"least({leaves}, lw_to)"

    def holds(self, window: int) -> str:
        """Of a row version: whether it ever counts in the window."""
        if not self.rows.dated:
            return "TRUE"
        end = self.end(window)
        return f"({self.start} < {end})" if window != EVER else f"(lw_to IS NULL OR lw_from < {end})"

    @property
    def natural(self) -> str:
        """Whether a row version comes before it leaves any window, and stays until it has left all.

        Running sums then need no more than the moment it comes and the moment it happened.
        """
        if not self.rows.dated:
            return "TRUE"
        stays = f"lw_to >= lw_event + {self.windows[-1]}" if self.windows[-1] != EVER else "FALSE"
        shortest = self.interval * MICROSECONDS or (self.finite[0] if self.finite else None)
        comes = f" AND lw_from <= lw_event + {shortest}" if shortest else ""
        return f"((lw_to IS NULL OR {stays}){comes})"

    def rows_part(self, columns: list[str], table: str) -> str:
        """The group's rows (as they stand in that table) with the unit's times, and these columns made of them."""
        times = ["lw_event"]
        if self.rows.dated:
            late = f" - {self.offset * MICROSECONDS}" if self.offset else ""
            times += [f"greatest(lw_event, lw_known{late}) AS lw_from", f"lw_until{late} AS lw_to"]
        return select([*self.keys, *times, *columns], table)

    def decisions(self, columns: list[str], *more: str) -> str:
        """The decisions that have the key, with its columns and these."""
        present = "WHERE " + " AND ".join(f"{asked} IS NOT NULL" for asked in self.group.asked)
        return select([*self._named, *columns], "decisions", *more, present)

    def every_decision(self, columns: list[str], *more: str) -> str:
        """The decisions, with the key's columns and these; no row has the key of those that have none.

        Where windows run along all keys in one go; by key, those without one would be a hot one.
        """
        if not self.dialect.runs_on:
            return self.decisions(columns, *more)
        return select([*self._named, *columns], "decisions", *more)

    @property
    def _named(self) -> list[str]:
        return [f"{asked} AS {name}" for asked, name in zip(self.group.asked, self.keys, strict=True)]
