"""A build's beginning, whichever way it goes on: the features as SQL, the engine with its sources, the decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from loanwright.config.data import Data, Source
from loanwright.config.features import Features
from loanwright.data.engine import quoted
from loanwright.data.rows import TYPES
from loanwright.errors import DataError
from loanwright.features.declared.resolve import Resolved, resolve
from loanwright.features.engines.choice import opened, written_for
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.reading.narrowing import ALL, RESTATED
from loanwright.features.reading.snapshots import files_of, restated_of, rows_of
from loanwright.features.texts.sql import Compiled, write_sql
from loanwright.storage import Manifest, digest_of, read_manifest


@dataclass(frozen=True)
class Begun:
    """What every build has.

    Its engine has each source as `all_<name>` and `source_<name>`, and what was restated of it as `restated_<name>`,
    if the snapshot tells and the engine is DuckDB.
    """

    data: Data
    resolved: Resolved
    sources: list[Source]
    snapshot: Manifest
    sql: str
    """What the features are, said by one engine's text, whichever runs."""
    feature_set: str
    texts: Compiled
    """The texts that run."""
    engine: Engine

    @property
    def schema(self) -> pa.Schema:
        """The training table's."""
        return _schema(self.data, self.resolved)


@contextmanager
def begun(
    snapshot_uri: str,
    data: Data,
    features: Features,
    scratch: Path,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    runs_on: str = DUCKDB.name,
) -> Iterator[Begun]:
    """Opens the engine over a snapshot; arguments and errors as of `build_training_table`."""
    resolved = resolve(data, features)
    compiled = write_sql(data, resolved)
    running = compiled if runs_on == DUCKDB.name else written_for(runs_on, data, features)
    snapshot = read_manifest(snapshot_uri, "snapshots")
    scratch.mkdir(parents=True, exist_ok=True)
    sources = sources_read(data, resolved)
    rows = rows_of(sources, snapshot, scratch)
    restated = restated_of(sources, snapshot, scratch) if runs_on == DUCKDB.name else {}
    files = files_of([*rows.values(), *restated.values()])
    with opened(runs_on, scratch, memory_limit=memory_limit, threads=threads, files=files) as engine:
        for source in sources:
            engine.add(f"{ALL}_{source.name}", rows[source.name])
            engine.alias(f"source_{source.name}", f"{ALL}_{source.name}")
        for name, these in restated.items():
            engine.add(f"{RESTATED}_{name}", these)
        _check_decisions(engine, data)
        feature_set = feature_set_digest(data, features, compiled.text)
        yield Begun(data, resolved, sources, snapshot, compiled.text, feature_set, running, engine)


def check_outcomes(data: Data, rows: int, positives: int) -> None:
    """Refuses decisions that all have one outcome."""
    if positives in (0, rows):
        outcome = int(positives > 0)
        raise DataError(f"label {data.label.name!r} is {outcome} in all {rows:,} rows: there is nothing to learn")


def feature_set_digest(data: Data, features: Features, sql: str) -> str:
    """What the features are: their declaration, the SQL, and what is decided about whom and when."""
    what = {name: value for name, value in data.model_dump(mode="json").items() if name != "sources"}
    return digest_of({"data": what, "features": features.model_dump(mode="json"), "sql": sql})


def sources_read(data: Data, resolved: Resolved) -> list[Source]:
    """The sources that the features and the label are made of, in the declaration's order."""
    names = {data.unit.source, *(group.source.name for group in resolved.groups)}
    names |= {group.holder.name for group in resolved.groups if group.holder is not None}
    names |= {group.outcome.source.name for group in resolved.groups if group.outcome is not None}
    if data.label.event is not None:
        names.add(data.label.event.source)
    return [source for source in data.sources if source.name in names]


def _check_decisions(engine: Engine, data: Data) -> None:
    """Refuses rows that are no decisions: each has a key of its own, its time and its outcome."""
    source, key = data.unit.source, quoted(data.unit.key)
    where = f"source {source!r}"
    needed = {"decision_time": data.decision_time.column, "label": data.label.column}
    columns = {role: name for role, name in needed.items() if name is not None}
    counts = ", ".join(["count(*)", f"count({key})", *[f"count({quoted(name)})" for name in columns.values()]])
    total, keyed, *present = engine.rows(f"SELECT {counts} FROM source_{source}")[0]
    if not total:
        raise DataError(f"{where} has no rows, so there is nothing to decide about")
    if keyed < total:
        raise DataError(f"{where}: {total - keyed:,} of {total:,} rows have no {data.unit.key!r}, the unit's key")
    for (role, name), count in zip(columns.items(), present, strict=True):
        if count < total:
            raise DataError(
                f"{where}: {total - count:,} of {total:,} rows have no {name!r}, the {role.replace('_', ' ')}"
            )
    double = engine.rows(f"SELECT {key} FROM source_{source} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 3")
    if double:
        examples = ", ".join(str(value) for (value,) in double)
        raise DataError(f"{where}: {data.unit.key!r} names a decision, and some rows share one, such as {examples}")


def _schema(data: Data, resolved: Resolved) -> pa.Schema:
    unit = data.unit_source

    def kind(column: str) -> pa.DataType:
        declared = unit.column(column)
        return TYPES[declared.type] if declared is not None else pa.null()

    features = [(each.name, pa.string() if each.type == "category" else pa.float64()) for each in resolved.outputs]
    return pa.schema(
        [
            ("unit_key", kind(data.unit.key)),
            ("decision_time", pa.timestamp("us", "UTC")),
            ("unit_hash", pa.uint64()),
            ("label", pa.int8()),
            *features,
            *[(f"unit.{name}", kind(name)) for name in resolved.carried],
        ]
    )
