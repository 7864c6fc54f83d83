"""Every engine computes what the definition says, bit for bit; the future and the order of rows change nothing.

The worlds are random and hold what goes wrong: ties, late and restated rows, nulls, empty and hot keys, decisions
at the very edges of windows. A failure names seed, feature and decision; nothing could be made smaller by itself.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loanwright.config.features import Features
from loanwright.features.build import build_training_table
from loanwright.features.declared.resolve import resolve
from loanwright.features.language.dialect import DUCKDB, DUCKDB_SIDE_BY_SIDE, Dialect
from loanwright.features.reference import decisions
from loanwright.storage import open_store, read_manifest
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_features import GROUPS, declared, mixed
from tests.unit.features.worlds_full import Tables, data, later, world
from tests.unit.features.worlds_run import bits, computed, defined

FEW = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=5)
SEEDS = st.integers(0, 2**32 - 1).map(lambda number: number ^ 0x5EED)


def holds(prove: Callable[[int], None], often: settings) -> None:
    """Tries a property with many seeds."""

    @often
    @given(SEEDS)
    def tried(seed: int) -> None:
        prove(seed)

    tried()


def is_as_defined(group: str, most: int, scale: int, seed: int, dialect: Dialect = DUCKDB) -> None:
    features, tables = declared(group, seed, most), world(seed, scale)
    constant = {"decision_time": {"constant": "2023-11-18T22:13:20Z"}}
    declared_data = data(**constant if seed % 8 == 0 else {})
    found = computed(declared_data, features, tables, dialect=dialect)
    wanted = defined(declared_data, features, tables)
    for row, (at, decision), right in zip(found, decisions(declared_data, tables), wanted, strict=True):
        wrong = {name: (row[name], right[name]) for name in right if row[name] != right[name]}
        assert not wrong, (seed, at, decision)


@pytest.mark.parametrize("group", GROUPS)
def test_features_are_as_defined(group: str) -> None:
    holds(partial(is_as_defined, group, 12, 1), FEW)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", GROUPS)
def test_features_are_as_defined_in_many_worlds(group: str) -> None:
    holds(partial(is_as_defined, group, 1000, 1), MANY)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", GROUPS)
def test_features_are_as_defined_by_passes_side_by_side(group: str) -> None:
    holds(partial(is_as_defined, group, 1000, 1, dialect=DUCKDB_SIDE_BY_SIDE), FEW)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("group", ["a client's events", "a shop's events", "earlier applications", "a shop's loans"])
def test_features_are_as_defined_where_keys_are_hot(group: str) -> None:
    holds(partial(is_as_defined, group, 6, 6), FEW)


def some(seed: int, groups: int, most: int) -> Features:
    """Features of a few groups."""
    names: Sequence[str] = random.Random(seed).sample(sorted(GROUPS), groups)
    return mixed(seed, names, most)


def a_moment_and_its_future(seed: int) -> tuple[Tables, Tables, int]:
    """A world, the same with more rows that were known at one moment or after it, and that moment."""
    tables = world(seed)
    moment = random.Random(seed).choice([row["decided"] for row in tables["applications"]])
    return tables, later(tables, moment, seed + 1), moment


def the_future_changes_nothing(groups: int, most: int, seed: int) -> None:
    features = some(seed, groups, most)
    tables, more, moment = a_moment_and_its_future(seed)
    places = [n for n, (at, _) in enumerate(decisions(data(), tables)) if at <= moment]
    after = {row["application_id"]: n for n, (_, row) in enumerate(decisions(data(), more))}
    units = [row["application_id"] for at, row in decisions(data(), tables) if at <= moment]
    assert places, "the moment is one of a decision"
    assert sum(map(len, more.values())) > sum(map(len, tables.values()))
    for compute in (computed, defined):
        before, then = compute(data(), features, tables), compute(data(), features, more)
        assert [before[n] for n in places] == [then[after[unit]] for unit in units], (seed, moment)


def test_a_row_known_at_or_after_the_decision_changes_nothing() -> None:
    holds(partial(the_future_changes_nothing, 4, 4), FEW)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_row_known_at_or_after_the_decision_changes_nothing_in_many_worlds() -> None:
    holds(partial(the_future_changes_nothing, 8, 12), MANY)


def test_values_of_rows_that_come_at_one_moment_count_once() -> None:
    """A world in which two windows over such rows put them in two orders, so that a value began twice."""
    seed = 23_277
    feature = {"name": "kinds", "aggregate": "distinct", "column": "kind", "window": "2d"}
    features = Features.model_validate(
        {
            "groups": [
                {
                    "source": "events",
                    "key": "client_id",
                    "features": [
                        feature,
                        {**feature, "name": "kinds_since", "filter": "happened >= TIMESTAMPTZ '2023-11-16'"},
                    ],
                }
            ]
        }
    )
    _, tables, _ = a_moment_and_its_future(seed)
    assert computed(data(), features, tables) == defined(data(), features, tables)


def order_changes_no_byte(groups: int, most: int, seed: int) -> None:
    features, tables, rng = some(seed, groups, most), world(seed), random.Random(seed)
    shuffled = {name: rng.sample(rows, len(rows)) for name, rows in tables.items()}
    assert files_of(features, tables, files=1, threads=1) == files_of(features, shuffled, files=3, threads=2), seed


def files_of(features: Features, tables: Tables, *, files: int, threads: int) -> list[tuple[str, str]]:
    """Names and digests of the training table's files."""
    with tempfile.TemporaryDirectory() as folder:
        uri = snapshot(data(), tables, Path(folder), files=files)
        store = open_store(str(Path(folder) / "store"))
        table = build_training_table(uri, data(), features, store, Path(folder) / "scratch", threads=threads)
        return [(entry.path, entry.sha256) for entry in read_manifest(table, "tables").files]


def test_the_order_of_rows_changes_no_byte() -> None:
    holds(partial(order_changes_no_byte, 5, 4), FEW)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_order_of_rows_changes_no_byte_in_many_worlds() -> None:
    holds(partial(order_changes_no_byte, 8, 8), MANY)


def test_the_worlds_hold_what_goes_wrong() -> None:
    """Otherwise the properties would hold of nothing."""
    worlds = [world(seed) for seed in range(40)]
    events = [row for tables in worlds for row in tables["events"]]
    times = {row["decided"] for tables in worlds for row in tables["applications"]}
    assert any(row["known"] > row["happened"] + 2 * 86_400_000_000 for row in events)
    assert len({(id(tables), row["event_id"]) for tables in worlds for row in tables["events"]}) < 0.8 * len(events)
    assert any(not tables[name] for tables in worlds for name in tables)
    assert times & {row["known"] for row in events}
    assert times & {row["known"] + 1 for row in events}
    assert times & {row["known"] - 1 for row in events}
    assert times & {row["happened"] + 86_400_000_000 for row in events}
    assert {row["shop"] for row in events} == {None, "", "a", "b"}


@pytest.mark.parametrize("group", GROUPS)
def test_features_of_the_worlds_have_values_that_differ(group: str) -> None:
    """Here too: of a feature that is missing everywhere nothing is proved."""
    features = declared(group, 1, 20)
    resolve(data(), features)
    found = [row for seed in range(3) for row in defined(data(), features, world(seed))]
    telling = [name for name in features.names() if len({row[name] for row in found}) > 1]
    assert len(telling) >= 0.8 * len(features.names())


def test_bits_tell_what_equality_does_not() -> None:
    assert bits(0.0) != bits(-0.0)
    assert bits(0.1 + 0.2) != bits(0.3)
    assert (bits("x"), bits(None)) == ("x", None)
