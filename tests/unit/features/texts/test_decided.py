"""A text for decisions of a short time adds up, before it sorts, rows between which none of them looks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.texts.plan import group_text
from loanwright.features.texts.sql import compile_features
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds_features import GROUPS, declared
from tests.unit.features.worlds_full import DAY, NOON, Tables, data, events, features, world
from tests.unit.features.worlds_run import bits

SUM = {"name": "s", "aggregate": "sum", "column": "amount", "windows": ["2d", "9d", "all"]}


@contextmanager
def decisions(declared: Features, tables: Tables, since: int, folder: Path) -> Iterator[tuple[Engine, tuple[int, int]]]:
    """An engine with all rows and the decisions since the moment, and when the first and the last of them are."""
    with Engine(folder, threads=1) as engine:
        for source in data().sources:
            engine.add(f"source_{source.name}", arrow(source, tables[source.name]))
        text = compile_features(data(), declared).decisions
        engine.make("decisions", f"SELECT * FROM ({text}) d WHERE lw_at >= {since}")
        ((first, last),) = engine.rows("SELECT min(lw_at), max(lw_at) FROM decisions")
        yield engine, (first, last)


def values(engine: Engine, declared: Features, decided: tuple[int, int] | None) -> list[Any]:
    (group,) = resolve(data(), declared).groups
    text = group_text(group, replace(DUCKDB, decided=decided))
    return [[bits(value) for value in row] for row in engine.rows(f"SELECT * FROM ({text}) g ORDER BY lw_ord")]


@pytest.mark.parametrize("group", GROUPS)
def test_every_feature_is_the_same(group: str, tmp_path: Path) -> None:
    for seed in range(4):
        chosen, tables = declared(group, seed, 12), world(seed, 2)
        times = sorted(row["decided"] for row in tables["applications"])
        with decisions(chosen, tables, int(times[-1] - DAY // 2), tmp_path) as (engine, decided):
            assert values(engine, chosen, decided) == values(engine, chosen, None), seed


def hot(known: int = 0) -> Tables:
    """Ten decisions of an hour, and an event every six hours of the thirty days before, and of that hour."""
    rows = [NOON - number * DAY // 4 for number in range(1, 120)] + [NOON + number * DAY // 240 for number in range(10)]
    told = [
        {"event_id": number, "client_id": 1, "happened": at, "known": at + known, "amount": 2**(number % 40)}
        for number, at in enumerate(rows)
    ]  # fmt: skip
    taken = [
        {"application_id": number, "client_id": 1, "shop": "a", "decided": NOON + number * DAY // 240, "amount": 1,
         "bad": number % 2}
        for number in range(10)
    ]  # fmt: skip
    empty: Tables = {source.name: [] for source in data().sources}
    return empty | {"events": told, "applications": taken}


@pytest.mark.parametrize("known", [0, DAY // 200], ids=["known at once", "known late"])
def test_sums_of_hot_keys_are_the_same(known: int, tmp_path: Path) -> None:
    chosen = features(events(SUM, {**SUM, "name": "before", "offset": "1d"}))
    with decisions(chosen, hot(known), 0, tmp_path) as (engine, decided):
        assert values(engine, chosen, decided) == values(engine, chosen, None)


@pytest.mark.parametrize("known", [0, DAY // 200], ids=["known at once", "known late"])
def test_it_is_the_decisions_times_that_make_it_so(known: int, tmp_path: Path) -> None:
    """Rows are not told apart, and late ones forgotten, where a decision looks that was not spoken of."""
    chosen = features(events(SUM))
    with decisions(chosen, hot(known), 0, tmp_path) as (engine, (_, last)):
        assert values(engine, chosen, (last, last)) != values(engine, chosen, None)


def put_in_order(engine: Engine, declared: Features, decided: tuple[int, int] | None) -> int:
    """How many rows and moments are sorted."""
    (group,) = resolve(data(), declared).groups
    text = group_text(group, replace(DUCKDB, decided=decided))
    waiting, found = json.loads(engine.rows(f"EXPLAIN (ANALYZE, FORMAT json) {text}")[0][1])["operator"], 0
    while waiting:
        operator = waiting.pop()
        waiting += operator.get("children", [])
        found += operator["intermediate_rows"] if operator["type"] == "ORDER_BY" else 0
    return found


def test_on_hot_keys_few_rows_are_left_to_sort(tmp_path: Path) -> None:
    """Of 129 events those of four stretches of less than an hour, and one for what lies before each."""
    with decisions(features(events(SUM)), hot(), 0, tmp_path) as (engine, decided):
        moments = 3 * 10
        assert put_in_order(engine, features(events(SUM)), None) == 129 + 1 + moments
        assert put_in_order(engine, features(events(SUM)), decided) == 10 + 2 + 3 + 1 + moments


def test_late_rows_that_all_decisions_know_are_taken_back_for_none(tmp_path: Path) -> None:
    """Ten events of the hour are known when some decisions are taken; before it there is one each six hours."""
    with decisions(features(events(SUM)), hot(DAY // 200), 0, tmp_path) as (engine, decided):
        saved = put_in_order(engine, features(events(SUM)), None) - put_in_order(engine, features(events(SUM)), decided)
        assert saved > 2 * 119


@pytest.mark.parametrize(("window", "branches"), [("8d", True), ("90d", False)])
def test_many_stretches_are_not_told_apart(window: str, branches: bool) -> None:
    """A decayed sum looks once for each interval of its window, and a text of a hundred cases gains nothing."""
    decayed = {"name": "d", "aggregate": "decayed_count", "half_life": "7d", "interval": "1d", "window": window}
    (group,) = resolve(data(), features(events(decayed))).groups

    assert ("WHEN lw_event <" in group_text(group, replace(DUCKDB, decided=(NOON, NOON + DAY // 24)))) is branches
    assert "WHEN lw_event <" not in group_text(group, DUCKDB)
