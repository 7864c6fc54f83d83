"""Why a feature has the value it has at one decision: which rows fed it, and why every other row did not.

What happened to each row is told by the definition (`reference`), over the few rows that can matter; the value is
computed by the definition and by the engine's SQL, and both are shown if they ever differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from loanwright.config.data import Data, Source
from loanwright.config.features import DerivedFeature, Features
from loanwright.data.engine import moment
from loanwright.data.rows import schema_of
from loanwright.features.declared.lineage import filtered, find, inputs, only
from loanwright.features.declared.resolve import OUTCOME
from loanwright.features.definition.rows import GroupRows, Tables
from loanwright.features.definition.values import Counted, value_of
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL
from loanwright.features.reading.previewing import Decision, computed, key_of, opened
from loanwright.features.reading.related import Key, rows_taken, take_related
from loanwright.features.reference import Fate, Seen, rows_of
from loanwright.features.shown.describing import in_words

Value = float | str | None


@dataclass(frozen=True)
class ExplainedRow:
    """A version of a row with the decision's key, and what became of it."""

    key: dict[str, Any]
    """The values of the source's key."""
    event: datetime | None
    """When it counts as having happened: with an outcome, when that was final."""
    known: datetime | None
    until: datetime | None
    """When its next version was known."""
    values: dict[str, Any]
    """What the feature reads of it, and `outcome` if its group has one."""
    counted: bool
    why: str
    """`counted`, or the first reason why not."""


@dataclass(frozen=True)
class Explained:
    """One feature at one decision."""

    feature: str
    words: str
    source: str
    """Empty for a derived feature."""
    decision: Key
    time: datetime
    value: Value
    """By the definition; of a derived feature, by the engine, for its inputs are what the definition defines."""
    engine: Value
    """By the SQL that makes the training table."""
    rows: tuple[ExplainedRow, ...] = ()
    """The newest first."""
    inputs: tuple[Explained, ...] = ()
    """Of a derived feature: what its expression reads."""

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have which fate, in the order in which reasons are looked for."""
        found = Counter(row.why for row in self.rows)
        return {fate.value: found[fate.value] for fate in Fate if found[fate.value]}

    @property
    def differing(self) -> tuple[Explained, ...]:
        """Itself and its inputs, as far as the engine's value is not the definition's: always none, or a bug."""
        below = tuple(other for each in self.inputs for other in each.differing)
        return below if self.value == self.engine else (self, *below)


def explain(snapshot_uri: str, data: Data, features: Features, name: str, key: str, scratch: Path) -> Explained:
    """Explains a feature at the decision of that key.

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: the data section.
        features: what is declared; the feature may be hidden or derived.
        name: the feature's.
        key: the decision's, in text.
        scratch: a folder for temporary files.

    Raises:
        UsageError: there is no such feature or decision.
        DeclarationError: the features do not fit the sources.
        DataError: the snapshot does not fit the declaration.
    """
    find(features, name)
    chosen, unit_key = only(features, [name]), key_of(data, key)
    with opened(snapshot_uri, data, chosen, scratch, ALL) as engine:
        take_related(engine, data, chosen, [unit_key])
        decision = computed(engine, data, chosen, [unit_key])[0]
        tables = rows_taken(engine, data, chosen)
    return _explained(data, chosen, name, decision, tables)


def explained(data: Data, features: Features, name: str, key: Key, tables: Tables, scratch: Path) -> Explained:
    """`explain`, of rows that are at hand: those that matter to the decision, or more.

    Args:
        tables: source → rows, every source's; times are whole microseconds of UTC.
    """
    with Engine(scratch, threads=1) as engine:
        for source in data.sources:
            engine.add(f"source_{source.name}", _arrow(source, tables[source.name]))
        decision = computed(engine, data, features, [key])[0]
    return _explained(data, features, name, decision, tables)


def _explained(data: Data, features: Features, name: str, decision: Decision, tables: Tables) -> Explained:
    group, feature = find(features, name)
    value = decision.values[name]
    words = in_words(data, group, feature)
    if group is None or isinstance(feature, DerivedFeature):
        made_of = [_explained(data, features, each, decision, tables) for each in inputs(features)[name]]
        return Explained(name, words, "", decision.key, decision.time, value, value, inputs=tuple(made_of))
    source = next(source for source in data.sources if source.name == group.source)
    seen = rows_of(data, features, tables, name, decision.key)
    counted = [each for each in seen if each.fate is Fate.COUNTED]
    at = int(decision.time.timestamp()) * 1_000_000 + decision.time.microsecond
    defined = value_of(Counted(feature, source, counted, at, GroupRows(data, group, tables)))
    read = [column for column in (feature.column, feature.by) if column is not None]
    read += [OUTCOME] if group.outcome is not None else []
    by = filtered(source, group, feature)
    read += [column for column in sorted(by.columns if by else ()) if column not in read]
    return Explained(
        name,
        words,
        source.name,
        decision.key,
        decision.time,
        defined,
        value,
        rows=tuple(_row(source, each, read) for each in reversed(seen)),
    )


def _row(source: Source, seen: Seen, read: Sequence[str]) -> ExplainedRow:
    version = seen.version
    times = {column.name for column in source.columns if column.type == "time"}

    def shown(row: Mapping[str, Any], name: str) -> Any:
        return moment(row[name]) if name in times else row[name]

    return ExplainedRow(
        key={name: shown(version.row, name) for name in source.key},
        event=moment(seen.event),
        known=moment(version.known),
        until=moment(version.until),
        values={name: shown(seen.row, name) for name in read},
        counted=seen.fate is Fate.COUNTED,
        why=seen.fate.value,
    )


def _arrow(source: Source, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = schema_of(source)
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        whole = pa.types.is_timestamp(field.type)
        columns.append(pa.array(values, pa.int64()).cast(field.type) if whole else pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)
