"""Each shard's decisions are computed from the rows that were dealt to it, as from all rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.errors import EnvironmentFault
from loanwright.features.computing import dealing, dealt
from loanwright.features.computing.sharding import sharded
from loanwright.features.computing.shares import Share
from loanwright.features.declared.resolve import ResolvedGroup, resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL
from loanwright.features.texts.sql import compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_features import GROUPS, declared
from tests.unit.features.worlds_full import DAY, NOON, Tables, data, events, features, world
from tests.unit.features.worlds_run import bits

COUNT = {"name": "n", "aggregate": "count"}
TWICE = {
    "the holder is the source": {
        "source": "events", "key": "client_id", "via": {"source": "events", "key": "event_id"},
        "features": [COUNT, {"name": "least", "aggregate": "min", "column": "amount", "window": "2d"}],
    },
    "the holder is the source, without known times": {
        "source": "applications", "key": "client_id", "via": {"source": "applications", "key": "application_id"},
        "features": [COUNT],
    },
    "the outcome is the source": {
        "source": "loans", "key": "client_id",
        "outcome": {
            "source": "loans", "key": "loan_id", "filter": "amount > 0", "within": "2d", "matures_after": "2d",
        },
        "features": [COUNT, {"name": "bad", "aggregate": "share", "filter": "outcome"}],
    },
    "the outcome is the holder": {
        "source": "loans", "key": "region", "unit_key": "shop", "via": {"source": "clients", "key": "client_id"},
        "outcome": {
            "source": "clients", "key": "region", "filter": "income > 0", "within": "2d", "matures_after": "2d",
        },
        "features": [COUNT, {"name": "bad", "aggregate": "share", "filter": "outcome"}],
    },
}  # fmt: skip
"""Groups that read one source in two ways."""


def opened(declared: Features, tables: Tables, folder: Path) -> tuple[Engine, ResolvedGroup]:
    """An engine with all rows and the decisions, and the one group."""
    engine = Engine(folder, threads=1)
    for source in data().sources:
        engine.add(f"{ALL}_{source.name}", arrow(source, tables[source.name]))
        engine.show(f"source_{source.name}", f"SELECT * FROM {ALL}_{source.name}")
    engine.make("every_decision", compile_features(data(), declared).decisions)
    (group,) = resolve(data(), declared).groups
    return engine, group


def by_shards(
    declared: Features, tables: Tables, folder: Path, shares: int = 1, shards: int = 3
) -> tuple[list[Any], dict[str, int]]:
    """The group's features, computed shard by shard, and how many rows of each source these had in all."""
    engine, group = opened(declared, tables, folder)
    (text,) = compile_features(data(), declared).groups.values()
    rows, read = [], dict.fromkeys((source.name for source in group.sources), 0)
    with engine:
        for number in range(1, shares + 1):
            given = (Share(number, shares), shards, "SELECT * FROM every_decision", folder)
            with sharded(engine, group, *given) as them:
                for shard in range(shards):
                    them.take(shard)
                    rows += engine.rows(text)
                    for name in read:
                        read[name] += engine.count(f"source_{name}")
        assert not any(engine.has(table) for table in dealing._REACHED)
        for name in read:
            assert engine.count(f"source_{name}") == len(tables[name]), "when done, all rows are there again"
    assert not list(folder.glob("*.arrow"))
    return sorted([[bits(value) for value in row] for row in rows], key=lambda row: row[0]), read


def whole(declared: Features, tables: Tables, folder: Path) -> list[Any]:
    """The group's features, computed from all rows at once."""
    engine, _ = opened(declared, tables, folder)
    (text,) = compile_features(data(), declared).groups.values()
    with engine:
        engine.alias("decisions", "every_decision")
        return [[bits(value) for value in row] for row in engine.rows(f"SELECT * FROM ({text}) g ORDER BY lw_ord")]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(("shares", "shards"), [(1, 3), (2, 2)])
def test_shards_together_are_the_whole(group: str, shares: int, shards: int, tmp_path: Path) -> None:
    for seed in range(3):
        tables, chosen = world(seed, 2), declared(group, seed, 9)

        found, _ = by_shards(chosen, tables, tmp_path, shares, shards)

        assert found == whole(chosen, tables, tmp_path), seed


@pytest.mark.parametrize("group", TWICE)
def test_what_is_read_in_two_ways_comes_once(group: str, tmp_path: Path) -> None:
    for seed in range(6):
        tables, chosen = world(seed, 2), features(TWICE[group])

        found, _ = by_shards(chosen, tables, tmp_path)

        assert found == whole(chosen, tables, tmp_path), seed


def loan(number: int, client: int, filed: float) -> dict[str, Any]:
    return {"loan_id": f"l{number}", "client_id": client, "shop": "a", "opened": NOON, "filed": day(filed), "amount": 1}


def event(number: int, known: float, **more: Any) -> dict[str, Any]:
    row = {"event_id": number, "client_id": None, "happened": NOON, "known": day(known), "loan_id": None}
    return row | dict.fromkeys(("shop", "rate", "kind", "late")) | {"amount": 1} | more


def day(number: float) -> int:
    return int(NOON + number * DAY)


BY_LOAN = {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}, "features": [COUNT]}
BAD = {"name": "bad", "aggregate": "count", "filter": "outcome"}
OUTCOME = {"source": "events", "key": "loan_id", "filter": "amount > 0", "within": "1d", "matures_after": "1d"}
RESTATED: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "a row's key": (
        events(COUNT),
        [],
        [event(n, known, client_id=client) for n in range(1, 13) for known, client in ((1, n), (5, 1 + n * 5 % 12))],
    ),
    "a row's filter": (
        events({**COUNT, "filter": "amount > 0"}),
        [],
        [event(n, known, client_id=n, amount=amount) for n in range(1, 13) for known, amount in ((1, 1), (5, -1))],
    ),
    "the loan that a row is led by": (
        BY_LOAN,
        [loan(n, n, 1) for n in range(1, 13)],
        [event(n, known, loan_id=f"l{to}") for n in range(1, 13) for known, to in ((1, n), (5, 1 + n * 5 % 12))],
    ),
    "whose loan it is": (
        BY_LOAN,
        [loan(n, client, filed) for n in range(1, 13) for filed, client in ((1, n), (5, 1 + n * 5 % 12))],
        [event(n, 1, loan_id=f"l{n}") for n in range(1, 13)],
    ),
    "what became of a row": (
        {"source": "loans", "key": "client_id", "outcome": OUTCOME, "features": [BAD]},
        [loan(n, n, 1) for n in range(1, 13)],
        [event(n, known, loan_id=f"l{n}", amount=amount) for n in range(1, 13) for known, amount in ((1, 1), (5, -1))],
    ),
    "of which row it is the outcome": (
        {"source": "loans", "key": "client_id", "outcome": OUTCOME, "features": [BAD]},
        [loan(n, n, 1) for n in range(1, 13)],
        [event(n, known, loan_id=f"l{to}") for n in range(1, 13) for known, to in ((1, n), (5, 1))],
    ),
}  # fmt: skip
"""What is told otherwise on day 5: the group, loans and events."""


def restated(how: str) -> tuple[Features, Tables]:
    """Decisions before and after day 5, of 12 clients."""
    group, loans, told = RESTATED[how]
    decisions = [
        {"application_id": n, "client_id": 1 + n % 12, "shop": "a", "decided": day(2 + n // 12 * 5), "amount": 5,
         "bad": n % 2}
        for n in range(24)
    ]  # fmt: skip
    empty: Tables = {source.name: [] for source in data().sources}
    return features(group), empty | {"applications": decisions, "loans": loans, "events": told}


@pytest.mark.parametrize("how", RESTATED)
def test_all_versions_of_a_row_go_together(how: str, tmp_path: Path) -> None:
    chosen, tables = restated(how)
    found, _ = by_shards(chosen, tables, tmp_path)

    assert found == whole(chosen, tables, tmp_path)


@pytest.mark.parametrize("how", RESTATED)
def test_if_they_did_not_a_version_would_never_end(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, tables = restated(how)
    monkeypatch.setattr(dealing, "restated", lambda engine, source: None)

    assert by_shards(chosen, tables, tmp_path)[0] != whole(chosen, tables, tmp_path)


def test_a_full_disk_while_rows_are_dealt_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to /dev/full meets a full disk, while the engine still has rows to give."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    chosen, tables = restated("what became of a row")
    monkeypatch.setattr(dealt, "_GATHERED", 1)
    (tmp_path / "rows_1_events.arrow").symlink_to("/dev/full")
    engine, group = opened(chosen, tables, tmp_path)
    with engine:
        with (
            pytest.raises(EnvironmentFault, match=r"^the disk is full at "),
            sharded(engine, group, Share(), 3, "SELECT * FROM every_decision", tmp_path),
        ):
            pass
        assert not list(tmp_path.glob("*.arrow"))
        assert not any(engine.has(table) for table in dealing._REACHED)


def test_rows_without_a_key_are_dealt_to_none(tmp_path: Path) -> None:
    """By their hash they would all be of one shard, which could outgrow the memory whatever the number of shards."""
    told = [event(n, known, client_id=client) for n in range(1, 5) for known, client in ((1, 7), (5, None))]
    told += [event(n, 1) for n in range(5, 13)]
    _, tables = restated("a row's key")
    chosen = features(events(COUNT))

    found, read = by_shards(chosen, tables | {"events": told}, tmp_path)

    assert found == whole(chosen, tables | {"events": told}, tmp_path)
    assert read == {"events": 8}, "what was restated to have none is there in all its versions"


def test_a_shard_has_no_rows_of_others(tmp_path: Path) -> None:
    """Were every shard given all rows, the time would grow with the square of them."""
    loans = [loan(n, n, 1) for n in range(1, 13)]
    told = [event(n, 1, loan_id=f"l{n}") for n in range(1, 13)]
    _, tables = restated("a row's key")

    for group in (BY_LOAN, {"source": "loans", "key": "client_id", "outcome": OUTCOME, "features": [BAD]}):
        _, read = by_shards(features(group), tables | {"loans": loans, "events": told}, tmp_path)
        assert read == {"events": 12, "loans": 12}


def test_rows_that_no_decision_can_count_are_dealt_to_none(tmp_path: Path) -> None:
    """The first decision is on day 2."""
    _, tables = restated("a row's key")
    told = [event(n, 1, client_id=n, happened=day(n / 10)) for n in range(1, 13)]

    _, read = by_shards(features(events({**COUNT, "window": "1d"})), tables | {"events": told}, tmp_path)

    assert read == {"events": 3}
