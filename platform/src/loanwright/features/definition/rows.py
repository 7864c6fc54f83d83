"""Which rows a feature sees at a decision: the definition, in Python over lists.

Every row of a source has versions, each known from its known time on until the next version of the same row
is. What can be told of a row at a decision is what its version visible then says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from loanwright.config.data import Data, Source
from loanwright.config.features import Feature, FeatureGroup, Outcome, Via
from loanwright.features.definition.conditions import Condition

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
SECOND = 1_000_000
"""Microseconds."""
OUTCOME = "outcome"
"""What filters call the outcome of a group's rows."""
MATCHED = ("share", "streak")
"""Aggregates whose filter is what they tell of, and not which rows count."""


class Fate(Enum):
    """What became of a row's version at a decision, for one feature."""

    COUNTED = "counted"
    SUPERSEDED = "superseded by a later version"
    TOO_LATE = "too late: not before the window's end"
    NOT_FINAL = "too late: its outcome is not final before the window's end"
    NOT_KNOWN = "not yet known"
    OUTSIDE = "outside the window"
    FILTERED = "the filter does not hold"
    NULL = "no value in the column"


@dataclass(frozen=True)
class Version:
    """One version of one row. Times are whole microseconds of UTC."""

    row: Row
    key: tuple[Any, ...]
    """The values of the source's key."""
    event: int | None
    """When it happened; None: always so, in a source without times."""
    known: int | None
    """When it was known; None with `event`."""
    until: int | None
    """When the row's next version was known; None: there is none."""

    def visible(self, at: int) -> bool:
        """Whether this is what was known of the row right before `at`."""
        return not self.unknown(at) and not self.superseded(at)

    def unknown(self, at: int) -> bool:
        """Whether it came too late to be known before `at`."""
        return self.known is not None and self.known >= at

    def superseded(self, at: int) -> bool:
        """Whether a later version was known before `at`."""
        return self.until is not None and self.until < at

    @property
    def place(self) -> tuple[Any, ...]:
        """The total order of rows: when it happened, when it was known, its key."""
        return (self.event or 0, self.known or 0, *self.key)


@dataclass(frozen=True)
class Seen:
    """A version as a feature sees it at a decision."""

    version: Version
    event: int | None
    """When it counts as having happened: with an outcome, when that was final."""
    row: Row
    """The row's columns, and `outcome` if its group has one."""
    fate: Fate

    @property
    def place(self) -> tuple[Any, ...]:
        """The total order of rows."""
        return (self.event or 0, *self.version.place[1:])


def versions(source: Source, rows: Sequence[Row]) -> list[Version]:
    """All versions of all rows of a source, in the order given."""
    known_times: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        known_times.setdefault(_key(source, row), []).append(row[source.known] if source.known else 0)
    found = []
    for row in rows:
        known = row[source.known] if source.known else None
        later = [other for other in known_times[_key(source, row)] if known is not None and other > known]
        event = row[source.event_time] if source.event_time else known
        found.append(Version(row, _key(source, row), event, known, min(later, default=None)))
    return found


def _key(source: Source, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in source.key)


class GroupRows:
    """The rows of a feature group, for every decision.

    Args:
        data: the data section.
        group: which rows, joined how.
        tables: the rows of every source, by its name; times as whole microseconds.
    """

    def __init__(self, data: Data, group: FeatureGroup, tables: Tables) -> None:
        self._group = group
        self._source = _source(data, group.source)
        self._times = _time_columns(self._source)
        self._conditions: dict[str, Condition] = {}
        self._versions = versions(self._source, tables[group.source])
        self._holders = _Holders(data, group.via, group.keys, tables) if group.via is not None else None
        self._outcomes = _Outcomes(data, group.outcome, tables) if group.outcome is not None else None

    def seen(self, feature: Feature, decision: Row, at: int) -> Iterator[Seen]:
        """Every version with the decision's key, in the order given, and what became of it.

        Args:
            feature: one of the group's.
            decision: the row of the unit's source.
            at: when it is taken.
        """
        wanted = tuple(decision[name] for name in self._group.unit_keys)
        if None in wanted:
            return
        for version in self._versions:
            keys, keyed = self._keys(version, wanted, at)
            if keys == wanted:
                yield self._judged(feature, version, at, keyed=keyed)

    def matches(self, feature: Feature, row: Row) -> bool:
        """Whether the feature's filter is exactly true."""
        if feature.filter is None:
            return True
        if feature.filter not in self._conditions:
            self._conditions[feature.filter] = Condition(feature.filter, self._times)
        return self._conditions[feature.filter](row) is True

    def _keys(self, version: Version, wanted: tuple[Any, ...], at: int) -> tuple[tuple[Any, ...] | None, bool]:
        """The row's key, and whether it was known: the decision's, if the row that holds it came to have it later."""
        if self._holders is None:
            return tuple(version.row[name] for name in self._group.keys), True
        return self._holders.keys(version.row, wanted, at)

    def _judged(self, feature: Feature, version: Version, at: int, *, keyed: bool) -> Seen:
        event, row = version.event, version.row
        if self._outcomes is not None:
            event = self._outcomes.final(version)
            row = {**row, OUTCOME: self._outcomes.of(version, at)}
        return Seen(version, event, row, self._fate(feature, version, event, row, at) if keyed else Fate.NOT_KNOWN)

    def _fate(self, feature: Feature, version: Version, event: int | None, row: Row, at: int) -> Fate:
        """The first reason not to count, if there is one."""
        end = at - (feature.offset or 0) * SECOND
        start = None if feature.window is None else end - feature.window * SECOND
        needed = [] if feature.aggregate in ("as_of", "value") else [feature.column, feature.by]
        reasons = {
            Fate.SUPERSEDED: version.superseded(at),
            Fate.TOO_LATE: event is not None and event >= end and event == version.event,
            Fate.NOT_FINAL: event is not None and event >= end,
            Fate.NOT_KNOWN: version.unknown(at),
            Fate.OUTSIDE: event is not None and start is not None and event < start,
            Fate.FILTERED: feature.aggregate not in MATCHED and not self.matches(feature, row),
            Fate.NULL: any(name is not None and row[name] is None for name in needed),
        }
        return next((fate for fate, holds in reasons.items() if holds), Fate.COUNTED)


class _Holders:
    """The source that a path leads to, which holds the key."""

    def __init__(self, data: Data, via: Via, keys: tuple[str, ...], tables: Tables) -> None:
        self._column = via.column or via.key
        self._keys = keys
        self._of: dict[Any, list[Version]] = {}
        for version in versions(_source(data, via.source), tables[via.source]):
            self._of.setdefault(version.row[via.key], []).append(version)

    def keys(self, row: Row, wanted: tuple[Any, ...], at: int) -> tuple[tuple[Any, ...] | None, bool]:
        value = row[self._column]
        found = self._of.get(value, []) if value is not None else []
        for version in found:
            if version.visible(at):
                return self._keys_of(version), True
        return (wanted if wanted in map(self._keys_of, found) else None), False

    def _keys_of(self, version: Version) -> tuple[Any, ...]:
        return tuple(version.row[name] for name in self._keys)


class _Outcomes:
    """What became of a group's rows, by the events that are visible."""

    def __init__(self, data: Data, outcome: Outcome, tables: Tables) -> None:
        source = _source(data, outcome.source)
        condition = Condition(outcome.filter, _time_columns(source))
        self._outcome = outcome
        self._of: dict[Any, list[Version]] = {}
        for version in versions(source, tables[outcome.source]):
            if condition(version.row) is True:
                self._of.setdefault(version.row[outcome.key], []).append(version)

    def final(self, version: Version) -> int:
        """When the row's outcome is final."""
        return (version.event or 0) + self._outcome.matures_after * SECOND

    def of(self, version: Version, at: int) -> bool:
        """Whether an event that counts was visible."""
        start = version.event or 0
        end = start + self._outcome.within * SECOND
        return any(
            event.visible(at) and event.event is not None and start <= event.event < end
            for event in self._of.get(version.key[0], [])
        )


def _source(data: Data, name: str) -> Source:
    return next(source for source in data.sources if source.name == name)


def _time_columns(source: Source) -> list[str]:
    return [column.name for column in source.columns if column.type == "time"]
