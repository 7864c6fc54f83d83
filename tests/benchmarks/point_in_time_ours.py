"""The project's side of `point_in_time`: features as they are declared, compiled, and run by the default engine.

    python point_in_time_ours.py {windows|latest} FOLDER OUT [--profile]

With `--profile` it prints what each operator of the group's query took, as JSON, and writes no table.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from clock import measured

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.parquet_files import ParquetFiles
from loanwright.features.language.dialect import DUCKDB_SIDE_BY_SIDE
from loanwright.features.table_files import writer_of
from loanwright.features.texts.sql import Compiled, compile_features

WINDOWS = ["7d", "30d", "90d"]
_EVENTS = {
    "name": "events",
    "uri": "events.parquet",
    "key": ["event_id"],
    "event_time": "at",
    "columns": [
        {"name": "event_id", "type": "integer"},
        {"name": "k", "type": "integer"},
        {"name": "at", "type": "time"},
        {"name": "amount", "type": "integer", "min": 0, "max": 1_000_000},
        {"name": "quantity", "type": "integer", "min": 1, "max": 100},
    ],
}
_SCORES = {
    "name": "scores",
    "uri": "scores.parquet",
    "key": ["score_id"],
    "event_time": "at",
    "columns": [
        {"name": "score_id", "type": "integer"},
        {"name": "k", "type": "integer"},
        {"name": "at", "type": "time"},
        {"name": "score", "type": "integer"},
        {"name": "limit_minor", "type": "integer"},
        {"name": "utilisation", "type": "number"},
    ],
}
_SIX = [
    {"name": "count", "aggregate": "count", "windows": WINDOWS},
    {"name": "sum", "aggregate": "sum", "column": "amount", "windows": WINDOWS, "fill": 0},
    {"name": "mean", "aggregate": "mean", "column": "amount", "windows": WINDOWS},
    {"name": "std", "aggregate": "std", "column": "amount", "windows": WINDOWS},
    {"name": "share", "aggregate": "share", "filter": "amount > 20000", "windows": WINDOWS},
    {"name": "ratio", "aggregate": "ratio", "column": "amount", "by": "quantity", "windows": WINDOWS},
]
_LATEST = [
    {"name": f"latest_{name}", "aggregate": "as_of", "column": name} for name in ("score", "limit_minor", "utilisation")
]


def declared(kind: str, folder: Path) -> tuple[Data, Features, str]:
    """The data section, the features, and the source they are of."""
    source: dict[str, Any] = _EVENTS if kind == "windows" else _SCORES
    if "known" in pq.read_schema(folder / source["uri"]).names:
        columns = [*source["columns"], {"name": "known", "type": "time"}]
        source = {**source, "known_time": "known", "columns": columns}
    unit = {
        "name": "decisions",
        "uri": "decisions.parquet",
        "key": ["decision_id"],
        "event_time": "t",
        "columns": [
            {"name": "decision_id", "type": "integer"},
            {"name": "k", "type": "integer"},
            {"name": "t", "type": "time"},
            {"name": "bad", "type": "integer"},
        ],
    }
    data = {
        "unit": {"name": "decision", "source": "decisions", "key": "decision_id"},
        "decision_time": {"column": "t"},
        "label": {"name": "bad", "column": "bad", "positive": 1, "matures_after": "1d"},
        "sources": [unit, source],
    }
    group = {"source": source["name"], "key": "k", "features": _SIX if kind == "windows" else _LATEST}
    return Data.model_validate(data), Features.model_validate({"groups": [group]}), source["name"]


@contextmanager
def begun(kind: str, folder: Path) -> Iterator[tuple[Engine, Compiled]]:
    """The engine with its sources and decisions, and the texts that builds of many rows run."""
    data, features, source = declared(kind, folder)
    compiled = compile_features(data, features, DUCKDB_SIDE_BY_SIDE)
    files = {name: folder / f"{name}.parquet" for name in ("decisions", source)}
    with tempfile.TemporaryDirectory() as scratch, Engine(Path(scratch), threads=2, files=files.values()) as engine:
        for name, path in files.items():
            engine.add(f"source_{name}", ParquetFiles((path,), pq.read_schema(path)))
        engine.make("decisions", compiled.decisions)
        yield engine, compiled


def run(kind: str, folder: Path, out: Path) -> None:
    """Parquet to parquet, as a training table of many rows is built."""
    with begun(kind, folder) as (engine, compiled):
        for name, sql in compiled.groups.items():
            engine.make(name, sql)
        writer = None
        for batch in engine.batches(compiled.table):
            writer = writer or writer_of(out, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()


def profile(kind: str, folder: Path) -> dict[str, float]:
    """Operator of the group's query → its share of all operators' time."""
    with begun(kind, folder) as (engine, compiled):
        text = engine.rows(f"EXPLAIN (ANALYZE, FORMAT json) {compiled.groups['group_1']}")[0][1]
    took: defaultdict[str, float] = defaultdict(float)
    waiting = [json.loads(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
            continue
        took[str(node.get("operator_type") or node.get("type") or "")] += float(
            node.get("operator_timing") or node.get("timing") or 0
        )
        waiting += node.get("children", [])
        waiting += [node["operator"]] if "operator" in node else []
    whole = sum(took.values()) or 1.0
    return {name: seconds / whole for name, seconds in sorted(took.items(), key=lambda each: -each[1])[:6] if name}


if __name__ == "__main__":
    kind, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if "--profile" in sys.argv:
        print(json.dumps(profile(kind, folder)))
    else:
        import duckdb  # noqa: F401 - imports are not timed

        measured(lambda: run(kind, folder, out))
