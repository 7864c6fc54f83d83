"""Of all rows those that the features of some decisions can be made of, so that few decisions cost little.

A row matters if any version of it has a decision's key, by itself or by a row that a path leads it to. With it
come all of its versions, all versions of what it is led to, and all events of its outcome.
"""

from __future__ import annotations

from collections.abc import Iterable

from loanwright.config.data import Source
from loanwright.data.engine import quoted
from loanwright.features.engine import Engine
from loanwright.features.resolve import ResolvedGroup

ALL = "all"
"""What the names of the tables with every row begin with."""


def narrow(engine: Engine, groups: Iterable[ResolvedGroup]) -> None:
    """Makes tables `source_<name>`, from tables `all_<name>`, of what matters to the groups at `decisions`."""
    conditions: dict[str, list[str]] = {}
    for group in groups:
        if group.aggregated or not group.own_row:
            add_related(conditions, group, f"SELECT {', '.join(group.asked)} FROM decisions")
    for name, these in conditions.items():
        engine.drop(f"source_{name}")
        engine.make(f"source_{name}", f"SELECT * FROM {ALL}_{name} WHERE {' OR '.join(dict.fromkeys(these))}")


def widen(engine: Engine, group: ResolvedGroup) -> None:
    """Has the tables `source_<name>` of a group with all rows again."""
    for source in group.sources:
        engine.drop(f"source_{source.name}")
        engine.alias(f"source_{source.name}", f"{ALL}_{source.name}")


def add_related(conditions: dict[str, list[str]], group: ResolvedGroup, wanted: str) -> None:
    """Adds, for each source of a group, which of its rows matter.

    Args:
        conditions: source → SQL conditions, of which a row has to fulfil one.
        group: whose rows.
        wanted: the decisions' keys, as SQL: a query of them, or a list of tuples.
    """
    source = group.source
    keyed = f"({', '.join(map(quoted, group.keys))}) IN ({wanted})"
    if group.via is None or group.holder is None:
        chosen = all_versions(source, keyed)
    else:
        via, column = group.via, quoted(group.via.column or group.via.key)
        holders = f"SELECT {quoted(via.key)} FROM {ALL}_{group.holder.name} WHERE {keyed}"
        chosen = all_versions(source, f"{column} IN ({holders})")
        led = f"SELECT {column} FROM {ALL}_{source.name} WHERE {chosen}"
        conditions.setdefault(group.holder.name, []).append(f"{quoted(via.key)} IN ({led})")
    conditions.setdefault(source.name, []).append(chosen)
    if group.outcome is not None:
        rows = f"SELECT {quoted(source.key[0])} FROM {ALL}_{source.name} WHERE {chosen}"
        events = all_versions(group.outcome.source, f"{quoted(group.outcome.key)} IN ({rows})")
        conditions.setdefault(group.outcome.source.name, []).append(events)


def all_versions(source: Source, condition: str) -> str:
    """All versions of the rows of which any version fulfils the condition."""
    if source.known_time is None:
        return f"({condition})"
    keys = ", ".join(map(quoted, source.key))
    return f"({keys}) IN (SELECT {keys} FROM {ALL}_{source.name} WHERE {condition})"
