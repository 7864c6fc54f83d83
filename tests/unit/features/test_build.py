"""The training table: its shape, its bytes, and what it refuses."""

from __future__ import annotations

import hashlib
import logging
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import DataError, DeclarationError, IntegrityFault
from loanwright.features.build import build_training_table
from loanwright.features.reading.opening import feature_set_digest
from loanwright.features.texts.sql import compile_features
from loanwright.storage import open_store, read_manifest
from tests.unit.features import worlds
from tests.unit.features.snapshots import arrow, snapshot
from tests.unit.features.worlds import DAY, NOON, events

SIMPLE = events(
    {"name": "total", "aggregate": "sum", "column": "amount", "window": "3d", "monotone": "increasing"},
    {"name": "kind", "aggregate": "last", "column": "kind", "type": "category", "description": "its last"},
    {"name": "secret", "aggregate": "count"},
)


def some(decisions: int = 4, **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """Decisions a day apart, latest first, each client with two events the day before."""
    return {
        "applications": [
            {
                "application_id": n,
                "client_id": n,
                "decided": NOON - n * DAY,
                "amount": n,
                "sex": "fm"[n % 2],
                "bad": n % 2,
                **changes,
            }
            for n in range(1, decisions + 1)
        ],
        "clients": [],
        "events": [
            {
                "event_id": 10 * n + m,
                "client_id": n,
                "happened": NOON - n * DAY - m,
                "known": NOON - n * DAY - m,
                "amount": n * m,
                "rate": n / 10,
                "kind": "xy"[m - 1],
                "late": True,
            }
            for n in range(1, decisions + 1)
            for m in (1, 2)
        ],
    }


def built(
    folder: Path, tables: Any, features: Any = None, data: Any = None, *, files: int = 1, threads: int | None = 1
) -> str:
    """The URI of the training table of these rows."""
    data = data or worlds.data()
    features = features or worlds.features(SIMPLE, hidden=["secret"])
    uri = snapshot(data, tables, folder, files=files)
    return build_training_table(
        uri, data, features, open_store(str(folder / "store")), folder / "scratch", threads=threads
    )


def read(uri: str) -> pa.Table:
    manifest = read_manifest(uri, "tables")
    store = Path(uri).parent
    return pa.concat_tables([pq.read_table(store / entry.path) for entry in manifest.files])


def test_the_table_has_the_published_shape(tmp_path):
    uri = built(tmp_path, some())

    manifest = read_manifest(uri, "tables")
    table = read(uri)
    assert [f"{field.name} {field.type}" for field in table.schema] == [
        "unit_key int64",
        "decision_time timestamp[us, tz=UTC]",
        "unit_hash uint64",
        "label int8",
        "total double",
        "kind string",
        "unit.sex string",
    ]
    assert table["unit_key"].to_pylist() == [4, 3, 2, 1], "in the order of decision time"
    assert table["label"].to_pylist() == [0, 1, 0, 1]
    assert table["total"].to_pylist() == [12, 9, 6, 3]
    assert table["kind"].to_pylist() == ["x"] * 4
    assert table["unit.sex"].to_pylist() == ["f", "m", "f", "m"]
    sql = compile_features(worlds.data(), worlds.features(SIMPLE, hidden=["secret"])).text
    assert manifest.body == {
        "rows": 4,
        "positives": 2,
        "key": "application_id",
        "label": {"name": "bad", "matures_after": 30 * 86_400},
        "features": [
            {"name": "total", "type": "number", "monotone": "increasing", "description": ""},
            {"name": "kind", "type": "category", "monotone": None, "description": "its last"},
        ],
        "carried": ["sex"],
        "feature_set": feature_set_digest(worlds.data(), worlds.features(SIMPLE, hidden=["secret"]), sql),
        "snapshot": manifest.body["snapshot"],
        "sql": hashlib.sha256(sql.encode()).hexdigest(),
        "observed_until": "",
        "synthetic": True,
    }
    assert [entry.rows for entry in manifest.files] == [4]


@pytest.mark.parametrize(
    ("kind", "key", "golden"),
    [("integer", 17, 0x70EFDF2EC9B08607), ("integer", -1, 0x6BB61E3B7BCE0931), ("text", "é 7", None)],
)
def test_the_units_hash_is_the_start_of_the_md5_of_its_keys_text(kind, key, golden, tmp_path):
    sources = [dict(source) for source in worlds.DATA["sources"]]
    columns = [{**c, "type": kind} if c["name"] == "application_id" else c for c in sources[0]["columns"]]
    sources[0] = {**sources[0], "columns": columns}
    tables = some(2)
    tables["applications"][0]["application_id"] = key
    tables["applications"][1]["application_id"] = "other" if kind == "text" else 3

    table = read(built(tmp_path, tables, data=worlds.data(sources=sources)))

    by_key = dict(zip(table["unit_key"].to_pylist(), table["unit_hash"].to_pylist(), strict=True))
    assert by_key[key] == int.from_bytes(hashlib.md5(str(key).encode(), usedforsecurity=False).digest()[:8], "big")
    assert golden is None or by_key[key] == golden


def test_no_byte_depends_on_the_order_of_rows_on_files_or_on_threads(tmp_path):
    rows = random.Random(7)
    tables = some(300)
    for row in tables["events"]:
        row |= {"rate": rows.uniform(-1e3, 1e3), "client_id": rows.randrange(40), "happened": NOON - 400 * DAY}
        row |= {"known": NOON - 400 * DAY, "kind": rows.choice(["x", "y", None])}
    tables["clients"] = [
        {"client_id": n, "since": NOON - 500 * DAY, "known": NOON - 490 * DAY, "income": n / 3, "region": "r"}
        for n in range(40)
    ]
    found = set()
    for threads, files in ((1, 1), (2, 3), (2, 5), (4, 2)):
        shuffled = {name: rows.sample(table, len(table)) for name, table in tables.items()}
        uri = built(tmp_path, shuffled, worlds.features(), files=files, threads=threads)
        found.add(tuple(entry.sha256 for entry in read_manifest(uri).files))

    assert len(found) == 1


def test_a_second_build_finds_the_same_table_and_leaves_nothing_behind(tmp_path):
    first = built(tmp_path, some())
    second = built(tmp_path, some(), threads=2)

    assert first == second
    assert not any((tmp_path / "scratch").iterdir())


def test_the_feature_set_changes_with_what_is_meant_and_with_nothing_else():
    data, features = worlds.data(), worlds.features(SIMPLE)

    def digest(data: Any = data, features: Any = features) -> str:
        return feature_set_digest(data, features, compile_features(data, features).text)

    base = digest()
    sources = [dict(source) for source in worlds.DATA["sources"]]
    elsewhere = worlds.data(sources=[{**source, "uri": "elsewhere.csv"} for source in sources])
    assert digest(data=elsewhere) == base
    assert digest(features=worlds.features(SIMPLE, hidden=["secret"])) != base
    assert digest(data=worlds.data(decision_time={"constant": "2026-01-01"})) != base
    assert digest(data=worlds.data(label={**worlds.DATA["label"], "matures_after": "31d"})) != base


def replaced(**changes: Any) -> dict[str, Any]:
    """Tables in which the second application is changed."""
    tables = some()
    tables["applications"][1] |= changes
    return tables


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (some(0), "source 'applications' has no rows, so there is nothing to decide about"),
        (
            replaced(application_id=3),
            "source 'applications': 'application_id' names a decision, and some rows share one, such as 3",
        ),
        (
            replaced(application_id=None),
            "source 'applications': 1 of 4 rows have no 'application_id', the unit's key",
        ),
        (replaced(decided=None), "source 'applications': 1 of 4 rows have no 'decided', the decision time"),
        (replaced(bad=None), "source 'applications': 1 of 4 rows have no 'bad', the label"),
        (some(4, bad=0), "label 'bad' is 0 in all 4 rows: there is nothing to learn"),
        (some(4, bad=1), "label 'bad' is 1 in all 4 rows: there is nothing to learn"),
    ],
)
def test_rows_that_are_no_decisions_are_refused(tables, message, tmp_path):
    with pytest.raises(DataError) as caught:
        built(tmp_path, tables)

    assert str(caught.value) == message
    assert not list(tmp_path.glob("store/tables/*.json")), "nothing is left that could be taken for a table"


def test_a_snapshot_without_the_declared_source_or_column_is_refused(tmp_path):
    data = worlds.data()
    tables = {source.name: arrow(source, some()[source.name]) for source in data.sources}
    naive = tables["events"].set_column(2, "happened", tables["events"]["happened"].cast(pa.timestamp("us")))
    lacking = tables["events"].drop(["rate"])
    cases = {
        r"source 'events', column 'rate': declared as double, but there is no such column": lacking,
        r"source 'events', column 'happened': declared as timestamp\[us, tz=UTC\], but there is timestamp\[us\]": naive,
    }  # fmt: skip

    for message, table in cases.items():
        with pytest.raises(DataError, match=message):
            built(tmp_path, {**tables, "events": table})
    uri = snapshot(worlds.data(sources=worlds.DATA["sources"][:1]), tables, tmp_path)
    with pytest.raises(DataError, match=r"has no source 'events'. Run ingest again"):
        build_training_table(uri, data, worlds.features(SIMPLE), open_store(str(tmp_path)), tmp_path / "scratch")


def test_a_changed_snapshot_file_is_never_read(tmp_path):
    data, features = worlds.data(), worlds.features(SIMPLE)
    uri = snapshot(data, some(), tmp_path)
    for path in (tmp_path / "store" / "snapshots" / "files").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(IntegrityFault, match="its bytes were changed"):
        build_training_table(uri, data, features, open_store(str(tmp_path / "store")), tmp_path / "scratch")


def test_features_that_say_nothing_are_warned_of(tmp_path, caplog):
    features = worlds.features(
        events(
            {"name": "nothing", "aggregate": "max", "column": "amount", "filter": "amount > 1000"},
            {"name": "always", "aggregate": "count"},
            {"name": "total", "aggregate": "sum", "column": "amount"},
        )
    )

    with caplog.at_level(logging.WARNING, "loanwright"):
        built(tmp_path, some(), features)

    assert [record.getMessage() for record in caplog.records] == [
        "feature 'nothing' is missing in every row",
        "feature 'always' is 2.0 in every row",
    ]


@pytest.mark.parametrize(
    ("kind", "positive", "given", "labels"),
    [
        ("integer", 2, [1, 2, 3, 2], [0, 1, 0, 1]),
        ("integer", 1.0, [1, 0, 1, 0], [1, 0, 1, 0]),
        ("number", 0.5, [0.5, 1.0, 0.0, 0.5], [1, 0, 0, 1]),
        ("category", "it's bad", ["ok", "it's bad", "", "ok"], [0, 1, 0, 0]),
        ("category", 2, ["1", "2", "1", "1"], [0, 1, 0, 0]),
        ("text", 1234567.0, ["1234567", "1", "1.23457e+06", ""], [1, 0, 0, 0]),
        ("boolean", True, [True, False, False, True], [1, 0, 0, 1]),
        ("boolean", False, [True, False, False, True], [0, 1, 1, 0]),
    ],
)
def test_the_positive_value_is_of_the_labels_type(kind, positive, given, labels, tmp_path):
    sources = [dict(source) for source in worlds.DATA["sources"]]
    columns = [{**c, "type": kind} if c["name"] == "bad" else c for c in sources[0]["columns"]]
    sources[0] = {**sources[0], "columns": columns}
    data = worlds.data(sources=sources, label={**worlds.DATA["label"], "positive": positive})
    tables = some()
    for row, value in zip(tables["applications"], given, strict=True):
        row["bad"] = value

    table = read(built(tmp_path, tables, data=data))

    assert table["label"].to_pylist() == labels[::-1], "the latest decision is the first row given"


def test_a_declaration_that_does_not_fit_is_refused_before_anything_is_read(tmp_path):
    features = worlds.features(events({"name": "x", "aggregate": "sum", "column": "amuont"}))

    with pytest.raises(DeclarationError, match=r"has no column 'amuont' \(did you mean 'amount'\?\)"):
        build_training_table("nowhere/at/all.json", worlds.data(), features, open_store(str(tmp_path)), tmp_path)
