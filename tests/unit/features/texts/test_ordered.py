"""What runs along all keys in one pass: no key sees another's rows, whatever threads and memory there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanwright.config.features import Features
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB, DUCKDB_SIDE_BY_SIDE, Dialect
from loanwright.features.texts.sql import compile_features
from tests.unit.features.test_leaks import AT, event, leaks, tables
from tests.unit.features.worlds_full import DAY, data, events, features, world
from tests.unit.features.worlds_run import computed, defined

EVENTS, DECISIONS, KEYS = 300_000, 20_000, 2_000
COUNTED = features(
    events(
        {"name": "every", "aggregate": "count"},
        {"name": "n", "aggregate": "count", "window": "5d"},
        {"name": "s", "aggregate": "sum", "column": "amount", "windows": ["5d", "20d"], "fill": 0},
        {"name": "all", "aggregate": "sum", "column": "amount", "fill": 0},
    )
)
VISITED = features({"source": "visits", "key": "client_id", "features": [
    {"name": "all", "aggregate": "count"},
    {"name": "std", "aggregate": "std", "column": "score", "window": "20d"},
    {"name": "last", "aggregate": "last", "column": "seconds"},
    {"name": "page", "aggregate": "as_of", "column": "page", "type": "category", "window": "5d"},
    {"name": "since", "aggregate": "seconds_since_last", "filter": "seconds > 0"}]})  # fmt: skip


def visit(client: int, page: str, ago: int, seconds: int, score: float | None = 1.0) -> dict[str, Any]:
    """A visit so long before the decisions."""
    return {"client_id": client, "page": page, "at": AT - ago, "seconds": seconds, "score": score}


@pytest.mark.parametrize(
    ("guard", "without"),
    [
        # What all history of a key adds up to is taken back behind it.
        ("- sum(lw_x1_1) AS lw_x1_1", "0 AS lw_x1_1"),
        # What is newest of all goes with its key.
        ("lw_x5_1 = lw_key1", "TRUE"),
    ],
)
def test_without_its_guard_a_key_runs_on_into_the_next(guard: str, without: str) -> None:
    planted = tables(visits=[visit(0, "a", 3 * DAY, 4), visit(0, "b", 2 * DAY, 6), visit(2, "c", DAY, 5)])
    assert leaks(VISITED, planted, guard, without)


def test_without_its_guard_a_row_that_is_counted_apart_stays_for_the_next_key() -> None:
    """What is in a window for ever leaves it behind all decisions."""
    planted = tables({**event(1, 9 * DAY, 8 * DAY, 2), "client_id": 0}, event(2, 9 * DAY, 8 * DAY, 2))
    assert leaks(COUNTED, planted, "- lw_x1_1 AS lw_t1_1", "0 AS lw_t1_1")


def test_decisions_without_a_key_have_no_rows() -> None:
    planted = tables(event(1, DAY, 0, 2), visits=[visit(1, "a", 3 * DAY, 4)])
    first, *rest = planted["applications"]
    nobody = [{**first, "application_id": number, "client_id": None} for number in (3, 4)]
    planted["applications"] = [*nobody, first, *rest]
    for wanted in (COUNTED, VISITED):
        assert computed(data(), wanted, planted) == defined(data(), wanted, planted)


def test_a_row_whose_value_is_missing_is_the_newest_all_the_same() -> None:
    wanted = features({"source": "visits", "key": "client_id", "features": [
        {"name": "x", "aggregate": "as_of", "column": "score"},
        {"name": "y", "aggregate": "last", "column": "score"}]})  # fmt: skip
    planted = tables(visits=[visit(1, "a", 3 * DAY, 4, 2.5), visit(1, "b", 2 * DAY, 6, None)])
    right = defined(data(), wanted, planted)
    assert computed(data(), wanted, planted) == right
    assert (right[0]["x"], right[0]["y"]) == (None, (2.5).hex())


def test_what_all_keys_have_together_may_leave_the_range() -> None:
    """Squares of each client's amounts fit into 128 bit, those of all of them do not."""
    huge = 4 * 10**18
    rows = [
        {**event(3 * client + n, DAY * (n + 1), 0, huge - n), "client_id": client}
        for client in range(1, 6)
        for n in range(3)
    ]
    wanted = features(events({"name": "x", "aggregate": "std", "column": "amount", "window": "9d"}))
    planted = tables(*rows)
    assert 15 * huge**2 > 2**127 > 9 * huge**2
    assert computed(data(), wanted, planted) == defined(data(), wanted, planted)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("wanted", [COUNTED, VISITED])
def test_passes_side_by_side_find_the_same(wanted: Features, seed: int) -> None:
    tables = world(seed)
    assert computed(data(), wanted, tables, dialect=DUCKDB_SIDE_BY_SIDE) == defined(data(), wanted, tables)


@pytest.mark.parametrize("dialect", [DUCKDB, DUCKDB_SIDE_BY_SIDE], ids=["one pass", "two passes"])
@pytest.mark.parametrize("memory", ["2GiB", "90MiB"])
def test_threads_and_spilling_put_nothing_out_of_order(memory: str, dialect: Dialect, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    key, at, amount = rng.integers(0, KEYS, EVENTS), rng.integers(0, 90, EVENTS) * DAY, rng.integers(0, 100, EVENTS)
    who, when = rng.integers(0, KEYS, DECISIONS), rng.integers(0, 90, DECISIONS) * DAY
    moment = pa.timestamp("us", "UTC")
    rows = {"event_id": np.arange(EVENTS), "client_id": key, "happened": pa.array(at).cast(moment), "amount": amount}
    rows["known"] = rows["happened"]
    asked = {"application_id": np.arange(DECISIONS), "client_id": who, "decided": pa.array(when).cast(moment)}
    compiled = compile_features(data(), COUNTED, dialect)
    with Engine(tmp_path, memory_limit=memory, threads=4) as engine:
        engine.add("source_events", pa.table(rows))
        engine.add("source_applications", pa.table(asked | {"bad": np.arange(DECISIONS) % 2}))
        engine.make("decisions", compiled.decisions)
        assert "Streaming Window" in str(engine.rows(f"EXPLAIN {compiled.groups['group_1']}"))
        engine.make("group_1", compiled.groups["group_1"])
        found = pa.Table.from_batches(engine.batches(compiled.table)).sort_by("unit_key")

    place = np.lexsort((at, key))
    total = np.concatenate([[0], np.cumsum(amount[place])])
    both = (key * 1000 + at // DAY)[place]

    def before(days: int) -> np.ndarray:
        return np.searchsorted(both, who * 1000 + np.maximum(when // DAY - days, 0))

    end, start, first = before(0), before(5), np.searchsorted(both, who * 1000)
    assert np.array_equal(found["n"].to_numpy(), end - start)
    assert np.array_equal(found["s_5d"].to_numpy(), total[end] - total[start])
    assert np.array_equal(found["s_20d"].to_numpy(), total[end] - total[before(20)])
    assert np.array_equal(found["all"].to_numpy(), total[end] - total[first])
