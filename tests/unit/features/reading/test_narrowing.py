"""What the features of late decisions are made of is all that they need, and no more than can count for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.reading import narrowing
from loanwright.features.reading.narrowing import ALL, narrow
from loanwright.features.texts.sql import compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_features import GROUPS, declared
from tests.unit.features.worlds_full import DAY, NOON, Tables, data, events, features, world
from tests.unit.features.worlds_run import bits


@contextmanager
def late_decisions(declared: Features, tables: Tables, moment: int, folder: Path) -> Iterator[Engine]:
    """An engine with all rows, and the decisions since the moment."""
    with Engine(folder, threads=1) as engine:
        for source in data().sources:
            engine.add(f"{ALL}_{source.name}", arrow(source, tables[source.name]))
            engine.show(f"source_{source.name}", f"SELECT * FROM {ALL}_{source.name}")
        engine.make(
            "decisions", f"SELECT * FROM ({compile_features(data(), declared).decisions}) WHERE lw_at >= {moment}"
        )
        yield engine


def both_ways(declared: Features, tables: Tables, moment: int, folder: Path) -> tuple[list[Any], list[Any]]:
    """The features of the late decisions, made of all rows and made of those that matter."""
    texts, found = compile_features(data(), declared).groups, []
    with late_decisions(declared, tables, moment, folder) as engine:
        for narrowed in (False, True):
            if narrowed:
                narrow(engine, resolve(data(), declared).groups)
            rows = [engine.rows(f"SELECT * FROM ({text}) g ORDER BY lw_ord") for text in texts.values()]
            found.append([[bits(value) for value in row] for group in rows for row in group])
    return found[0], found[1]


def late(tables: Tables) -> int:
    """A moment after which there are decisions, but not many."""
    times = sorted(row["decided"] for row in tables["applications"])
    return int(times[len(times) * 3 // 4])


@pytest.mark.parametrize("group", GROUPS)
def test_features_of_late_decisions_need_no_other_rows(group: str, tmp_path: Path) -> None:
    for seed in range(4):
        tables = world(seed, 2)
        every, narrowed = both_ways(declared(group, seed, 9), tables, late(tables), tmp_path)
        assert narrowed == every, seed


def happened(number: int, ago: float, known: float, **more: Any) -> dict[str, Any]:
    """An event of client 1, so many days before the decision, known so many days before it."""
    row = {"event_id": number, "client_id": 1, "happened": int(NOON - ago * DAY), "known": int(NOON - known * DAY)}
    return row | dict.fromkeys(("shop", "loan_id", "rate", "kind", "late")) | {"amount": 1} | more


CORRECTIONS = {
    "of another client": {"client_id": 2},
    "left the window": {"happened": NOON - 9 * DAY},
    "filtered out": {"amount": -1},
}


def corrected(how: str) -> Tables:
    """One decision, and an event that counted for it until it was corrected."""
    event = happened(1, 1, 1)
    decision = {"application_id": 1, "client_id": 1, "shop": "a", "decided": NOON, "amount": 5, "bad": 0}
    others: Tables = {source.name: [] for source in data().sources}
    return others | {"applications": [decision], "events": [event, {**event, "known": NOON - 1, **CORRECTIONS[how]}]}


COUNT = features(events({"name": "n", "aggregate": "count", "window": "2d", "filter": "amount > 0"}))


@pytest.mark.parametrize("how", CORRECTIONS)
def test_a_row_that_was_corrected_away_is_not_counted(how: str, tmp_path: Path) -> None:
    every, narrowed = both_ways(COUNT, corrected(how), NOON, tmp_path)

    assert narrowed == every == [[0, (0.0).hex()]]


@pytest.mark.parametrize("how", CORRECTIONS)
def test_without_all_versions_it_would_be(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowing, "with_restated", lambda _engine, _source, condition: f"({condition})")

    every, narrowed = both_ways(COUNT, corrected(how), NOON, tmp_path)

    assert (every, narrowed) == ([[0, (0.0).hex()]], [[0, (1.0).hex()]])


def left(declared: Features, tables: Tables, folder: Path, source: str = "events") -> list[int]:
    """Which rows of a source are looked at."""
    with late_decisions(declared, tables, NOON, folder) as engine:
        narrow(engine, resolve(data(), declared).groups)
        return [number for (number,) in engine.rows(f"SELECT event_id FROM source_{source} ORDER BY event_id")]


def count(**words: Any) -> dict[str, Any]:
    return {"name": f"n{len(str(words))}{words.get('window', '')}", "aggregate": "count", **words}


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ([count(window="2d")], [1, 2]),
        ([count(window="2d", offset="1d")], [1, 2, 3]),
        ([count(window="2d"), count(window="1d", filter="amount > 5")], [1, 2]),
        ([count(window="2d"), count(window="3d", filter="amount > 5")], [1, 2]),
        ([count(window="2d"), count(filter="amount > 5")], [1, 2, 4]),
        ([count(window="1d", filter="amount < 5"), count(window="2d", filter="amount = 1")], [1, 2]),
        ([count(), count(window="1d")], [1, 2, 3, 4]),
    ],
)
def test_rows_that_left_every_window_are_not_looked_at(wanted: list[Any], rows: list[int], tmp_path: Path) -> None:
    tables = corrected("filtered out")
    tables["events"] = [
        happened(1, 0.5, 0.5), happened(2, 2, 2), happened(3, 3, 1), happened(4, 9, 9, amount=6),
        happened(5, 1, 1, client_id=2),
    ]  # fmt: skip

    assert left(features(events(*wanted)), tables, tmp_path) == rows


def test_rows_whose_outcome_ripens_late_are_looked_at_for_as_long(tmp_path: Path) -> None:
    """A window of an outcome's rows is over the moment when it is final."""
    outcome = {"source": "visits", "key": "client_id", "filter": "seconds > 1", "within": "1d", "matures_after": "5d"}
    group = {"source": "events", "key": "client_id", "outcome": outcome, "features": [count(window="2d")]}
    tables = corrected("filtered out")
    tables["events"] = [happened(1, 6, 6), happened(2, 7, 7), happened(3, 7.5, 7.5)]

    assert left(features(group), tables, tmp_path) == [1, 2]
