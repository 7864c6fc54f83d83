"""A table built on an earlier one is that built from scratch, byte for byte, and few decisions are computed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from loanwright.config.features import Features
from loanwright.errors import DataError, IntegrityFault
from loanwright.features import build
from loanwright.features.computing import groups
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental import changes, earlier
from loanwright.features.reading import snapshots
from loanwright.storage import read_manifest
from tests.unit.features.growing import LABEL, built, disturbed, some, until, worlds
from tests.unit.features.worlds_features import GROUPS
from tests.unit.features.worlds_full import DATA, DAY, Tables, data

pytestmark = pytest.mark.usefixtures("small_files")


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
    assert len(computed[0]) == sum(row["decided"] >= moment for row in tables["applications"])


def disturbances(seed: int, folder: Path) -> tuple[bool, int, int]:
    """Whether a table that grew out of a disturbed past is that from scratch, and how many decisions were there."""
    tables, moment = worlds(seed)
    declared, features = data(label=LABEL if seed % 2 else DATA["label"]), some(seed)
    past = disturbed(until(tables, moment), seed)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(past, features, folder / "grown", moment, declared)
    grown = built(tables, features, folder / "grown", end, declared)
    scratch = built(tables, features, folder / "scratch", end, declared)
    new = sum(row["decided"] >= moment for row in tables["applications"])
    return grown.rpartition("/")[2] == scratch.rpartition("/")[2], new, len(tables["applications"])


@pytest.mark.parametrize("few", [0, 1_000_000], ids=["rows loaded", "rows held"])
@pytest.mark.parametrize("seed", [2, 3, 8, 32])
def test_the_past_may_be_any_other_one(seed, few, tmp_path, computed, monkeypatch):
    monkeypatch.setattr(snapshots, "_FEW", few)
    same, new, every = disturbances(seed, tmp_path)

    assert same
    assert new < len(computed[0]) < every


@pytest.mark.slow
def test_many_pasts_are_other_ones(tmp_path, computed):
    found = {}
    for seed in range(20, 70):
        # Some worlds have one outcome alone, and are refused.
        with suppress(DataError):
            found[seed], *_ = disturbances(seed, tmp_path / f"{seed}")
    assert len(found) > 40
    assert [seed for seed, same in found.items() if not same] == []


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
    ordered = sorted(tables["applications"], key=lambda row: (row["decided"], row["application_id"]))
    assert {place for place, row in enumerate(ordered) if row["filed"] >= moment} <= set(computed[0])


def test_without_a_look_at_when_they_were_taken_they_would_not(tmp_path, monkeypatch):
    monkeypatch.setattr(changes, "_seen", lambda source, _: f"epoch_us({source.known})" if source.known else "0")
    tables, moment, known = known_late(5)
    declared, features = data(label=LABEL, **LATE_DECISIONS), some(5)
    end = max(row["decided"] for row in tables["applications"]) + 9 * DAY
    built(known, features, tmp_path / "grown", moment, declared)

    with pytest.raises(IntegrityFault, match="rows of the training table are missing"):
        built(tables, features, tmp_path / "grown", end, declared)


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
def test_shards_of_the_keys_make_the_same_table(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "RANGE", 0)
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
    monkeypatch.setattr(Engine, "memory", 84_000)
    monkeypatch.setattr(
        groups, "sharded", lambda engine, group, *rest: (dealt.append(group.number), original(engine, group, *rest))[1]
    )

    assert built(tables, features, tmp_path / "dealt", end, declared).rpartition("/")[2] == whole
    assert dealt == [1]


def test_the_memory_that_an_engine_has_is_what_it_was_given(tmp_path):
    with Engine(tmp_path, memory_limit="100MB") as engine:
        assert 95_000_000 < engine.memory < 101_000_000
