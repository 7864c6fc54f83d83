"""A table built on an earlier one is that built from scratch, byte for byte, and only new decisions are computed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.features import build, earlier, groups, joining, table_files
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
    monkeypatch.setattr(groups, "RANGE", 5)
    monkeypatch.setattr(joining, "RANGE", 5)


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

    def counting(engine, stands, decided, *rest):
        kept = original(engine, stands, decided, *rest)
        counts.append(decided.rows - kept.rows)
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


LATE_DECISIONS = {
    "sources": [
        {**source, "known_time": "filed", "columns": [*source["columns"], {"name": "filed", "type": "time"}]}
        if source["name"] == "applications"
        else source
        for source in DATA["sources"]
    ]
}


def known_late(seed: int) -> tuple[Tables, int, Tables]:
    """A world in which some decisions come to be known after a moment that they were taken before."""
    tables, moment = worlds(seed)
    taken = sorted(row["decided"] for row in tables["applications"] if row["decided"] < moment)
    missed = set(taken[len(taken) // 2 :][:2])
    tables["applications"] = [
        row | {"filed": moment + 1 if row["decided"] in missed else row["decided"]} for row in tables["applications"]
    ]
    known = until(tables, moment)
    return tables, moment, known | {"applications": [row for row in known["applications"] if row["filed"] < moment]}


def test_decisions_that_are_known_late_take_their_place(tmp_path, computed):
    tables, moment, known = known_late(5)
    declared, features = data(label=LABEL, **LATE_DECISIONS), some(5)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(known, features, tmp_path / "grown", moment, declared)

    grown = built(tables, features, tmp_path / "grown", end, declared)

    assert grown.rpartition("/")[2] == built(tables, features, tmp_path / "scratch", end, declared).rpartition("/")[2]
    first = min(row["decided"] for row in tables["applications"] if row["filed"] > moment > row["decided"])
    assert computed[0] == sum(row["decided"] >= first for row in tables["applications"])


def test_without_a_look_at_when_they_were_taken_they_would_not(tmp_path, monkeypatch):
    monkeypatch.setattr(earlier, "_times", lambda source, _data: [source.known] if source.known else [])
    tables, moment, known = known_late(5)
    declared, features = data(label=LABEL, **LATE_DECISIONS), some(5)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(known, features, tmp_path / "grown", moment, declared)

    grown = built(tables, features, tmp_path / "grown", end, declared)

    assert grown.rpartition("/")[2] != built(tables, features, tmp_path / "scratch", end, declared).rpartition("/")[2]


@pytest.mark.parametrize("guarded", [True, False])
def test_a_label_that_came_true_since_is_looked_up_anew(guarded, tmp_path, monkeypatch):
    """Its decision lies in a file whose features all stand."""
    tables, moment = worlds(6)
    declared, features = data(label={**LABEL, "event": {**LABEL["event"], "filter": "kind = 'x'"}}), some(6)
    came_true, was_true, *_ = sorted(tables["applications"], key=lambda row: row["decided"])
    numbers = {row["application_id"] for row in (came_true, was_true)}
    like, others = tables["events"][0], [row for row in tables["events"] if row["event_id"] not in numbers]
    tables["events"] = [row | {"kind": "y"} for row in others]
    for row, known in ((came_true, moment), (was_true, moment - 1)):
        event = {"event_id": row["application_id"], "kind": "x", "happened": row["decided"], "known": known}
        tables["events"].append(like | event)
    if not guarded:
        monkeypatch.setattr(earlier, "_first_event", lambda *_: moment + 99 * DAY)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(until(tables, moment), features, tmp_path / "grown", moment, declared)

    grown = built(tables, features, tmp_path / "grown", end, declared)

    scratch = built(tables, features, tmp_path / "scratch", end, declared)
    assert (grown.rpartition("/")[2] == scratch.rpartition("/")[2]) is guarded


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
    chosen = [GROUPS[name][0] for name in ("a client's events", "limits")]
    counts = [{"name": f"n{n}", "aggregate": "count"} for n in range(2)]
    features = Features.model_validate(
        {"groups": [{**group, "features": [count]} for group, count in zip(chosen, counts, strict=True)]}
    )
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    whole = built(tables, features, tmp_path / "whole", end, declared).rpartition("/")[2]
    dealt: list[int] = []
    original = groups.sharded
    monkeypatch.setattr(Engine, "memory", 28_000)
    monkeypatch.setattr(
        groups, "sharded", lambda engine, group, *rest: (dealt.append(group.number), original(engine, group, *rest))[1]
    )

    assert built(tables, features, tmp_path / "dealt", end, declared).rpartition("/")[2] == whole
    assert dealt == [1]


def test_the_memory_that_an_engine_has_is_what_it_was_given(tmp_path):
    with Engine(tmp_path, memory_limit="100MB") as engine:
        assert 95_000_000 < engine.memory < 101_000_000
