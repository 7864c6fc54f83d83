"""Features of worlds, by the default engine and by the definition, in a form in which every bit shows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from loanwright.config.data import Data, Source
from loanwright.config.features import Features
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.features.language.dialect import DUCKDB, Dialect
from loanwright.features.reference import reference_features
from loanwright.features.texts.sql import Compiled, compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_full import Tables

Change = Callable[[str], str]


def computed(
    data: Data, features: Features, tables: Tables, change: Change = str, dialect: Dialect = DUCKDB
) -> list[dict[str, Any]]:
    """The features of every decision, from the compiled SQL; `change` is made to each text before it runs."""
    compiled = compile_features(data, features, dialect)
    with tempfile.TemporaryDirectory() as scratch:
        files = {source.name: _file(source, tables[source.name], Path(scratch)) for source in data.sources}
        return _run(compiled, files, Path(scratch), features, change)


def _file(source: Source, rows: list[dict[str, Any]], folder: Path) -> ParquetFiles:
    """With row groups so small that the engine could pass over some of them."""
    path = folder / f"{source.name}.parquet"
    pq.write_table(arrow(source, rows), path, row_group_size=7)
    return ParquetFiles((path,), pq.read_schema(path))


def _run(
    compiled: Compiled, files: dict[str, ParquetFiles], scratch: Path, features: Features, change: Change
) -> list[dict[str, Any]]:
    with Engine(scratch, threads=1, files=[path for each in files.values() for path in each.paths]) as engine:
        for name, file in files.items():
            engine.add(f"source_{name}", file)
        for name, text in {"decisions": compiled.decisions, **compiled.groups}.items():
            engine.make(name, change(text))
        found = [row for batch in engine.batches(compiled.table) for row in batch.to_pylist()]
    return [{name: bits(row[name]) for name in features.names()} for row in found]


def defined(data: Data, features: Features, tables: Tables) -> list[dict[str, Any]]:
    """The same, by the definition."""
    return [{name: bits(value) for name, value in row.items()} for row in reference_features(data, features, tables)]


def bits(value: Any) -> Any:
    """A value in which every bit shows."""
    return value.hex() if isinstance(value, float) else value
