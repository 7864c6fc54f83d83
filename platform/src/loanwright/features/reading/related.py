"""The few rows of a snapshot that some decisions' features can be made of: those with their keys, in all versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.engine import literal, quoted
from loanwright.errors import UsageError
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL, add_related, all_versions
from loanwright.features.reading.opening import sources_read

Key = int | str


def take_related(engine: Engine, data: Data, features: Features, keys: Sequence[Key]) -> None:
    """Makes tables `source_<name>` of the rows that matter to some decisions, from tables `all_<name>`.

    What matters is told by `narrowing`. What is computed for these decisions from the small tables is what it would be
    from the whole.

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
    resolved = resolve(data, features)
    sources = {source.name: source for source in sources_read(data, resolved)}
    conditions: dict[str, list[str]] = {name: [] for name in sources}
    conditions[unit.name].append(itself)
    for group in resolved.groups:
        wanted = {tuple(decision[name] for name in group.unit_keys) for decision in decisions}
        if complete := sorted(each for each in wanted if None not in each):
            add_related(conditions, group, ", ".join(map(_tuple, complete)))
    if (event := data.label.event) is not None:
        events = f"{quoted(event.key)} IN ({', '.join(map(sql_value, keys))})"
        conditions[event.source].append(all_versions(sources[event.source], events))
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


def _tuple(values: tuple[Any, ...]) -> str:
    return f"({', '.join(map(sql_value, values))})"
