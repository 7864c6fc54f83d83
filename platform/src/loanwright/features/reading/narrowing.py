"""Of all rows those that the features of some decisions can be made of, so that few decisions cost little.

A row matters if any version of it has a decision's key, by itself or by a row that a path leads it to. With it
come all of its versions, all versions of what it is led to, and all events of its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from loanwright.config.data import Source
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.texts.reaching import may_count

ALL = "all"
"""What the names of the tables with every row begin with."""
RESTATED = "restated"
"""And of those with every version of the rows that have more than one."""

Versions = Callable[[Source, str], str]


def narrow(engine: Engine, groups: Iterable[ResolvedGroup]) -> None:
    """Has `source_<name>` show, of `all_<name>`, what can count for the groups at `decisions`."""
    ((since,),) = engine.rows("SELECT coalesce(min(lw_at), 0) FROM decisions")
    conditions: dict[str, list[str]] = {}
    for group in groups:
        if group.is_computed:
            present = " AND ".join(f"{asked} IS NOT NULL" for asked in group.asked)
            add_related(
                conditions,
                group,
                f"SELECT {', '.join(group.asked)} FROM decisions WHERE {present}",
                versions=lambda source, condition: with_restated(engine, source, condition),
                counting=may_count(group, since),
                events=group.outcome.filter if group.outcome is not None else "TRUE",
            )
    for name, these in conditions.items():
        engine.show(f"source_{name}", f"SELECT * FROM {ALL}_{name} WHERE {' OR '.join(dict.fromkeys(these))}")


def widen(engine: Engine, group: ResolvedGroup) -> None:
    """Has the tables `source_<name>` of a group with all rows again."""
    for source in group.sources:
        engine.show(f"source_{source.name}", f"SELECT * FROM {ALL}_{source.name}")


def add_related(
    conditions: dict[str, list[str]],
    group: ResolvedGroup,
    wanted: str,
    *,
    versions: Versions | None = None,
    counting: str = "TRUE",
    events: str = "TRUE",
) -> None:
    """Adds, for each source of a group, which of its rows matter.

    Args:
        conditions: source → SQL conditions, of which a row has to fulfil one.
        group: whose rows.
        wanted: the decisions' keys, as SQL: a query of them, or a list of tuples.
        versions: how all versions of rows are found of which one fulfils a condition; absent: by `all_versions`.
        counting: a row matters only if a version of it fulfils this SQL condition too.
        events: and so does an event of its outcome.
    """
    versions = versions or all_versions
    source = group.source
    keyed = f"({', '.join(map(quoted, group.keys))}) IN ({wanted})"
    if group.via is None or group.holder is None:
        chosen = versions(source, all_of(counting, keyed))
    else:
        via, column = group.via, quoted(group.via.column or group.via.key)
        holding = versions(group.holder, keyed)
        conditions.setdefault(group.holder.name, []).append(holding)
        holders = f"SELECT {quoted(via.key)} FROM {ALL}_{group.holder.name} WHERE {holding}"
        chosen = versions(source, all_of(counting, f"{column} IN ({holders})"))
    conditions.setdefault(source.name, []).append(chosen)
    if group.outcome is not None:
        rows = f"SELECT {quoted(source.key[0])} FROM {ALL}_{source.name} WHERE {chosen}"
        happened = versions(group.outcome.source, all_of(events, f"{quoted(group.outcome.key)} IN ({rows})"))
        conditions.setdefault(group.outcome.source.name, []).append(happened)


def all_versions(source: Source, condition: str) -> str:
    """All versions of the rows of which any version fulfils the condition."""
    if source.known_time is None:
        return f"({condition})"
    keys = ", ".join(map(quoted, source.key))
    return f"({keys}) IN (SELECT {keys} FROM {ALL}_{source.name} WHERE {condition})"


def restated(engine: Engine, source: Source) -> str | None:
    """A table of all versions of the rows that have more than one, made if it is not there; None if no row has."""
    if source.known_time is None:
        return None
    keys, table = ", ".join(map(quoted, source.key)), f"{RESTATED}_{source.name}"
    if not engine.has(table):
        several = f"SELECT {keys} FROM {ALL}_{source.name} GROUP BY {keys} HAVING count(*) > 1"
        engine.make(table, f"SELECT * FROM {ALL}_{source.name} WHERE ({keys}) IN ({several})")
    return table if engine.count(table) else None


def with_restated(engine: Engine, source: Source, condition: str) -> str:
    """All versions of the rows of which any version fulfils the condition.

    For `all_versions` every row is looked at twice, here only the few that have several versions.
    """
    table = restated(engine, source)
    if table is None:
        return f"({condition})"
    keys = ", ".join(map(quoted, source.key))
    return f"({condition} OR ({keys}) IN (SELECT {keys} FROM {table} WHERE {condition}))"


def all_of(*conditions: str) -> str:
    """SQL conditions as one."""
    return " AND ".join(f"({each})" for each in conditions if each != "TRUE") or "TRUE"
