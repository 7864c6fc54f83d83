"""The few rows of a snapshot that some decisions' features can be made of: those with their keys, in all versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loanwright.config.data import Data, Source
from loanwright.config.features import FeatureGroup, Features
from loanwright.data.engine import literal, quoted
from loanwright.errors import UsageError
from loanwright.features.build import sources_read
from loanwright.features.engine import Engine
from loanwright.features.resolve import resolve

ALL = "all"
"""What the names of the tables with every row begin with."""
Key = int | str


def take_related(engine: Engine, data: Data, features: Features, keys: Sequence[Key]) -> None:
    """Makes tables `source_<name>` of the rows that matter to some decisions, from tables `all_<name>`.

    A row matters if any version of it has a decision's key, by itself or by a row that a path leads it to. With it come
    all of its versions, all versions of what it is led to, and all events of its outcome. So what is computed for these
    decisions from the small tables is what it would be from the whole.

    Args:
        engine: it has the tables `all_<name>` of every source that features and label are made of.
        data: the data section.
        features: what is to be computed.
        keys: the decisions'.

    Raises:
        UsageError: there is no decision of a key.
    """
    unit = data.unit_source
    itself = f"{quoted(data.unit.key)} IN ({', '.join(map(sql_value, keys))})"
    joined = sorted({name for group in features.groups for name in group.unit_keys} | {data.unit.key})
    found = engine.rows(f"SELECT {', '.join(map(quoted, joined))} FROM {ALL}_{unit.name} WHERE {itself}")
    decisions = [dict(zip(joined, row, strict=True)) for row in found]
    _check_there(data, keys, [decision[data.unit.key] for decision in decisions])
    conditions: dict[str, list[str]] = {source.name: [] for source in sources_read(data, resolve(data, features))}
    conditions[unit.name].append(itself)
    for group in features.groups:
        wanted = {tuple(decision[name] for name in group.unit_keys) for decision in decisions}
        if complete := sorted(each for each in wanted if None not in each):
            _add(conditions, data, group, complete)
    if (event := data.label.event) is not None:
        events = f"{quoted(event.key)} IN ({', '.join(map(sql_value, keys))})"
        conditions[event.source].append(_versions(_source(data, event.source), events))
    for name, these in conditions.items():
        engine.make(f"source_{name}", f"SELECT * FROM {ALL}_{name} WHERE {' OR '.join(these) or 'FALSE'}")


def rows_taken(engine: Engine, data: Data, features: Features) -> dict[str, list[dict[str, Any]]]:
    """Source → the rows that were taken; none of a source that is not read. Times are whole microseconds of UTC."""
    taken: dict[str, list[dict[str, Any]]] = {source.name: [] for source in data.sources}
    for source in sources_read(data, resolve(data, features)):
        names = [column.name for column in source.columns]
        columns = [
            f"epoch_us({quoted(column.name)})" if column.type == "time" else quoted(column.name)
            for column in source.columns
        ]
        found = engine.rows(f"SELECT {', '.join(columns)} FROM source_{source.name}")
        taken[source.name] = [dict(zip(names, row, strict=True)) for row in found]
    return taken


def sql_value(value: Any) -> str:
    """A key's value as an SQL literal."""
    return literal(value) if isinstance(value, str) else str(int(value))


def _check_there(data: Data, keys: Sequence[Key], found: Sequence[Key]) -> None:
    for key in keys:
        if key not in found:
            raise UsageError(
                f"there is no {data.unit.name} whose {data.unit.key} is {key!r} in the snapshot",
                fix="`loanwright features preview` shows some",
            )


def _add(conditions: dict[str, list[str]], data: Data, group: FeatureGroup, wanted: Sequence[tuple[Any, ...]]) -> None:
    source = _source(data, group.source)
    keyed = f"({', '.join(map(quoted, group.keys))}) IN ({', '.join(map(_tuple, wanted))})"
    if group.via is None:
        chosen = _versions(source, keyed)
    else:
        via, column = group.via, group.via.column or group.via.key
        holders = f"SELECT {quoted(via.key)} FROM {ALL}_{via.source} WHERE {keyed}"
        chosen = _versions(source, f"{quoted(column)} IN ({holders})")
        led = f"SELECT {quoted(column)} FROM {ALL}_{source.name} WHERE {chosen}"
        conditions[via.source].append(f"{quoted(via.key)} IN ({led})")
    conditions[source.name].append(chosen)
    if group.outcome is not None:
        outcome = group.outcome
        ids = f"SELECT {quoted(source.key[0])} FROM {ALL}_{source.name} WHERE {chosen}"
        events = _versions(_source(data, outcome.source), f"{quoted(outcome.key)} IN ({ids})")
        conditions[outcome.source].append(events)


def _versions(source: Source, condition: str) -> str:
    """All versions of the rows of which any version fulfils the condition."""
    keys = ", ".join(map(quoted, source.key))
    return f"({keys}) IN (SELECT {keys} FROM {ALL}_{source.name} WHERE {condition})"


def _tuple(values: tuple[Any, ...]) -> str:
    return f"({', '.join(map(sql_value, values))})"


def _source(data: Data, name: str) -> Source:
    return next(source for source in data.sources if source.name == name)
