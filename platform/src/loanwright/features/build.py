"""The training table: one row per decision, from a snapshot and the declared features."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.rows import ROW_GROUP, row_groups
from loanwright.errors import MemoryFault
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.groups import compute_groups, make_groups
from loanwright.features.computing.joining import RANGE, joined
from loanwright.features.computing.setting_aside import set_aside
from loanwright.features.computing.watching import Watch
from loanwright.features.incremental.deciding import EVERY, Decided, make_decisions
from loanwright.features.incremental.earlier import latest, remember, standing
from loanwright.features.incremental.keeping import Kept
from loanwright.features.incremental.reached import DUE, make_due
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.reading.opening import Begun, begun, check_outcomes
from loanwright.features.table_files import whole_files, write_files
from loanwright.storage import Store, publish

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
    with begun(
        snapshot_uri, data, features, scratch, memory_limit=memory_limit, threads=threads, runs_on=runs_on
    ) as build:
        engine, snapshot, filtered = build.engine, build.snapshot, build.resolved.label_filter
        then = latest(store, build.feature_set) if runs_on == DUCKDB.name else None
        stands = standing(engine, data, build.sources, filtered, snapshot, then, scratch) if then is not None else None
        decided = make_decisions(engine, data, build.texts.decisions, filtered, stands)
        if stands is None:
            check_outcomes(data, decided.rows, decided.positives)
            _log.info("%d features for %s decisions", len(build.resolved.outputs), f"{decided.rows:,}")
            return write_table(build, decided, _rows(build, scratch, EVERY, decided.rows, shards), store, scratch)
        due = make_due(engine, data, build.resolved, stands)
        kept = Kept(engine, stands, decided, due, build.schema, scratch)
        check_outcomes(data, decided.rows, decided.positives + kept.positives)
        _log.info(
            "%d features for %s decisions; %s others are kept from the table before",
            len(build.resolved.outputs),
            f"{len(due.places):,}",
            f"{kept.rows:,}",
        )
        return write_table(build, decided, _rows(build, scratch, DUE, len(due.places), shards), store, scratch, kept)


def write_table(
    build: Begun,
    decided: Decided,
    rows: Iterator[pa.RecordBatch],
    store: Store,
    scratch: Path,
    kept: Kept | None = None,
) -> str:
    """Stores the training table of these rows, and of those that are kept of an earlier one; its manifest's URI."""
    watch = Watch(build.resolved.outputs)
    fresh = watch.passing(row_groups(rows, build.schema, ROW_GROUP))
    positives = decided.positives
    if kept is None:
        files = write_files(whole_files(fresh), store, scratch)
        watch.report()
    else:
        files = list(kept.files(fresh, store))
        positives += kept.positives
    uri = publish(store, "tables", _body(build, decided.rows, positives), files)
    remember(store, build.feature_set, uri)
    return uri


def _rows(build: Begun, scratch: Path, of: str, count: int, shards: int | None) -> Iterator[pa.RecordBatch]:
    """The table's rows of so many decisions, in their order, computed now."""
    engine, texts = build.engine, build.texts
    if not count:
        return
    if engine.deals_by_itself:
        engine.make("decisions", f"SELECT * FROM {of}")
        for name, text in texts.groups.items():
            engine.make(name, text)
        yield from engine.batches(texts.table, ROW_GROUP)
        return
    if of != EVERY and count <= RANGE:
        try:
            make_groups(engine, build.resolved, of)
            whole = list(engine.batches(texts.table, ROW_GROUP))
        except MemoryFault as fault:
            _log.info("%s: the groups are put on disk", fault)
            for name in texts.groups:
                engine.drop(name)
        else:
            yield from whole
            return
    dealt = {"decisions": set_aside(engine, of, build.resolved, scratch)}
    with removed(dealt):
        for name, rows in compute_groups(engine, texts.groups, build.resolved, scratch, of=of, shards=shards):
            dealt[name] = rows
        yield from joined(engine, texts.table, dealt, count)


@contextmanager
def removed(dealt: Mapping[str, Dealt]) -> Iterator[None]:
    """Whatever happens, these rows do not stay on scratch."""
    try:
        yield
    finally:
        for rows in dealt.values():
            rows.close()


def _body(build: Begun, rows: int, positives: int) -> dict[str, Any]:
    data, snapshot = build.data, build.snapshot
    return {
        "key": data.unit.key,
        "label": {"name": data.label.name, "matures_after": data.label.matures_after},
        "features": [asdict(output) for output in build.resolved.outputs],
        "carried": list(build.resolved.carried),
        "feature_set": build.feature_set,
        "snapshot": snapshot.digest,
        "sql": hashlib.sha256(build.sql.encode()).hexdigest(),
        # All decisions of one constant moment are as final as they will be: their sources' times say nothing of it.
        "observed_until": "" if data.decision_time.constant else snapshot.body["observed_until"],
        "synthetic": bool(snapshot.body["synthetic"]),
        "rows": rows,
        "positives": positives,
    }
