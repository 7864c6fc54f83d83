"""Rows of a source brought, batch by batch, into a typed table of the engine; what does not fit is counted."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from loanwright.config.data import Column, Source
from loanwright.data.breaks import Break, example, rows
from loanwright.data.contract import Role, match_columns
from loanwright.data.contract_types import SQL_TYPES, converted, exact, physical, raw, wanted
from loanwright.data.engine import literal, quoted
from loanwright.data.sources import Part
from loanwright.errors import DataError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_log = logging.getLogger("loanwright")
_EARLY = quoted("known early")
"""A column of the chunk that says whether a row was known before it happened."""
_EVERY = 2.0
"""Seconds between two words of progress."""


@dataclass
class Staged:
    """One source in the engine, as table `table`: its kept rows, and what was wrong while they came in."""

    source: Source
    table: str
    role: Role
    rows: int = 0
    left_out: int = 0
    """Rows known at or after the cut-off."""
    clipped: int = 0
    """Rows known before they happened, now known when they happened."""
    synthetic: bool = False
    wrong: dict[str, int] = field(default_factory=dict)
    """Rows whose value is not of the column's type, by column."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    readable: bool = True
    """Whether all of it could be read: only then do the rules over whole tables mean anything."""


def stage(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    parts: Iterable[Part],
    *,
    role: Role,
    cutoff: datetime | None,
) -> Staged:
    """Reads a whole source. What breaks the contract is collected in the result, never raised."""
    staged = Staged(source, quoted(f"staged {source.name}"), role, synthetic=source.synthetic)
    columns = ", ".join(f"{quoted(column.name)} {SQL_TYPES[column.type]}" for column in source.columns)
    connection.execute(f"CREATE TABLE {staged.table} ({columns})")
    ragged = 0
    odd_rows: list[str] = []
    spoke = time.monotonic()
    try:
        for part in parts:
            mismatched = match_columns(source, part.columns, part.where)
            if mismatched:
                staged.breaks += mismatched
                staged.readable = False
                break
            for batch in part.batches([column.name for column in source.columns]):
                _take(connection, staged, batch, cutoff)
                if time.monotonic() - spoke > _EVERY:
                    spoke = time.monotonic()
                    _log.info("source %s: %s read", source.name, rows(staged.rows))
            staged.synthetic = staged.synthetic or part.synthetic
            more, shown = part.ragged()
            ragged, odd_rows = ragged + more, odd_rows + shown
    except DataError as error:
        staged.breaks.append(Break(source.name, "readable", error.problem, fix=error.fix))
        staged.readable = False
    if ragged:
        says = f"{rows(ragged)} {'has' if ragged == 1 else 'have'} another number of values than the header"
        staged.breaks.append(Break(source.name, "readable", says, examples=tuple(odd_rows[:3])))
        staged.readable = False
    for column in source.columns:
        if count := staged.wrong.get(column.name, 0):
            says = f"{rows(count)} {'does' if count == 1 else 'do'} not hold {wanted(column)}"
            held = tuple(staged.examples[column.name])
            staged.breaks.append(Break(source.name, "type", says, column.name, count, held))
    return staged


def _take(
    connection: duckdb.DuckDBPyConnection, staged: Staged, batch: pa.RecordBatch, cutoff: datetime | None
) -> None:
    """Converts one batch, keeps the rows known before the cut-off and counts values of a wrong type."""
    kinds = {column.name: physical(batch.schema.field(column.name).type) for column in staged.source.columns}
    values = {column.name: converted(column, kinds[column.name]) for column in staged.source.columns}
    early = _clip(staged.source, values)
    keep = "true"
    if cutoff is not None and staged.role.known is not None:
        moment = values[staged.role.known]
        keep = f"({moment} IS NULL OR {moment} < TIMESTAMPTZ {literal(cutoff.isoformat())})"
    doubtful = [column for column in staged.source.columns if not exact(column, kinds[column.name])]
    given = [f"{raw(column, kinds[column.name])} IS NOT NULL" for column in doubtful]
    connection.register("batch", _plain(batch))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE chunk AS SELECT "
        + ", ".join(
            [f"{value} AS {quoted(name)}" for name, value in values.items()]
            + [f"{there} AS {_given(number)}" for number, there in enumerate(given)]
            + [f"{early} AS {_EARLY}"]
        )
        + f" FROM batch WHERE {keep}"
    )
    wrong = [f"{_given(number)} AND {quoted(column.name)} IS NULL" for number, column in enumerate(doubtful)]
    kept, clipped, *counts = connection.execute(
        "SELECT " + ", ".join(["count(*)", *(f"count(*) FILTER ({item})" for item in (_EARLY, *wrong))]) + " FROM chunk"
    ).fetchall()[0]
    connection.execute(f"INSERT INTO {staged.table} SELECT {', '.join(map(quoted, values))} FROM chunk")
    staged.rows += kept
    staged.clipped += clipped
    staged.left_out += batch.num_rows - kept
    for column, there, count in zip(doubtful, given, counts, strict=True):
        if count:
            staged.wrong[column.name] = staged.wrong.get(column.name, 0) + count
            condition = f"{there} AND {values[column.name]} IS NULL AND {keep}"
            _keep_examples(connection, staged, column, kinds[column.name], condition)
    connection.unregister("batch")


def _clip(source: Source, values: dict[str, str]) -> str:
    """The condition that a row was known before it happened; where that is allowed, it becomes known then."""
    if source.early_known == "refuse" or source.known_time is None or source.event_time is None:
        return "false"
    known, event = values[source.known_time], values[source.event_time]
    early = f"coalesce({known} < {event}, false)"
    values[source.known_time] = f"CASE WHEN {early} THEN {event} ELSE {known} END"
    return early


def _given(number: int) -> str:
    """A column of the chunk that says whether the source gave a value."""
    return quoted(f"given {number}")


def _keep_examples(
    connection: duckdb.DuckDBPyConnection, staged: Staged, column: Column, held: str, condition: str
) -> None:
    shown = staged.examples.setdefault(column.name, [])
    if len(shown) < 3:
        query = f"SELECT {quoted(column.name)}::VARCHAR FROM batch WHERE {condition} LIMIT 100"
        texts = dict.fromkeys(example(value, quote=held == "text") for (value,) in connection.execute(query).fetchall())
        shown += [text for text in texts if text not in shown][: 3 - len(shown)]


def _plain(batch: pa.RecordBatch) -> pa.Table:
    """The batch with its dictionary-encoded columns spelled out."""
    import pyarrow as pa

    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.Table.from_arrays(columns, names=batch.schema.names)
