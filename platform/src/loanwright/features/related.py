"""The few rows of a snapshot that one decision's features can be made of: those with its key, in all versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loanwright.config.data import Data, Source
from loanwright.config.features import FeatureGroup
from loanwright.data.engine import quoted
from loanwright.features.engine import Engine
from loanwright.features.previewing import no_decision, sql_value

Rows = list[dict[str, Any]]


def related_rows(engine: Engine, data: Data, groups: Iterable[FeatureGroup], key: int | str) -> dict[str, Rows]:
    """Of every source the rows that matter to a decision; of a source that none of the groups reads, none.

    A row matters if any version of it has the decision's key, by itself or by a row that a path leads it to. With
    it come all of its versions, all versions of what it is led to, and all events of its outcome.

    Args:
        engine: it has the sources' tables.
        data: the data section.
        groups: of the features.
        key: the decision's.

    Returns:
        Source → rows; times are whole microseconds of UTC.

    Raises:
        UsageError: there is no such decision.
    """
    unit = data.unit_source
    itself = f"{quoted(data.unit.key)} = {sql_value(key)}"
    found = _rows(engine, unit, itself)
    if not found:
        raise no_decision(data, key)
    conditions: dict[str, list[str]] = {source.name: [] for source in data.sources}
    conditions[unit.name].append(itself)
    for group in groups:
        wanted = [found[0][name] for name in group.unit_keys]
        if None not in wanted:
            _add(conditions, data, group, wanted)
    return {
        source.name: _rows(engine, source, " OR ".join(conditions[source.name])) if conditions[source.name] else []
        for source in data.sources
    }


def _add(conditions: dict[str, list[str]], data: Data, group: FeatureGroup, wanted: list[Any]) -> None:
    sources = {source.name: source for source in data.sources}
    source = sources[group.source]
    keyed = " AND ".join(f"{quoted(name)} = {sql_value(value)}" for name, value in zip(group.keys, wanted, strict=True))
    if group.via is None:
        chosen = _versions(source, keyed)
    else:
        via, column = group.via, group.via.column or group.via.key
        holders = f"SELECT {quoted(via.key)} FROM source_{via.source} WHERE {keyed}"
        chosen = _versions(source, f"{quoted(column)} IN ({holders})")
        led = f"SELECT {quoted(column)} FROM source_{source.name} WHERE {chosen}"
        conditions[via.source].append(f"{quoted(via.key)} IN ({led})")
    conditions[source.name].append(chosen)
    if group.outcome is not None:
        outcome = group.outcome
        ids = f"SELECT {quoted(source.key[0])} FROM source_{source.name} WHERE {chosen}"
        conditions[outcome.source].append(_versions(sources[outcome.source], f"{quoted(outcome.key)} IN ({ids})"))


def _versions(source: Source, condition: str) -> str:
    """All versions of the rows of which any version fulfils the condition."""
    keys = ", ".join(map(quoted, source.key))
    return f"({keys}) IN (SELECT {keys} FROM source_{source.name} WHERE {condition})"


def _rows(engine: Engine, source: Source, condition: str) -> Rows:
    names = [column.name for column in source.columns]
    columns = [
        f"epoch_us({quoted(column.name)})" if column.type == "time" else quoted(column.name)
        for column in source.columns
    ]
    found = engine.rows(f"SELECT {', '.join(columns)} FROM source_{source.name} WHERE {condition}")
    return [dict(zip(names, row, strict=True)) for row in found]
