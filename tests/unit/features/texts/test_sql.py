"""The compiled SQL on rows that are easy to get wrong (random worlds: `test_properties`; leaks: `test_leaks`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.errors import DataError
from loanwright.features.engines.engine import Engine
from loanwright.features.texts.sql import compile_features
from tests.unit.features import worlds
from tests.unit.features.snapshots import arrow
from tests.unit.features.worlds import DAY, NOON, events

Tables = dict[str, list[dict[str, Any]]]


def run(data: Data, features: Features, tables: Tables) -> list[dict[str, Any]]:
    """The training table's rows."""
    with Engine(Path(), threads=1) as engine:
        for source in data.sources:
            engine.add(f"source_{source.name}", arrow(source, tables[source.name]))
        compiled = compile_features(data, features)
        for name, text in {"decisions": compiled.decisions, **compiled.groups}.items():
            engine.make(name, text)
        batches = engine.batches(compiled.table)
        return [row for batch in batches for row in batch.to_pylist()]


def planted() -> Tables:
    """One client whose decision falls on NOON + 10 days; each row is wrong to count for one reason."""
    at = NOON + 10 * DAY
    row = {"client_id": 1, "rate": None, "kind": "x", "late": False}
    return {
        "applications": [
            {"application_id": 1, "client_id": 1, "decided": at, "amount": 1, "sex": "f", "bad": 0},
        ],
        "clients": [
            {"client_id": 1, "since": NOON, "known": NOON, "income": 1.0, "region": "north"},
            {"client_id": 1, "since": NOON, "known": NOON + 1, "income": 10.0, "region": "north"},
            {"client_id": 1, "since": NOON, "known": at, "income": 90.0, "region": "south"},
        ],
        "events": [
            # Counts: on the window's first instant, and known the instant before the decision.
            {**row, "event_id": 1, "happened": at - 3 * DAY, "known": at - 1, "amount": 1},
            # Does not: it happened before the window.
            {**row, "event_id": 2, "happened": at - 3 * DAY - 1, "known": at - 2 * DAY, "amount": 10},
            # Does not: it happened at the very decision, though it was announced before.
            {**row, "event_id": 3, "happened": at, "known": at - DAY, "amount": 100},
            # Does not: it was known at the very decision only.
            {**row, "event_id": 4, "happened": at - DAY, "known": at, "amount": 1_000},
            # Its first version does not, for a second was known in time; its third was known too late.
            {**row, "event_id": 5, "happened": at - DAY, "known": at - DAY, "amount": 10_000},
            {**row, "event_id": 5, "happened": at - DAY, "known": at - DAY // 2, "amount": 2},
            {**row, "event_id": 5, "happened": at - DAY, "known": at + DAY, "amount": 100_000},
            # Its one version counts up to and with the moment at which the next one is known.
            {**row, "event_id": 6, "happened": at - DAY, "known": at - DAY, "amount": 4},
            {**row, "event_id": 6, "happened": at - DAY, "known": at, "amount": 1_000_000},
        ],
    }


PLANTED = events({"name": "total", "aggregate": "sum", "column": "amount", "window": "3d"})


def test_of_planted_rows_only_those_count_that_were_known_and_inside():
    (row,) = run(worlds.data(), worlds.features(PLANTED), planted())

    assert row["total"] == 1 + 2 + 4


def test_an_application_does_not_count_itself():
    (row,) = run(
        worlds.data(),
        worlds.features(
            {"source": "applications", "key": "client_id", "features": [{"name": "earlier", "aggregate": "count"}]}
        ),
        planted(),
    )

    assert row["earlier"] == 0


def test_first_and_last_go_by_event_time_then_known_time_then_key():
    at = NOON + 10 * DAY
    row = {"client_id": 1, "rate": None, "late": None, "kind": None}
    tables = planted() | {
        "events": [
            {**row, "event_id": 9, "happened": at - 5, "known": at - 4, "amount": 1},
            {**row, "event_id": 8, "happened": at - 5, "known": at - 4, "amount": 2},
            {**row, "event_id": 7, "happened": at - 5, "known": at - 3, "amount": 3},
            {**row, "event_id": 6, "happened": at - 9, "known": at - 1, "amount": 4},
            {**row, "event_id": 5, "happened": at - 9, "known": at - 2, "amount": 5},
            {**row, "event_id": 4, "happened": at - 2, "known": at - 2, "amount": None},
        ]
    }
    features = worlds.features(
        events(
            {"name": "first", "aggregate": "first", "column": "amount"},
            {"name": "last", "aggregate": "last", "column": "amount"},
            {"name": "latest", "aggregate": "last_mean", "column": "amount", "rows": 3},
        )
    )

    (found,) = run(worlds.data(), features, tables)

    assert (found["first"], found["last"], found["latest"]) == (5, 3, 2)


def test_sums_of_whole_numbers_are_exact_where_doubles_are_not():
    at = NOON + 10 * DAY
    amounts = [2**60, 1, -(2**60)] * 10
    row = {"client_id": 1, "happened": at - DAY, "known": at - DAY, "rate": None, "kind": None, "late": None}
    tables = planted() | {"events": [{**row, "event_id": n, "amount": amount} for n, amount in enumerate(amounts)]}

    (found,) = run(worlds.data(), worlds.features(PLANTED), tables)

    assert found["total"] == 10


def test_numbers_add_up_in_their_declared_decimals():
    at = NOON + 10 * DAY
    rates = [0.1] * 10 + [1e-7] * 10
    row = {"client_id": 1, "happened": at - DAY, "known": at - DAY, "amount": None, "kind": None, "late": None}
    tables = planted() | {"events": [{**row, "event_id": n, "rate": rate} for n, rate in enumerate(rates)]}
    features = worlds.features(events({"name": "total", "aggregate": "sum", "column": "rate"}))
    finer = worlds.DATA["sources"][1]["columns"]
    sources = [dict(source) for source in worlds.DATA["sources"]]
    sources[1]["columns"] = [{**column, **({"decimals": 7} if column["name"] == "rate" else {})} for column in finer]

    assert run(worlds.data(), features, tables)[0]["total"] == 1.0
    assert run(worlds.data(sources=sources), features, tables)[0]["total"] == 1.000001


def test_a_sum_beyond_128_bit_is_an_error_and_never_wraps():
    at = NOON + 10 * DAY
    row = {"client_id": 1, "happened": at - DAY, "known": at - DAY, "amount": None, "kind": None, "late": None}
    tables = planted() | {"events": [{**row, "event_id": n, "rate": 1.5e32} for n in range(2)]}
    features = worlds.features(events({"name": "total", "aggregate": "sum", "column": "rate"}))

    with pytest.raises(DataError, match="a value left the range it is calculated in"):
        run(worlds.data(), features, tables)


def test_a_source_without_times_is_taken_as_it_is_and_one_with_a_known_time_only_by_that():
    timeless = {
        "name": "dependents",
        "uri": "x",
        "key": ["client", "number"],
        "columns": [
            {"name": "client", "type": "integer"},
            {"name": "number", "type": "integer"},
            {"name": 'odd "name" \u00e9', "type": "number", "nullable": True},
        ],
    }
    versioned = {
        "name": "scores",
        "uri": "x",
        "key": ["client"],
        "known_time": "known",
        "columns": [
            {"name": "client", "type": "integer"},
            {"name": "known", "type": "time"},
            {"name": "score", "type": "integer"},
        ],
    }
    at = NOON + 10 * DAY
    tables = planted() | {
        "dependents": [{"client": 1, "number": n, 'odd "name" \u00e9': n / 4} for n in range(3)],
        "scores": [{"client": 1, "known": at + late, "score": late} for late in (-2, -1, 0, 1)],
    }
    features = worlds.features(
        {"source": "dependents", "key": "client", "unit_key": "client_id", "features": [
            {"name": "n", "aggregate": "count"},
            {"name": "total", "aggregate": "sum", "column": 'odd "name" \u00e9',
             "filter": '"odd ""name"" \u00e9" > 0.3'}]},
        {"source": "scores", "key": "client", "unit_key": "client_id", "features": [
            {"name": "score", "aggregate": "value", "column": "score"}]},
    )  # fmt: skip

    (row,) = run(worlds.data(sources=[*worlds.DATA["sources"], timeless, versioned]), features, tables)

    assert (row["n"], row["total"], row["score"]) == (3, 0.5, -1)


LABEL_EVENT = {
    "name": "late_soon",
    "event": {"source": "events", "key": "client_id", "filter": "late AND amount > 0", "within": "2d"},
    "matures_after": "5d",
}


@pytest.mark.parametrize(
    ("happened", "known", "late", "amount", "label"),
    [
        (0, 0, True, 1, 1),
        (-1, 0, True, 1, 0),
        (2 * DAY - 1, 90 * DAY, True, 1, 1),
        (2 * DAY, 2 * DAY, True, 1, 0),
        (DAY, DAY, None, 1, 0),
        (DAY, DAY, True, 0, 0),
    ],
)
def test_an_event_label_looks_from_the_decision_on_and_by_what_is_known_in_the_end(
    happened, known, late, amount, label
):
    at = NOON + 10 * DAY
    row = {"event_id": 1, "client_id": 7, "rate": None, "kind": None, "late": late, "amount": amount}
    tables = planted()
    tables["applications"] = [dict(tables["applications"][0], application_id=7, client_id=7)]
    tables["events"] = [
        {**row, "happened": at + happened, "known": at + known - 1, "late": not late, "amount": 1},
        {**row, "happened": at + happened, "known": at + known},
    ]

    (found,) = run(worlds.data(label=LABEL_EVENT), worlds.features(PLANTED), tables)

    assert found["label"] == label


def test_the_text_is_the_same_for_the_same_declaration_and_holds_no_template():
    first, second = (compile_features(worlds.data(), worlds.features()).text for _ in range(2))

    assert first == second
    assert "{{" not in first
