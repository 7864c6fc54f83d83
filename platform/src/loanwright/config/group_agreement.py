"""What a feature group must find in the `data` section: its key, the row that holds it, and the rows' outcomes."""

from __future__ import annotations

from collections.abc import Iterator

from loanwright.config.data import Data, Source
from loanwright.config.features import FeatureGroup, Outcome, Via
from loanwright.config.lookups import key_problems, no_column, no_source
from loanwright.config.problems import Location, Problem


def group_problems(where: Location, group: FeatureGroup, source: Source, data: Data) -> Iterator[Problem]:
    """Everything about a group's key, path and outcome that does not fit its source."""
    holder = source
    if group.via is not None:
        found = data.source(group.via.source)
        if found is None:
            yield no_source((*where, "via", "source"), data, group.via.source)
            return
        holder = found
        yield from _via((*where, "via"), group.via, source, holder)
    for position, (key, unit_name) in enumerate(zip(group.keys, group.unit_keys, strict=True)):
        yield from _key(where, group, holder, data, (position, key, unit_name))
    if group.outcome is not None:
        yield from _outcome((*where, "outcome"), group.outcome, source, data)


def _via(where: Location, via: Via, source: Source, holder: Source) -> Iterator[Problem]:
    name = via.column or via.key
    column = source.column(name)
    if column is None:
        yield no_column((*where, "column" if via.column else "key"), source, name)
        return
    yield from key_problems((*where, "key"), holder, via.key, column, "the rows'")
    if holder.column(via.key) is not None and holder.key != (via.key,):
        keys = ", ".join(map(repr, holder.key))
        problem = f"a row of {source.name!r} must lead to one row of {holder.name!r}, which is keyed by {keys}"
        yield Problem((*where, "key"), problem)


def _key(
    where: Location, group: FeatureGroup, holder: Source, data: Data, pair: tuple[int, str, str]
) -> Iterator[Problem]:
    position, key, unit_name = pair
    place = (*where, "key") if isinstance(group.key, str) else (*where, "key", position)
    if holder.column(key) is None:
        yield no_column(place, holder, key)
        return
    unit_key = data.unit_source.column(unit_name)
    if unit_key is None:
        missing = no_column((*where, "unit_key") if group.unit_key else place, data.unit_source, unit_name)
        more = "" if group.unit_key else "; name the unit's column to join with in unit_key"
        yield Problem(missing.where, missing.text + more)
        return
    yield from key_problems(place, holder, key, unit_key)


def _outcome(where: Location, outcome: Outcome, source: Source, data: Data) -> Iterator[Problem]:
    events = data.source(outcome.source)
    if events is None:
        yield no_source((*where, "source"), data, outcome.source)
        return
    if source.column("outcome") is not None:
        yield Problem(
            where, f"source {source.name!r} has a column 'outcome', which conditions could not tell from this"
        )
    if source.event_time is None:
        yield Problem(where, f"an outcome is final some time after its row, and {source.name!r} has no event_time")
    if events.event_time is None:
        yield Problem((*where, "source"), f"source {events.name!r} has no event_time, so nothing happens in it")
    if len(source.key) > 1:
        keys = ", ".join(map(repr, source.key))
        yield Problem(where, f"an outcome belongs to one row, and {source.name!r} is keyed by {keys}")
        return
    key = source.column(source.key[0])
    if key is not None:
        yield from key_problems((*where, "key"), events, outcome.key, key, "the rows'")
