"""Spark computes what the definition says, bit for bit, and so what DuckDB does; a table has one digest on either."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.aggregates import AGGREGATES
from loanwright.config.features import Features
from loanwright.errors import DataError
from loanwright.features.build import build_training_table
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.spark import LOCAL, SparkEngine
from loanwright.features.language.dialect import SPARK
from loanwright.features.texts.sql import compile_features
from loanwright.storage import open_store
from tests.unit.features.snapshots import arrow, snapshot
from tests.unit.features.worlds_features import declared, mixed
from tests.unit.features.worlds_full import Tables, data, events, features, world
from tests.unit.features.worlds_run import bits, computed, defined

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(1800), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One small session for all tests, which compiles nothing: the tables are tiny and the plans are large."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: make test-spark")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in {
        **LOCAL,
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.local.dir": str(tmp_path_factory.mktemp("spill")),
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": "2",
    }.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    yield found
    found.stop()


def on_spark(wanted: Features, tables: Tables) -> list[dict[str, Any]]:
    """The features of every decision, from the compiled SQL, in a form in which every bit shows."""
    compiled = compile_features(data(), wanted, SPARK)
    with tempfile.TemporaryDirectory() as scratch, SparkEngine(Path(scratch)) as engine:
        for source in data().sources:
            engine.add(f"source_{source.name}", arrow(source, tables[source.name]))
        for name, text in {"decisions": compiled.decisions, **compiled.groups}.items():
            engine.make(name, text)
        found = [row for batch in engine.batches(compiled.table) for row in batch.to_pylist()]
    return [{name: bits(row[name]) for name in wanted.names()} for row in found]


MOST = 5
"""So many features of each group: Spark plans longer than it computes, and longer than the features are many."""
SEED = 33
"""From this one on the groups' features have every aggregate among them."""
SHAPES = (
    "a client's events",
    "events of client and shop",
    "events by way of limits",
    "a shop's loans",
    "visits",
    "scores",
)
"""A group of each kind: dated, by a pair of keys, by a path, with outcomes, known when it happens, without events."""


def chosen(group: str) -> tuple[Features, Tables]:
    """Features of the group, and a world of its own."""
    seed = SEED + SHAPES.index(group)
    return declared(group, seed, MOST), world(seed)


@pytest.mark.parametrize("group", SHAPES)
def test_features_are_as_defined(group: str) -> None:
    wanted, tables = chosen(group)
    by_spark, right = on_spark(wanted, tables), defined(data(), wanted, tables)
    for row, (found, meant) in enumerate(zip(by_spark, right, strict=True)):
        assert {name: found[name] for name in meant if found[name] != meant[name]} == {}, row
    assert by_spark == computed(data(), wanted, tables)


def test_every_aggregate_is_among_them() -> None:
    asked = {feature.aggregate for name in SHAPES for group in chosen(name)[0].groups for feature in group.every}
    assert asked == set(AGGREGATES)


def test_the_table_has_one_digest_on_either_engine(tmp_path: Path) -> None:
    wanted, tables = mixed(3, ["a client's events", "a client's loans", "limits"], 4), world(3)
    event = {"source": "events", "key": "event_id", "within": "6d", "filter": "amount > 0"}
    labelled = data(label={"name": "bad", "event": event, "matures_after": "6d"})
    table = {}
    for engine in ("duckdb", "spark"):
        folder = tmp_path / engine
        folder.mkdir()
        uri = snapshot(labelled, tables, folder, files=2)
        store = open_store(str(folder / "store"))
        built = build_training_table(uri, labelled, wanted, store, folder / "scratch", runs_on=engine)
        table[engine] = built.rpartition("/")[2]
    assert table["spark"] == table["duckdb"]


EXPRESSIONS = (
    "round(a)", "round(a * 1000) / 1000", "floor(a)", "ceil(a)", "sign(a)", "sqrt(abs(a))", "abs(a) % 0.7", "a / b",
    "a % b", "CASE WHEN abs(a) < 1000000 THEN CAST(a AS BIGINT) END", "TRY_CAST(a AS BIGINT)",
    "least(a, b, 0)", "greatest(a, b)",
    "coalesce(a, b, 1.5)", "nullif(a, 0)", "CASE WHEN a > b THEN a ELSE -b END", "a * 1e99 * 1e99 * 1e99 * 1e99",
    "CAST(a > b AS BIGINT)", "floor(a * 1e30)", "-a",
)  # fmt: skip


def test_derived_features_have_the_same_bits() -> None:
    rng = random.Random(1)
    tables = world(1)
    values = [None, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -0.2, 0.49999999999999994, 1e17, -1e19]
    values += [rng.uniform(-1, 1) * 10 ** rng.randint(-3, 6) for _ in range(40)]
    tables["visits"] = [
        {"client_id": 1, "page": str(n), "at": 1_700_000_000_000_000 + n, "seconds": n, "score": value}
        for n, value in enumerate(values)
    ]
    tables["applications"] = [
        {"application_id": n, "client_id": 1, "shop": "a\\b" if n % 3 else "a'\"`", "amount": n % 6,
         "decided": 1_700_000_000_000_000 + n, "bad": n % 2} for n in range(1, len(values) + 1)
    ]  # fmt: skip
    wanted = features(
        {"source": "visits", "key": "client_id", "features": [
            {"name": "a", "aggregate": "last", "column": "score"},
            {"name": "b", "aggregate": "mean", "column": "score"},
        ]},
        {"source": "applications", "key": "client_id", "features": [
            {"name": "like", "aggregate": "count", "filter": "shop LIKE 'a\\_'"},
            {"name": "quote", "aggregate": "count", "filter": "shop = 'a''\"`' OR amount IN (1, 2.5)"},
            {"name": "since", "aggregate": "count", "filter": "decided >= TIMESTAMPTZ '2023-11-14'"},
            {"name": "cast", "aggregate": "count", "filter": "CAST(amount / 2 AS BIGINT) = 2"},
        ]},
        derived=[{"name": f"d{n}", "expression": text} for n, text in enumerate(EXPRESSIONS)],
    )  # fmt: skip
    assert on_spark(wanted, tables) == computed(data(), wanted, tables)


def test_leaving_the_range_is_an_error_and_never_a_wrap() -> None:
    tables = world(1)
    tables["events"] = [
        {"event_id": n, "client_id": 1, "shop": "a", "loan_id": "k", "happened": 1_600_000_000_000_000 + n,
         "known": 1_600_000_000_000_000 + n, "amount": 2**62, "rate": 1e31, "kind": "x", "late": True}
        for n in range(8)
    ]  # fmt: skip
    wide = features(events({"name": "s", "aggregate": "sum", "column": "amount"}))
    assert on_spark(wide, tables) == computed(data(), wide, tables)
    with pytest.raises(DataError, match="left the range"):
        on_spark(features(events({"name": "s", "aggregate": "std", "column": "rate"})), tables)


def test_texts_for_spark_are_checked_like_the_others() -> None:
    resolve(data(), features(events({"name": "n", "aggregate": "count", "filter": "amount > 1"})), SPARK)
