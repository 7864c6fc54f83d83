"""What the `features` section must find in the `data` section."""

from __future__ import annotations

from collections.abc import Iterator

from loanwright.config.data import Column, Data, Source
from loanwright.config.features import Feature, FeatureGroup, Features
from loanwright.config.lookups import key_problems, no_column, no_source
from loanwright.config.problems import Location, Problem
from loanwright.errors import near

RESERVED = ("unit_key", "decision_time", "unit_hash", "label", "at")
"""Columns of the training table that are no features."""

_COUNTING = ("count", "distinct")
_TIMED = ("first", "last", "last_mean", "trend", "seconds_since_last")
_NUMERIC = ("integer", "number", "boolean")
_UNUSED_COLUMN = ("share", "seconds_since_last")


def feature_disagreements(data: Data, features: Features) -> Iterator[Problem]:
    """Everything that does not fit; the data section agrees with itself."""
    for position, group in enumerate(features.groups):
        yield from _group(("features", "groups", position), group, data)
    for name, where in _places(features):
        if name in RESERVED:
            yield Problem((*where, "name"), f"{name!r} is a column that the training table has itself")
    known = features.names()
    for position, name in enumerate(features.hidden):
        if name not in known:
            yield Problem(("features", "hidden", position), f"{name!r} is no feature{near(name, known)}")
    if set(known) <= set(features.hidden):
        yield Problem(("features", "hidden"), "hides every feature: the model would be given none")
    monotone = {each.name for group in features.groups for each in group.features if each.monotone}
    monotone |= {each.name for each in features.derived if each.monotone}
    for name, where in _places(features):
        if name in features.hidden and name in monotone:
            yield Problem((*where, "monotone"), f"{name!r} is hidden from the model, which cannot be monotone in it")


def _places(features: Features) -> Iterator[tuple[str, Location]]:
    for position, group in enumerate(features.groups):
        for at, feature in enumerate(group.features):
            yield feature.name, ("features", "groups", position, "features", at)
    for position, derived in enumerate(features.derived):
        yield derived.name, ("features", "derived", position)


def _group(where: Location, group: FeatureGroup, data: Data) -> Iterator[Problem]:
    source = data.source(group.source)
    if source is None:
        yield no_source((*where, "source"), data, group.source)
        return
    if source.column(group.key) is None:
        yield no_column((*where, "key"), source, group.key)
        return
    unit_name = group.unit_key or group.key
    unit_key = data.unit_source.column(unit_name)
    if unit_key is None:
        key = "unit_key" if group.unit_key else "key"
        missing = no_column((*where, key), data.unit_source, unit_name)
        more = "" if group.unit_key else "; name the unit's column to join with in unit_key"
        yield Problem(missing.where, missing.text + more)
        return
    yield from key_problems((*where, "key"), source, group.key, unit_key)
    own_row = source.name == data.unit.source and group.key == unit_name == data.unit.key
    for position, feature in enumerate(group.features):
        place = (*where, "features", position)
        yield from _column(place, feature, source, data)
        yield from _times(place, feature, source, data)
        if feature.aggregate == "value" and not own_row and source.key != (group.key,):
            keys = ", ".join(map(repr, source.key))
            problem = f"'value' reads the one row of a key, and {source.name!r} is keyed by {keys}: use 'last'"
            yield Problem((*place, "aggregate"), f"feature {feature.name!r}: {problem}")


def _column(where: Location, feature: Feature, source: Source, data: Data) -> Iterator[Problem]:
    if feature.column is None:
        return
    if feature.aggregate in _UNUSED_COLUMN:
        yield Problem((*where, "column"), f"feature {feature.name!r}: {feature.aggregate!r} reads no column")
        return
    column = source.column(feature.column)
    if column is None:
        yield no_column((*where, "column"), source, feature.column)
    elif source.name == data.unit.source and column.name == data.label.column:
        yield Problem((*where, "column"), f"feature {feature.name!r} reads {column.name!r}, which is the label")
    elif column.barred:
        yield Problem(
            (*where, "column"), f"feature {feature.name!r} reads {column.name!r}, which is barred from features"
        )
    elif (misfit := _misfit(feature, column)) is not None:
        problem = f"feature {feature.name!r}: {column.name!r} is of type {column.type!r}, {misfit}"
        yield Problem((*where, "column"), problem)


def _misfit(feature: Feature, column: Column) -> str | None:
    if feature.aggregate in _COUNTING:
        return None
    if column.type == "time":
        return "and a time is no feature: use 'seconds_since_last', or 'count' in a window"
    if feature.type == "category":
        return "and a category is a text, an integer or a boolean" if column.type == "number" else None
    if column.type in _NUMERIC:
        return None
    if feature.aggregate in ("value", "first", "last"):
        return "which is no number: say 'type: category'"
    return f"and {feature.aggregate!r} needs a number: use 'count' or 'distinct'"


def _times(where: Location, feature: Feature, source: Source, data: Data) -> Iterator[Problem]:
    if source.event_time is not None or feature.aggregate == "value":
        return
    if feature.window is not None:
        problem = f"feature {feature.name!r} has a window, and source {source.name!r} no event_time to measure it on"
        yield Problem((*where, "window"), problem)
    elif feature.aggregate in _TIMED or source.name == data.unit.source:
        problem = f"feature {feature.name!r}: {feature.aggregate!r} needs a source with an event_time"
        yield Problem((*where, "aggregate"), f"{problem}, and {source.name!r} has none")
