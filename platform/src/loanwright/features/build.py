"""The training table: one row per decision, from a snapshot and the declared features."""

from __future__ import annotations

import hashlib
import itertools
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loanwright.config.data import Data, Source
from loanwright.config.features import Features
from loanwright.data.engine import quoted
from loanwright.data.rows import ROW_GROUP, TYPES, row_groups, schema_of
from loanwright.errors import DataError
from loanwright.features.engine import Engine
from loanwright.features.engines import opened, written_for
from loanwright.features.resolve import OutputFeature, Resolved, resolve
from loanwright.features.sql import write_sql
from loanwright.storage import FileEntry, Manifest, Store, digest_of, fetch, publish, put_file, read_manifest

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

ROWS_PER_FILE = 16 * ROW_GROUP

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
    runs_on: str = "duckdb",
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
        runs_on: the engine, `duckdb` or `spark`. No byte of the table depends on it, nor on its memory or threads.

    Raises:
        DeclarationError: the features do not fit the sources.
        DataError: the rows are no decisions: keys are missing or double, times or labels are missing,
            there are none, or all have one outcome.
        IntegrityFault: the snapshot is not what its manifest lists.
    """
    resolved = resolve(data, features)
    # What the features are is said by one engine's text, whichever runs.
    compiled = write_sql(data, resolved)
    running = written_for(runs_on, data, features)
    snapshot = read_manifest(snapshot_uri, "snapshots")
    scratch.mkdir(parents=True, exist_ok=True)
    with opened(runs_on, scratch, memory_limit=memory_limit, threads=threads) as engine:
        for source in sources_read(data, resolved):
            engine.add(f"source_{source.name}", source_rows(source, snapshot, scratch))
        _log.info("%d features for %s decisions", len(resolved.outputs), f"{_check_decisions(engine, data):,}")
        schema = _schema(data, resolved)
        watch = _Watch(resolved.outputs)
        for name, sql in {"decisions": running.decisions, **running.groups}.items():
            engine.make(name, sql)
        groups = watch.passing(row_groups(engine.batches(running.table, ROW_GROUP), schema, ROW_GROUP))
        files = _write(groups, schema, store, scratch)
    if watch.positives in (0, watch.rows):
        outcome = int(watch.positives > 0)
        raise DataError(f"label {data.label.name!r} is {outcome} in all {watch.rows:,} rows: there is nothing to learn")
    watch.report()
    body = _body(data, features, resolved, compiled.text, snapshot)
    return publish(store, "tables", body | {"rows": watch.rows, "positives": watch.positives}, files)


def feature_set_digest(data: Data, features: Features, sql: str) -> str:
    """What the features are: their declaration, the SQL, and what is decided about whom and when."""
    what = {name: value for name, value in data.model_dump(mode="json").items() if name != "sources"}
    return digest_of({"data": what, "features": features.model_dump(mode="json"), "sql": sql})


def _body(data: Data, features: Features, resolved: Resolved, sql: str, snapshot: Manifest) -> dict[str, Any]:
    return {
        "key": data.unit.key,
        "label": {"name": data.label.name, "matures_after": data.label.matures_after},
        "features": [asdict(output) for output in resolved.outputs],
        "carried": list(resolved.carried),
        "feature_set": feature_set_digest(data, features, sql),
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


def source_rows(source: Source, snapshot: Manifest, scratch: Path) -> Dataset:
    """A source's verified files, as one data set of the declared columns.

    Raises:
        DataError: the snapshot lacks the source or a column, or a column is of another type.
        IntegrityFault: a file is not what the manifest lists.
    """
    import pyarrow.dataset as ds

    table = snapshot.body["tables"].get(source.name)
    if table is None:
        raise DataError(f"snapshot {snapshot.digest[:12]} has no source {source.name!r}", fix="Run ingest again")
    schema = schema_of(source)
    paths = [fetch(snapshot, snapshot.file(path), scratch) for path in table["files"]]
    for path in paths:
        found = pq.read_schema(path)
        for field in schema:
            at = found.get_field_index(field.name)
            if at < 0 or found.field(at).type != field.type:
                kind = "no such column" if at < 0 else str(found.field(at).type)
                raise DataError(
                    f"snapshot {snapshot.digest[:12]}, source {source.name!r}, column {field.name!r}: "
                    f"declared as {field.type}, but there is {kind}",
                    fix="Run ingest again, with this declaration",
                )
    return ds.dataset([str(path) for path in paths], schema=schema, format="parquet") if paths else schema.empty_table()


def _check_decisions(engine: Engine, data: Data) -> int:
    """How many decisions there are, each with its key, its time and its outcome."""
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
    return int(total)


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


def _write(groups: Iterator[pa.Table], schema: pa.Schema, store: Store, scratch: Path) -> list[FileEntry]:
    """Stores the row groups as files of at most `ROWS_PER_FILE` rows, each as soon as it is whole."""
    files = []
    per_file = ROWS_PER_FILE // ROW_GROUP
    doubles = [field.name for field in schema if field.type == pa.float64()]
    others = [field.name for field in schema if field.type != pa.float64()]
    with tempfile.TemporaryDirectory(dir=scratch, prefix="table-") as folder:
        path = Path(folder) / "part.parquet"
        while first := next(groups, None):
            rows = 0
            # Doubles are smaller and three times as fast to write with their bytes split than in dictionaries.
            with pq.ParquetWriter(
                path, schema, compression="zstd", use_dictionary=others, use_byte_stream_split=doubles
            ) as writer:
                for group in itertools.chain([first], itertools.islice(groups, per_file - 1)):
                    writer.write_table(group, row_group_size=ROW_GROUP)
                    rows += group.num_rows
            files.append(put_file(store, "tables", path, rows=rows))
            _log.info("%s rows written", f"{sum(entry.rows or 0 for entry in files):,}")
    return files


class _Watch:
    """Counts outcomes, and notices features that say nothing: always missing, or always the same."""

    def __init__(self, outputs: tuple[OutputFeature, ...]) -> None:
        self.positives = 0
        self.rows = 0
        self._values: dict[str, set[Any]] = {output.name: set() for output in outputs}

    def passing(self, groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables, looked at."""
        for table in groups:
            self.rows += table.num_rows
            self.positives += pc.sum(table["label"]).as_py()
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
