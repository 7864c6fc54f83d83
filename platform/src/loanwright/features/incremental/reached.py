"""Which decisions are computed anew, though an earlier table has them: those that see a row that changed.

A decision sees a row if it has the row's key, by itself or by a path, was taken after the change could be seen, and
before the row left every window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loanwright.config.data import Data, Source
from loanwright.data.arrow_arrays import whole_numbers
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import Resolved, ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.changes import CHANGED
from loanwright.features.incremental.deciding import EVERY
from loanwright.features.incremental.earlier import Standing
from loanwright.features.reading.narrowing import ALL
from loanwright.features.texts.reaching import longest_reach, may_count, ripening
from loanwright.features.texts.visible import MICROSECONDS

DUE = "due_decisions"
"""The table of what is computed anew, numbered from 0 on."""


@dataclass(frozen=True)
class Due:
    """What is computed anew."""

    places: NDArray[np.int64]
    """Where in the table, from the first on."""
    left_out: pa.Array
    """Keys of the earlier table's decisions that are not taken from it."""


def make_due(engine: Engine, data: Data, resolved: Resolved, stands: Standing) -> Due:
    """Makes the table `due_decisions`: the new ones, and those that see a change.

    Args:
        engine: it has `every_decision`, and `changed_<name>` of the sources that changed.
        data: the data section.
        resolved: the declared features.
        stands: how far the earlier table can be relied on.
    """
    chosen = [f"SELECT lw_ord FROM {EVERY} WHERE lw_at >= {stands.end}"]
    for group in resolved.groups:
        if group.is_computed:
            chosen += _seeing(group, stands)
    keys = [f"SELECT unit_key FROM {DUE} WHERE lw_at < {stands.end}"]
    if data.unit.source in stands.changed:
        own = f"SELECT {quoted(data.unit.key)} FROM {CHANGED}_{data.unit.source}"
        chosen.append(f"SELECT lw_ord FROM {EVERY} WHERE unit_key IN ({own})")
        keys.append(own)
    numbered = "SELECT * REPLACE (row_number() OVER (ORDER BY lw_ord) - 1 AS lw_ord), lw_ord AS lw_place"
    engine.make(DUE, f"{numbered} FROM {EVERY} WHERE lw_ord IN ({' UNION ALL '.join(chosen)})")
    places = _column(engine, f"SELECT lw_place FROM {DUE} ORDER BY lw_place")
    return Due(whole_numbers(places, np.int64), _column(engine, " UNION ".join(keys)))


def _column(engine: Engine, sql: str) -> pa.Array:
    return pa.Table.from_batches(engine.batches(sql)).column(0).combine_chunks()


def _seeing(group: ResolvedGroup, stands: Standing) -> Iterator[str]:
    """A query of the places of the decisions that may see a change by a group."""
    keys = [f"lw_key{number}" for number in range(1, len(group.keys) + 1)]
    found = list(_changed_keys(group, keys, stands))
    if not found:
        return
    listed = ", ".join(keys)
    by_key = (
        f"SELECT {listed}, min(lw_since) AS lw_since, "
        "CASE WHEN count(*) = count(lw_till) THEN max(lw_till) END AS lw_till "
        f"FROM ({' UNION ALL '.join(found)}) f GROUP BY {listed}"
    )
    same = " AND ".join(f"d.{asked} = c.{key}" for asked, key in zip(group.asked, keys, strict=True))
    yield (
        f"SELECT d.lw_ord FROM {EVERY} d JOIN ({by_key}) c ON {same} "
        "WHERE d.lw_at > c.lw_since AND (c.lw_till IS NULL OR d.lw_at <= c.lw_till)"
    )


def _changed_keys(group: ResolvedGroup, keys: list[str], stands: Standing) -> Iterator[str]:
    """Queries of the keys under which decisions may see a change, and from when till when."""
    source, holder, outcome = group.source, group.holder, group.outcome
    named = [f"{quoted(column)} AS {key}" for column, key in zip(group.keys, keys, strict=True)]
    if source.name in stands.changed:
        yield _by_rows(group, named, f"{CHANGED}_{source.name}", stands)
    if outcome is not None and outcome.source.name in stands.changed:
        # Versions that match are the outcome; one that does not only ends one that does, which is there too.
        matching = (
            f"SELECT {quoted(outcome.key)} AS lw_row, min(lw_since) AS lw_since "
            f"FROM {CHANGED}_{outcome.source.name} WHERE {outcome.filter} GROUP BY ALL"
        )
        rows = f"{_either_snapshot(source, stands)} s JOIN ({matching}) m ON m.lw_row = s.{quoted(source.key[0])}"
        yield _by_rows(group, named, f"(SELECT s.*, m.lw_since FROM {rows})", stands)
    if holder is not None and holder.name in stands.changed:
        yield f"SELECT {', '.join(named)}, lw_since, NULL::BIGINT AS lw_till FROM {CHANGED}_{holder.name}"


def _by_rows(group: ResolvedGroup, named: list[str], rows: str, stands: Standing) -> str:
    """A query of the keys of some versions of a group's rows; each has `lw_since`."""
    since, till = _span(group)
    counting = may_count(group, min(stands.changed.values()))
    chosen = f"SELECT *, {since} AS lw_from, {till} AS lw_till FROM {rows} r WHERE {counting}"
    if group.via is None or group.holder is None:
        return f"SELECT {', '.join(named)}, lw_from AS lw_since, lw_till FROM ({chosen}) r"
    held = f"SELECT {quoted(group.via.key)} AS lw_holder, {', '.join(named)} FROM"
    path = f"h.lw_holder = r.{quoted(group.via.column or group.via.key)}"
    holders = f"({held} {_either_snapshot(group.holder, stands)} a) h"
    numbered = ", ".join(f"h.lw_key{number}" for number in range(1, len(named) + 1))
    return f"SELECT {numbered}, r.lw_from AS lw_since, r.lw_till FROM ({chosen}) r JOIN {holders} ON {path}"


def _span(group: ResolvedGroup) -> tuple[str, str]:
    """Of a version of a group's row: after which moment, and up to which, a decision may see its change, as SQL."""
    time, reach = group.source.event_time or group.source.known_time, longest_reach(group)
    if time is None:
        return "lw_since", "NULL::BIGINT"
    happened = f"epoch_us({quoted(time)})"
    since = f"greatest(lw_since, {happened} + {ripening(group) * MICROSECONDS})"
    return since, "NULL::BIGINT" if reach is None else f"{happened} + {reach * MICROSECONDS}"


def _either_snapshot(source: Source, stands: Standing) -> str:
    """A table of all rows of a source, as they are now and as they were, some of them twice."""
    columns = ", ".join(quoted(column.name) for column in source.columns)
    tables = [f"{ALL}_{source.name}", *([f"{CHANGED}_{source.name}"] if source.name in stands.changed else [])]
    return f"({' UNION ALL '.join(f'SELECT {columns} FROM {table}' for table in tables)})"
