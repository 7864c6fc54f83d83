"""A table built on an earlier one is that built from scratch, byte for byte, and only new decisions are computed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.features import build, table_files
from loanwright.features.build import build_training_table
from loanwright.features.engine import Engine
from loanwright.storage import open_store, read_manifest
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_features import GROUPS, mixed
from tests.unit.features.worlds_full import DATA, DAY, Tables, data, world

LABEL = {"name": "bad", "event": {"source": "events", "key": "event_id", "within": "6d"},
         "matures_after": "6d"}  # fmt: skip
KNOWN = {
    "applications": "decided", "events": "known", "clients": "known", "loans": "filed", "visits": "at",
    "scores": "known",
}  # fmt: skip


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(table_files, "LEAST", 3)
    monkeypatch.setattr(table_files, "MOST", 12)


def some(seed: int) -> Features:
    """Features of some groups."""
    return mixed(seed, random.Random(seed).sample(sorted(GROUPS), 4), 4)


def until(tables: Tables, moment: int) -> Tables:
    """What was known before the moment."""
    return {
        name: [row for row in rows if name not in KNOWN or row[KNOWN[name]] < moment] for name, rows in tables.items()
    }


def in_time(moment: int) -> str:
    from loanwright.data.engine import in_utc
    from loanwright.data.engine import moment as as_time

    found = as_time(moment)
    assert found is not None
    return in_utc(found)


def built(
    tables: Tables, features: Features, folder: Path, end: int, declared: Any, *, shards: int | None = None
) -> str:
    folder.mkdir(exist_ok=True)
    uri = snapshot(declared, tables, folder, files=3, observed_until=in_time(end))
    store = open_store(str(folder / "store"))
    return build_training_table(uri, declared, features, store, folder / "scratch", shards=shards)


@pytest.fixture
def computed(monkeypatch):
    """How many decisions each build computed."""
    counts = []

    def counting(engine, *rest):
        kept = original(engine, *rest)
        ((total,),) = engine.rows("SELECT count(*) FROM every_decision")
        counts.append(total - kept.rows)
        return kept

    original = build.keep
    monkeypatch.setattr(build, "keep", counting)
    return counts


def worlds(seed: int) -> tuple[Tables, int]:
    """A world, and a moment in it before and after which there are decisions of both outcomes."""
    tables = world(seed, 2)
    times = sorted({row["decided"] for row in tables["applications"]})
    chance = random.Random(seed)
    return tables, chance.choice(times[len(times) // 2 :]) + chance.choice([0, 1, DAY // 3])


@pytest.mark.parametrize("label", [DATA["label"], LABEL], ids=["column", "event"])
@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_table_from_scratch(label, seed, tmp_path, computed):
    tables, moment = worlds(seed)
    declared, features = data(label=label), some(seed)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(until(tables, moment), features, tmp_path / "grown", moment, declared)

    grown = built(tables, features, tmp_path / "grown", end, declared)

    assert grown.rpartition("/")[2] == built(tables, features, tmp_path / "scratch", end, declared).rpartition("/")[2]
    assert computed
    assert computed[0] == sum(row["decided"] >= moment for row in tables["applications"])


@pytest.mark.parametrize("seed", range(2))
def test_rows_that_come_late_and_backdated_are_computed_anew(seed, tmp_path, computed):
    tables, moment = worlds(seed)
    declared, features = data(label=LABEL), some(seed)
    earlier = until(tables, moment)
    missed = random.Random(seed).sample(earlier["events"], 3)
    earlier["events"] = [row for row in earlier["events"] if row not in missed]
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(earlier, features, tmp_path / "grown", moment, declared)

    grown = built(tables, features, tmp_path / "grown", end, declared)

    assert grown.rpartition("/")[2] == built(tables, features, tmp_path / "scratch", end, declared).rpartition("/")[2]
    first = min(row["known"] for row in missed)
    assert computed[0] == sum(row["decided"] >= min(first, moment) for row in tables["applications"])


def test_going_back_in_time_is_right_too(tmp_path):
    tables, moment = worlds(4)
    declared, features = data(label=LABEL), some(4)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(tables, features, tmp_path / "shrunk", end, declared)

    shrunk = built(until(tables, moment), features, tmp_path / "shrunk", moment, declared)

    scratch = built(until(tables, moment), features, tmp_path / "scratch", moment, declared)
    assert shrunk.rpartition("/")[2] == scratch.rpartition("/")[2]


@pytest.mark.parametrize("harm", ["table gone", "file gone", "file cut", "note garbage", "snapshot gone"])
def test_an_earlier_table_that_is_not_whole_is_not_built_on(harm, tmp_path, computed):
    tables, moment = worlds(1)
    declared, features = data(), some(1)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    uri = built(until(tables, moment), features, tmp_path / "grown", moment, declared)
    table = read_manifest(uri)
    store = tmp_path / "grown" / "store"
    file = store / "tables" / table.files[0].path
    (note,) = (store / "latest_tables").iterdir()
    match harm:
        case "table gone":
            Path(uri.removeprefix("file://")).unlink()
        case "file gone":
            file.unlink()
        case "file cut":
            file.write_bytes(file.read_bytes()[:-7])
        case "note garbage":
            note.write_text('{"table": 7')
        case "snapshot gone":
            (store / "snapshots" / f"{table.body['snapshot']}.json").unlink()

    grown = built(tables, features, tmp_path / "grown", end, declared)

    assert not computed
    assert grown.rpartition("/")[2] == built(tables, features, tmp_path / "scratch", end, declared).rpartition("/")[2]


@pytest.mark.parametrize("shards", [2, 7])
def test_shards_of_the_keys_make_the_same_table(shards, tmp_path):
    tables, moment = worlds(2)
    declared, features = data(label=LABEL), some(2)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    whole = built(tables, features, tmp_path / "whole", end, declared).rpartition("/")[2]

    dealt = built(tables, features, tmp_path / "dealt", end, declared, shards=shards)
    built(until(tables, moment), features, tmp_path / "grown", moment, declared, shards=shards)
    grown = built(tables, features, tmp_path / "grown", end, declared, shards=shards)

    assert dealt.rpartition("/")[2] == whole
    assert grown.rpartition("/")[2] == whole


def test_a_group_too_large_for_the_memory_is_dealt_by_itself_and_others_are_not(tmp_path, monkeypatch):
    tables, _ = worlds(3)
    declared = data(label=LABEL)
    groups = [GROUPS[name][0] for name in ("a client's events", "limits")]
    counts = [{"name": f"n{n}", "aggregate": "count"} for n in range(2)]
    features = Features.model_validate(
        {"groups": [{**group, "features": [count]} for group, count in zip(groups, counts, strict=True)]}
    )
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    whole = built(tables, features, tmp_path / "whole", end, declared).rpartition("/")[2]
    dealt: list[str] = []
    appended = Engine.append
    monkeypatch.setattr(Engine, "memory", 28_000)
    monkeypatch.setattr(Engine, "append", lambda self, name, sql: (dealt.append(name), appended(self, name, sql)))

    assert built(tables, features, tmp_path / "dealt", end, declared).rpartition("/")[2] == whole
    assert set(dealt) == {"group_1"}


def test_the_memory_that_an_engine_has_is_what_it_was_given(tmp_path):
    with Engine(tmp_path, memory_limit="100MB") as engine:
        assert 95_000_000 < engine.memory < 101_000_000
