"""The training table: one row per decision, from a snapshot and the declared features."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from loanwright.config.data import Data, Source
from loanwright.config.features import Features
from loanwright.data.engine import quoted
from loanwright.data.rows import ROW_GROUP, TYPES, row_groups
from loanwright.errors import DataError
from loanwright.features.deciding import make_decisions
from loanwright.features.dialect import DUCKDB
from loanwright.features.earlier import latest, remember, standing
from loanwright.features.engine import Engine
from loanwright.features.engines import opened, written_for
from loanwright.features.groups import compute_groups
from loanwright.features.keeping import NOTHING, keep
from loanwright.features.narrowing import ALL, RESTATED
from loanwright.features.resolve import OutputFeature, Resolved, resolve
from loanwright.features.snapshots import restated_rows, source_rows
from loanwright.features.sql import write_sql
from loanwright.features.table_files import whole_files, write_files
from loanwright.storage import Manifest, Store, digest_of, publish, read_manifest

_log = logging.getLogger("loanwright")


def build_training_table(
    snapshot_uri: str,
    data: Data,
    features: Features,
    store: Store,
    scratch: Path,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    runs_on: str = DUCKDB.name,
    shards: int | None = None,
) -> str:
    """Builds the training table of a snapshot, unless it is there; its manifest's URI.

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: unit, decision time, label and sources.
        features: what to know of each decision.
        store: where the table goes, as kind `tables`.
        scratch: a folder for files on their way; what is put there is left to the caller to remove.
        memory_limit: of the engine, such as ``"3GiB"``.
        threads: of the engine.
        runs_on: the engine, `duckdb` or `spark`.
        shards: into how many parts DuckDB deals each group's keys, to need less memory at once; absent: as many as
            it takes. Spark deals by itself. No byte of the table depends on it, nor on engine, memory or threads.

    Raises:
        DeclarationError: the features do not fit the sources.
        DataError: the rows are no decisions: keys are missing or double, times or labels are missing,
            there are none, or all have one outcome.
        IntegrityFault: the snapshot is not what its manifest lists.
    """
    resolved = resolve(data, features)
    # What the features are is said by one engine's text, whichever runs.
    compiled = write_sql(data, resolved)
    running = compiled if runs_on == DUCKDB.name else written_for(runs_on, data, features)
    feature_set = feature_set_digest(data, features, compiled.text)
    snapshot = read_manifest(snapshot_uri, "snapshots")
    scratch.mkdir(parents=True, exist_ok=True)
    sources = sources_read(data, resolved)
    schema = _schema(data, resolved)
    with opened(runs_on, scratch, memory_limit=memory_limit, threads=threads) as engine:
        for source in sources:
            engine.add(f"{ALL}_{source.name}", source_rows(source, snapshot, scratch))
            engine.alias(f"source_{source.name}", f"{ALL}_{source.name}")
        _check_decisions(engine, data)
        then = latest(store, feature_set) if runs_on == DUCKDB.name else None
        stands = (
            standing(engine, data, sources, resolved.label_filter, snapshot, then, scratch)
            if then is not None
            else None
        )
        if stands is not None:
            for source in sources:
                if (restated := restated_rows(source, snapshot, scratch)) is not None:
                    engine.add(f"{RESTATED}_{source.name}", restated)
        decided = make_decisions(engine, data, running.decisions, resolved.label_filter, stands)
        total, kept = decided.rows, keep(engine, stands, decided, schema, scratch) if stands is not None else NOTHING
        positives = decided.positives + kept.positives
        if positives in (0, total):
            outcome = int(positives > 0)
            raise DataError(f"label {data.label.name!r} is {outcome} in all {total:,} rows: there is nothing to learn")
        _log.info("%d features for %s decisions", len(resolved.outputs), f"{total - kept.rows:,}")
        dealt = shards if runs_on == DUCKDB.name else 1
        compute_groups(engine, running.groups, resolved, first=kept.rows, shards=dealt)
        watch = _Watch(resolved.outputs)
        fresh = watch.passing(row_groups(engine.batches(running.table, ROW_GROUP), schema, ROW_GROUP))
        files = list(kept.written(store, scratch))
        files += write_files(whole_files(itertools.chain(kept.rest, fresh), kept.filed), store, scratch)
    if not kept.rows:
        watch.report()
    body = _body(data, resolved, feature_set, compiled.text, snapshot)
    uri = publish(store, "tables", body | {"rows": total, "positives": positives}, files)
    remember(store, feature_set, uri)
    return uri


def feature_set_digest(data: Data, features: Features, sql: str) -> str:
    """What the features are: their declaration, the SQL, and what is decided about whom and when."""
    what = {name: value for name, value in data.model_dump(mode="json").items() if name != "sources"}
    return digest_of({"data": what, "features": features.model_dump(mode="json"), "sql": sql})


def _body(data: Data, resolved: Resolved, feature_set: str, sql: str, snapshot: Manifest) -> dict[str, Any]:
    return {
        "key": data.unit.key,
        "label": {"name": data.label.name, "matures_after": data.label.matures_after},
        "features": [asdict(output) for output in resolved.outputs],
        "carried": list(resolved.carried),
        "feature_set": feature_set,
        "snapshot": snapshot.digest,
        "sql": hashlib.sha256(sql.encode()).hexdigest(),
        # All decisions of one constant moment are as final as they will be: their sources' times say nothing of it.
        "observed_until": "" if data.decision_time.constant else snapshot.body["observed_until"],
        "synthetic": bool(snapshot.body["synthetic"]),
    }


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


class _Watch:
    """Notices features that say nothing: always missing, or always the same."""

    def __init__(self, outputs: tuple[OutputFeature, ...]) -> None:
        self._values: dict[str, set[Any]] = {output.name: set() for output in outputs}

    def passing(self, groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables, looked at."""
        for table in groups:
            for name, values in self._values.items():
                if len(values) < 2:
                    # Two different values are enough; null is one of them.
                    values.update(pc.unique(table[name]).slice(0, 2).to_pylist())
            yield table

    def report(self) -> None:
        """Warns of what was noticed."""
        for name, values in self._values.items():
            if values == {None}:
                _log.warning("feature %r is missing in every row", name)
            elif len(values) == 1:
                _log.warning("feature %r is %r in every row", name, next(iter(values)))
