"""What the `features` section must find in the `data` section."""

from __future__ import annotations

from collections.abc import Iterator

from loanwright.config.data import Column, Data, Source
from loanwright.config.features import DerivedFeature, Feature, FeatureGroup, Features
from loanwright.config.group_agreement import group_problems
from loanwright.config.lookups import no_column, no_source
from loanwright.config.problems import Location, Problem
from loanwright.errors import near

RESERVED = ("unit_key", "decision_time", "unit_hash", "label", "at", "outcome")
"""Columns of the training table, and of its making, that are no features."""

_COUNTING = ("count", "distinct", "decayed_count")
_TIMED = (
    "first", "last", "as_of", "last_mean", "trend", "streak", "seconds_since_first", "seconds_since_last",
    "decayed_sum", "decayed_count",
)  # fmt: skip
_NUMERIC = ("integer", "number", "boolean")
_AS_IT_IS = ("value", "first", "last", "as_of")


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
    yield from _hidden(features)


def _hidden(features: Features) -> Iterator[Problem]:
    declared: list[Feature | DerivedFeature] = [each for group in features.groups for each in group.every]
    declared += features.derived
    by_name = {each.name: each for each in declared}
    for name, where in _places(features):
        if name in features.hidden and by_name[name].monotone:
            yield Problem((*where, "monotone"), f"{name!r} is hidden from the model, which cannot be monotone in it")
        if features.purpose == "credit" and name not in features.hidden and not by_name[name].credit:
            problem = f"{name!r} may not be used in a credit decision: hide it, or say 'purpose: other' if this is none"
            yield Problem((*where, "credit"), problem)


def _places(features: Features) -> Iterator[tuple[str, Location]]:
    for position, group in enumerate(features.groups):
        for at, feature in enumerate(group.features):
            for one in feature.spread():
                yield one.name, ("features", "groups", position, "features", at)
    for position, derived in enumerate(features.derived):
        yield derived.name, ("features", "derived", position)


def _group(where: Location, group: FeatureGroup, data: Data) -> Iterator[Problem]:
    source = data.source(group.source)
    if source is None:
        yield no_source((*where, "source"), data, group.source)
        return
    problems = list(group_problems(where, group, source, data))
    yield from problems
    if problems:
        return
    own_row = source.name == data.unit.source and group.keys == group.unit_keys == (data.unit.key,)
    for position, feature in enumerate(group.features):
        place = (*where, "features", position)
        yield from _column(place, feature, source, data)
        yield from _times(place, feature, group, source, data)
        if feature.aggregate == "value" and not own_row and (source.key != group.keys or group.via or group.outcome):
            keys = ", ".join(map(repr, source.key))
            problem = f"'value' reads the one row of a key, and {source.name!r} is keyed by {keys}: use 'last'"
            yield Problem((*place, "aggregate"), f"feature {feature.name!r}: {problem}")


def _column(where: Location, feature: Feature, source: Source, data: Data) -> Iterator[Problem]:
    for role, name in (("column", feature.column), ("by", feature.by)):
        if name is None:
            continue
        column = source.column(name)
        if column is None:
            yield no_column((*where, role), source, name)
        elif source.name == data.unit.source and name == data.label.column:
            yield Problem((*where, role), f"feature {feature.name!r} reads {name!r}, which is the label")
        elif column.barred:
            yield Problem((*where, role), f"feature {feature.name!r} reads {name!r}, which is barred from features")
        elif (misfit := _misfit(feature, column)) is not None:
            problem = f"feature {feature.name!r}: {name!r} is of type {column.type!r}, {misfit}"
            yield Problem((*where, role), problem)


def _misfit(feature: Feature, column: Column) -> str | None:
    if feature.aggregate in _COUNTING:
        sketched = feature.sketch is not None and column.type in ("number", "time")
        return "and a sketch is of texts, integers or booleans: drop 'sketch' to count exactly" if sketched else None
    if column.type == "time":
        return "and a time is no feature: use 'seconds_since_last', or 'count' in a window"
    if feature.type == "category":
        return "and a category is a text, an integer or a boolean" if column.type == "number" else None
    if column.type in _NUMERIC:
        return None
    if feature.aggregate in _AS_IT_IS:
        return "which is no number: say 'type: category'"
    return f"and {feature.aggregate!r} needs a number: use 'count' or 'distinct'"


def _times(where: Location, feature: Feature, group: FeatureGroup, source: Source, data: Data) -> Iterator[Problem]:
    if source.event_time is not None or feature.aggregate == "value":
        return
    for role in ("window", "windows", "offset"):
        if getattr(feature, role) is not None:
            what = "an offset" if role == "offset" else "a window"
            problem = f"feature {feature.name!r} has {what}, and source {source.name!r} no event_time to measure it on"
            yield Problem((*where, role), problem)
            return
    if feature.aggregate in _TIMED or source.name == data.unit.source:
        problem = f"feature {feature.name!r}: {feature.aggregate!r} needs a source with an event_time"
        yield Problem((*where, "aggregate"), f"{problem}, and {source.name!r} has none")
