"""Groups are computed whole or by shards of their keys, and the table is the same."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from loanwright.errors import EnvironmentFault, MemoryFault
from loanwright.features.build import build_training_table
from loanwright.features.computing import dealing, dealt, groups
from loanwright.features.engines.engine import Engine
from loanwright.storage import open_store, read_manifest
from tests.unit.features import worlds
from tests.unit.features.snapshots import arrow, snapshot
from tests.unit.features.worlds import DAY, NOON, events

COUNTS = events(
    {"name": "events", "aggregate": "count"},
    {"name": "least", "aggregate": "min", "column": "amount", "window": "20d"},
    {"name": "amounts", "aggregate": "distinct", "column": "amount", "window": "30d"},
)


def table(
    folder: Path,
    tables: dict,
    group: dict = COUNTS,
    *more: dict,
    shards: int | None = None,
    memory: str | None = None,
    until: str = "",
) -> str:
    """The digest of the training table."""
    data, features = worlds.data(), worlds.features(group, *more)
    folder.mkdir(exist_ok=True)
    uri = snapshot(data, tables, folder, observed_until=until)
    store = open_store(str(folder / "store"))
    scratch = folder / "scratch"
    built = build_training_table(uri, data, features, store, scratch, shards=shards, memory_limit=memory, threads=1)
    assert not list(scratch.glob("*.arrow")), "nothing is left on scratch"
    return read_manifest(built, "tables").digest


def moved() -> dict:
    """Each client's event was first told of another client, and restated after half of the decisions."""
    clients = range(1, 13)
    decisions = [
        {"application_id": n, "client_id": 1 + n % 12, "decided": NOON + n * DAY, "amount": 1, "sex": "f", "bad": n % 2}
        for n in range(24)
    ]
    rows = [
        {"event_id": n, "client_id": client, "happened": NOON - DAY, "known": known, "amount": n, "rate": 0.5,
         "kind": "x", "late": False}
        for n in clients
        for client, known in ((n, NOON - DAY // 2), (1 + n * 5 % 12, NOON + 12 * DAY))
    ]  # fmt: skip
    return {"applications": decisions, "clients": [], "events": rows}


def test_many_rows_go_through_two_passes_and_give_the_same_table(tmp_path, monkeypatch):
    ran = []
    batches = Engine.batches
    monkeypatch.setattr(Engine, "batches", lambda engine, sql, *more: ran.append(sql) or batches(engine, sql, *more))
    few = table(tmp_path / "few", moved())
    assert not any("hash(lw_key1) % 2 = 1" in sql for sql in ran)
    monkeypatch.setattr(groups, "_MANY", 0)

    assert table(tmp_path / "many", moved()) == few
    assert any("hash(lw_key1) % 2 = 1" in sql for sql in ran)


@pytest.mark.parametrize("shards", [2, 5])
def test_a_row_that_was_restated_under_another_key_counts_until_then(shards, tmp_path):
    whole = table(tmp_path / "whole", moved())

    assert table(tmp_path / "dealt", moved(), shards=shards) == whole


def test_it_is_the_other_versions_that_make_it_so(tmp_path, monkeypatch):
    whole = table(tmp_path / "whole", moved())
    monkeypatch.setattr(dealing, "restated", lambda engine, source: None)

    assert table(tmp_path / "dealt", moved(), shards=5) != whole


@pytest.mark.parametrize("named", [True, False])
def test_restated_rows_are_looked_for_only_where_the_snapshot_does_not_name_them(named, tmp_path, monkeypatch):
    data, rows = worlds.data(), moved()
    made = []
    make = Engine.make
    monkeypatch.setattr(Engine, "make", lambda engine, name, sql: made.append(name) or make(engine, name, sql))
    if not named:
        rows["events"] = arrow(data.source("events"), rows["events"])

    table(tmp_path / "dealt", rows, shards=5)

    assert ("restated_events" in made) is not named
    assert values(tmp_path / "dealt") == values_of(moved(), tmp_path / "whole")


def values_of(tables: dict, folder: Path) -> pa.Table:
    table(folder, tables)
    return values(folder)


def values(folder: Path) -> pa.Table:
    (file,) = (folder / "store" / "tables").rglob("*.parquet")
    return pq.read_table(file)


def many(rows: int) -> dict:
    """So many events of a tenth as many clients, and as many decisions."""
    chance = np.random.default_rng(3)
    happened = NOON + chance.integers(0, 40, rows) * DAY
    moments = pa.array(happened).cast(pa.timestamp("us", "UTC"))
    drawn = {
        "event_id": pa.array(np.arange(rows)), "client_id": pa.array(chance.integers(0, rows // 10, rows)),
        "happened": moments, "known": moments, "amount": pa.array(chance.integers(0, 90, rows)),
        "rate": pa.array(np.full(rows, 0.5)), "kind": pa.array(["x"] * rows), "late": pa.array([False] * rows),
    }  # fmt: skip
    clients = chance.integers(0, rows // 10, rows)
    decided = pa.array(NOON + chance.integers(0, 60, rows) * DAY).cast(pa.timestamp("us", "UTC"))
    taken = {
        "application_id": pa.array(np.arange(rows)), "client_id": pa.array(clients), "decided": decided,
        "amount": pa.array(np.ones(rows, dtype=np.int64)), "sex": pa.array(["f"] * rows),
        "bad": pa.array(np.arange(rows) % 2),
    }  # fmt: skip
    data = worlds.data()
    order = {source.name: [column.name for column in source.columns] for source in data.sources}
    return {
        "applications": pa.table(taken).select(order["applications"]),
        "events": pa.table(drawn).select(order["events"]),
        "clients": [],
    }


def test_a_group_that_does_not_fit_is_dealt_until_it_does(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "loanwright")
    monkeypatch.setattr(groups, "_needed", lambda *_: 1)
    tables, large = many(60_000), events(*worlds.everything("20d"))
    whole = table(tmp_path / "whole", tables, large)
    assert "does not fit" not in caplog.text

    assert table(tmp_path / "dealt", tables, large, memory="60MiB") == whole
    assert "group 1 does not fit into memory: it is dealt into 2 shards" in caplog.text


def test_many_decisions_of_a_day_that_do_not_fit_are_put_on_disk(tmp_path, caplog):
    caplog.set_level(logging.INFO, "loanwright")
    end, middle = (datetime.fromtimestamp((NOON + days * DAY) / 1e6, UTC).isoformat() for days in (90, 2))
    tables = many(60_000)
    small = {"source": "applications", "key": "client_id", "features": [{"name": "asked", "aggregate": "count"}]}
    large = small, events(*worlds.everything("20d"))
    before = datetime.fromisoformat(middle)
    known = {"applications": "decided", "events": "known"}
    earlier = {**tables, **{name: tables[name].filter(pc.field(time) < before) for name, time in known.items()}}
    table(tmp_path / "grown", earlier, *large, until=middle)
    whole = table(tmp_path / "whole", tables, *large, until=end)
    caplog.clear()

    assert table(tmp_path / "grown", tables, *large, memory="60MiB", until=end) == whole
    assert "others are kept from the table before" in caplog.text
    assert "the groups are put on disk" in caplog.text


def test_a_range_that_does_not_fit_is_joined_by_halves(tmp_path, monkeypatch):
    whole = table(tmp_path / "whole", moved())
    asked: list[int] = []
    original = Engine.batches

    def short(self, sql, rows=65_536):
        if "row_number" not in sql and sql.rstrip().endswith("ORDER BY lw_ord"):
            asked.append(self.count("decisions"))
            if asked[-1] > 7:
                raise MemoryFault("no room")
        yield from original(self, sql, rows)

    monkeypatch.setattr(Engine, "batches", short)

    assert table(tmp_path / "halves", moved()) == whole
    assert asked == [24, 12, 6, 6, 12, 6, 6]


@pytest.mark.parametrize("shards", [1, 3])
def test_a_full_disk_at_a_later_group_leaves_nothing_of_those_before(shards, tmp_path, monkeypatch):
    """What is written to /dev/full meets a full disk."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    monkeypatch.setattr(dealt, "_GATHERED", 1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "group_2.arrow").symlink_to("/dev/full")
    later = {"source": "applications", "key": "client_id", "features": [{"name": "asked", "aggregate": "count"}]}

    with pytest.raises(EnvironmentFault, match=r"^the disk is full at ") as raised:
        table(tmp_path, moved(), COUNTS, later, shards=shards)

    assert raised.value.__traceback__, "it is held while we look"
    assert not list(scratch.glob("*.arrow"))


@pytest.mark.parametrize("memory", ["1GiB", "100MiB"], ids=["results", "what does not fit into memory"])
def test_a_full_disk_is_one_clear_error_and_no_table(memory, tmp_path):
    """Files may not grow past 1 MB in that process, which to a writer is a disk that is full."""
    script = f"""
import resource, signal
from pathlib import Path
from loanwright.errors import EnvironmentFault
from tests.unit.features.computing.test_groups import many, table
tables = many(150_000)
folder = Path({str(tmp_path)!r})
from tests.unit.features import snapshots, worlds
snapshots.snapshot(worlds.data(), tables, folder)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from tests.unit.features.computing import test_groups
test_groups.snapshot = lambda data, tables, folder, **_: str(next((folder / "store" / "snapshots").glob("*.json")))
try:
    table(folder, tables, memory={memory!r})
except EnvironmentFault as fault:
    print(fault)
"""
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=root)

    assert done.stdout.startswith(
        ("the disk is full at ", "the engine cannot read its sources or write its scratch folder")
    ), done.stderr
    assert not list((tmp_path / "store").glob("tables/**/*")), "nothing half-written is left"
    assert not list((tmp_path / "scratch").glob("*.arrow"))
