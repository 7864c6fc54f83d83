"""Features of worlds, by the default engine and by the definition, in a form in which every bit shows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.features.language.dialect import DUCKDB, Dialect
from loanwright.features.reference import reference_features
from loanwright.features.texts.sql import compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_full import Tables

Change = Callable[[str], str]


def computed(
    data: Data, features: Features, tables: Tables, change: Change = str, dialect: Dialect = DUCKDB
) -> list[dict[str, Any]]:
    """The features of every decision, from the compiled SQL; `change` is made to each text before it runs."""
    compiled = compile_features(data, features, dialect)
    with opened(data, tables) as engine:
        for name, text in {"decisions": compiled.decisions, **compiled.groups}.items():
            engine.make(name, change(text))
        found = [row for batch in engine.batches(compiled.table) for row in batch.to_pylist()]
    return [{name: bits(row[name]) for name in features.names()} for row in found]


@contextmanager
def opened(data: Data, tables: Tables) -> Iterator[Engine]:
    """An engine that reads the tables from files, with row groups so small that it could pass over some of them."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {source.name: Path(scratch) / f"{source.name}.parquet" for source in data.sources}
        for source in data.sources:
            pq.write_table(arrow(source, tables[source.name]), files[source.name], row_group_size=7)
        with Engine(Path(scratch), threads=1, files=files.values()) as engine:
            for name, path in files.items():
                engine.add(f"source_{name}", ParquetFiles((path,), pq.read_schema(path)))
            yield engine


def defined(data: Data, features: Features, tables: Tables) -> list[dict[str, Any]]:
    """The same, by the definition."""
    return [{name: bits(value) for name, value in row.items()} for row in reference_features(data, features, tables)]


def bits(value: Any) -> Any:
    """A value in which every bit shows."""
    return value.hex() if isinstance(value, float) else value
