"""Every feature of the synthetic lender's model, on a tiny world: what the engine gives is what the definition says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.config.reading import read_declaration
from loanwright.data.ingestion import ingest
from loanwright.features.build import build_training_table
from loanwright.features.reference import reference_features
from loanwright.storage import Manifest, open_store, read_manifest

MODEL = Path(__file__).parents[2] / "pipelines" / "pay_later_default" / "model.yaml"
WORLD = "customers=100&seed=6&months=6"


def rows(manifest: Manifest, folder: Path, paths: list[str]) -> list[dict[str, Any]]:
    """The rows of some of a manifest's files, times as microseconds."""
    table = pq.read_table([folder / path for path in paths])
    columns = [
        column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.itercolumns()
    ]
    found: list[dict[str, Any]] = pa.table(columns, names=table.column_names).to_pylist()
    return found


@pytest.mark.slow
def test_engine_and_definition_agree_on_every_feature_of_every_decision(tmp_path: Path) -> None:
    declaration = read_declaration(MODEL)
    data = declaration.data
    # The hidden ones too: another model may be given them.
    features = declaration.features.model_copy(update={"hidden": (), "purpose": "other"})
    store = open_store(str(tmp_path / "store"))
    found = ingest(
        data,
        store,
        cutoff=None,
        overrides={source.name: f"world://{source.name}?{WORLD}" for source in data.sources},
        cache=tmp_path,
        now=datetime(2026, 6, 1, tzinfo=UTC),
    )
    snapshot = read_manifest(found.uri, "snapshots")
    folder = tmp_path / "store" / "snapshots"
    tables = {name: rows(snapshot, folder, described["files"]) for name, described in snapshot.body["tables"].items()}
    table = read_manifest(build_training_table(found.uri, data, features, store, tmp_path / "scratch"), "tables")
    made = rows(table, tmp_path / "store" / "tables", [entry.path for entry in table.files])

    declared = [feature.name for group in features.groups for feature in group.every]
    expected = reference_features(data, features, tables)
    assert len(expected) == len(made) > 100
    assert [{name: each[name] for name in declared} for each in made] == expected
    told = {name for name in declared if len({each[name] for each in expected}) > 1}
    assert len(told) > 0.85 * len(declared)
