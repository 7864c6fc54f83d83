"""What data a model's features can be looked at on: its latest snapshot, or one made now, and its latest table."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from loanwright.config.data import Data
from loanwright.config.declaration import Declaration
from loanwright.data.ingestion import ingest
from loanwright.errors import LoanwrightError
from loanwright.features.reading.opening import feature_set_digest
from loanwright.features.texts.sql import compile_features
from loanwright.runtime.identity import reuse_digest
from loanwright.runtime.records import read_json, read_summaries
from loanwright.runtime.settings import Settings
from loanwright.storage import Manifest, open_store, read_manifest


def snapshot_for(settings: Settings, declaration: Declaration, say: Callable[[str], None]) -> str:
    """The snapshot of the model's latest run that holds what is declared now; without one, the sources are ingested.

    To be called in a `workplace`.

    Args:
        settings: where to look.
        declaration: the model's.
        say: told which it is.

    Raises:
        DataError: the sources cannot be read, or break their contract.
        EnvironmentFault: network, storage or disk refused.
    """
    for run, manifest in _results(settings, declaration.model.name, "ingest", "snapshot", "snapshots"):
        if _holds(manifest, declaration.data):
            say(f"Looking at snapshot {manifest.digest[:12]} of run {run}.")
            return manifest.uri
    say("No run of this model has a snapshot of what is declared now: reading its sources.")
    with contextlib.chdir(settings.project):
        found = ingest(
            declaration.data,
            open_store(os.environ["LOANWRIGHT_STORE"]),
            cutoff=None,
            overrides={},
            cache=Path(os.environ["LOANWRIGHT_DATA_CACHE"]),
            now=datetime.now(UTC),
            code_digest=reuse_digest(),
        )
    if found.unchanged:
        say("They are unchanged since they were last read.")
    return found.uri


def table_for(settings: Settings, declaration: Declaration) -> tuple[str, str] | None:
    """The latest training table of the features as they are declared now: its run and URI; None if there is none.

    To be called in a `workplace`.
    """
    data, features = declaration.data, declaration.features
    digest = feature_set_digest(data, features, compile_features(data, features).text)
    results = _results(settings, declaration.model.name, "build_features", "training_table", "tables")
    return next(((run, table.uri) for run, table in results if table.body["feature_set"] == digest), None)


def _results(settings: Settings, model: str, step: str, name: str, kind: str) -> Iterator[tuple[str, Manifest]]:
    """What a step of the model's runs made, the newest first, as far as it is still there and sound."""
    runs = sorted(read_summaries(settings.runs).values(), key=lambda run: (run.began, run.run_id), reverse=True)
    for run in runs:
        record = read_json(settings.runs / run.run_id / "steps" / f"{step}.json") or {}
        result = record.get("result")
        uri = result.get(name) if isinstance(result, dict) else None
        if run.model == model and isinstance(uri, str):
            with contextlib.suppress(LoanwrightError):
                yield run.run_id, read_manifest(uri, kind)


def _holds(snapshot: Manifest, data: Data) -> bool:
    """Whether the snapshot has the sources and columns that are declared."""
    for source in data.sources:
        table = snapshot.body["tables"].get(source.name, {"columns": []})
        held = {column["name"]: column["type"] for column in table["columns"]}
        if any(held.get(column.name) != column.type for column in source.columns):
            return False
    return True
