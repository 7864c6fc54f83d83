"""The definition of every feature, checked against examples that were worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from loanwright.config.data import Data
from loanwright.errors import DataError, DeclarationError
from loanwright.features.declared.resolve import resolve
from loanwright.features.definition.decay import decay_table
from loanwright.features.definition.sketch import linear_counting
from loanwright.features.reference import Fate, decisions, reference_features, rows_of
from tests.unit.features import worlds_full as worlds
from tests.unit.features.worlds_full import DAY, NOON

AT = NOON + 10 * DAY
"""When the one decision is taken."""
HOUR = DAY // 24


def event(number: int, ago: int, **more: Any) -> dict[str, Any]:
    """Something that happened to client 1, that long before the decision, and was known an hour later."""
    row: dict[str, Any] = dict.fromkeys(("amount", "rate", "kind", "late", "shop", "loan_id"))
    happened = AT - ago
    return row | {"event_id": number, "client_id": 1, "happened": happened, "known": happened + HOUR} | more


def one(group: dict[str, Any], *rows: dict[str, Any], data: Data | None = None, **tables: Any) -> dict[str, Any]:
    """The features of one decision, which client 1 takes at `AT`."""
    declared, features = data or worlds.data(), worlds.features(group)
    resolve(declared, features)
    (found,) = reference_features(declared, features, tables_of(rows, **tables))
    return found


def tables_of(rows: Any, **tables: Any) -> dict[str, Any]:
    decision = {"application_id": 1, "client_id": 1, "decided": AT, "amount": 7, "bad": 0, "shop": "a"}
    return {"applications": [decision], "clients": [], "loans": [], "events": list(rows), **tables}


def told(aggregate: str, *rows: dict[str, Any], **more: Any) -> Any:
    """One feature of the events of client 1."""
    return one(worlds.events({"name": "x", "aggregate": aggregate, **more}), *rows)["x"]


def test_a_window_is_closed_where_it_begins_and_open_where_it_ends() -> None:
    rows = [event(n, ago, amount=10**n) for n, ago in enumerate((2 * DAY + 1, 2 * DAY, HOUR + 1, 0))]
    assert told("sum", *rows, column="amount", window="2d") == 10 + 100
    assert told("sum", *rows, column="amount") == 1 + 10 + 100


def test_a_row_is_known_strictly_before_the_decision() -> None:
    rows = [event(n, DAY, amount=10**n, known=AT + late) for n, late in enumerate((-1, 0, 1))]
    assert told("sum", *rows, column="amount") == 1


def test_the_version_that_was_known_counts_up_to_and_with_the_moment_of_the_next() -> None:
    versions = [event(1, DAY, amount=10**n, known=AT + late) for n, late in enumerate((-9, -5, 0, 4))]
    assert told("sum", *versions, column="amount") == 10
    assert told("sum", *versions[::-1], column="amount") == 10


def test_a_version_may_move_the_row_out_of_the_window_to_another_key_or_past_the_filter() -> None:
    first = event(1, DAY, amount=5)
    for change in ({"happened": AT - 4 * DAY}, {"client_id": 2}, {"client_id": None}, {"late": True}, {"amount": None}):
        again = {**first, "known": AT - 1, **change}
        assert told("count", first, column="amount", filter="late IS NOT TRUE", window="2d") == 1
        assert told("count", first, again, column="amount", filter="late IS NOT TRUE", window="2d") == 0, change


def test_an_offset_shifts_the_window_and_not_what_is_known() -> None:
    rows = [event(n, ago, amount=10**n) for n, ago in enumerate((3 * DAY + 1, 3 * DAY, 2 * DAY + HOUR, 2 * DAY, DAY))]
    assert told("sum", *rows, column="amount", window="1d", offset="2d") == 10 + 100
    assert told("sum", *rows, column="amount", offset="2d") == 1 + 10 + 100
    late = event(9, 2 * DAY + HOUR, amount=1, known=AT - 1)
    assert told("count", late, window="1d", offset="2d") == 1, "it came late, but before the decision"


def test_null_equals_no_key_and_empty_is_a_key() -> None:
    rows = [event(1, DAY, client_id=None), event(2, DAY, shop=""), event(3, DAY, shop=None)]
    group = {"source": "events", "key": "shop", "features": [{"name": "n", "aggregate": "count"}]}
    decision = tables_of([])["applications"][0]
    for shop, n in (("", 1), (None, 0), ("a", 0)):
        assert one(group, *rows, applications=[decision | {"shop": shop}])["n"] == n


def test_a_pair_of_keys_is_both() -> None:
    rows = [event(1, DAY, shop="a"), event(2, DAY, shop="b"), event(3, DAY, shop="a", client_id=2)]
    pair = {"source": "events", "key": ["client_id", "shop"], "features": [{"name": "n", "aggregate": "count"}]}
    assert one(pair, *rows)["n"] == 1


def test_of_nothing_counts_are_zero_and_the_rest_is_missing_or_filled() -> None:
    amount, window = {"column": "amount"}, {"half_life": "1d", "window": "4d"}
    assert told("count") == told("distinct", **amount) == told("decayed_count", **window) == 0
    assert told("balance", **amount) == 0
    assert told("balance", **amount, fill=-1) == -1
    assert told("distinct", column="kind", sketch=256) == 0
    empty: dict[str, dict[str, Any]] = {
        "sum": amount, "mean": amount, "min": amount, "max": amount, "std": amount, "first": amount, "last": amount,
        "as_of": amount, "trend": amount, "seconds_since_first": {}, "seconds_since_last": {},
        "last_mean": {**amount, "rows": 2}, "ratio": {**amount, "by": "rate"}, "share": {"filter": "late"},
        "streak": {"filter": "late", "rows": 3}, "decayed_sum": {**amount, **window},
    }  # fmt: skip
    for aggregate, needed in empty.items():
        assert told(aggregate, **needed) is None, aggregate
        assert told(aggregate, **needed, fill=2.5) == 2.5, aggregate


def test_a_filter_must_be_true_and_a_column_not_null() -> None:
    rows = [event(n, DAY, late=late, amount=n) for n, late in enumerate((True, False, None, True))]
    assert told("sum", *rows, column="amount", filter="late") == 3
    assert told("count", *rows, filter="NOT late") == 1
    assert told("count", *rows, event(9, DAY), column="amount") == 4
    assert told("count", *rows, event(9, DAY)) == 5


def test_share_and_streak_take_unknown_for_no() -> None:
    rows = [event(n, DAY - n, late=late) for n, late in enumerate((True, True, None, True, True))]
    assert told("share", *rows, filter="late") == 4 / 5
    assert told("streak", *rows, filter="late", rows=64) == 2
    assert told("streak", *rows, filter="late", rows=1) == 1
    assert told("streak", *rows[:2], filter="late", rows=64) == 2
    assert told("streak", *rows[:3], filter="late", rows=64) == 0
    assert told("share", rows[2], filter="late") == 0


def test_rows_are_in_order_of_event_then_known_then_key() -> None:
    rows = [
        event(5, DAY, amount=1),
        event(4, DAY, amount=2, known=AT - DAY + 2 * HOUR),
        event(3, DAY, amount=3, known=AT - DAY + 2 * HOUR),
        event(9, DAY + 1, amount=4, known=AT - 1),
        event(2, DAY - 1, amount=None),
    ]
    for shuffled in (rows, rows[::-1], rows[2:] + rows[:2]):
        assert told("first", *shuffled, column="amount") == 4
        assert told("last", *shuffled, column="amount") == 2
        assert told("as_of", *shuffled, column="amount") is None, "the latest row's value is missing"
        assert told("as_of", *shuffled, column="amount", filter="amount > 2") == 3
        assert told("last_mean", *shuffled, column="amount", rows=2) == 2.5
        assert told("last_mean", *shuffled, column="amount", rows=64) == 2.5
        assert told("streak", *shuffled, filter="amount <> 1", rows=9) == 0
    assert told("streak", *rows[:4], filter="amount <> 1", rows=9) == 2
    assert told("seconds_since_first", *rows) == (DAY + 1) / 1_000_000
    assert told("seconds_since_last", *rows, offset="6h") == (DAY - 1) / 1_000_000, "since the decision itself"


def test_what_adds_up_does_so_in_whole_units() -> None:
    rows = [event(n, (n + 1) * DAY, rate=rate, amount=2**60 + n) for n, rate in enumerate((0.1, 0.2, 0.7, 4e-7, 5e-7))]
    assert told("sum", *rows, column="rate") == 1.000001, "0.0000004 is nothing of six decimals, 0.0000005 is one"
    assert told("sum", *rows[:3], column="rate") == 1.0
    assert told("mean", *rows[:2], column="rate") == 300_000 / 2_000_000
    assert told("mean", *rows[:2], column="amount") == float(2**60), "the nearest double"
    assert told("std", *rows, column="amount") == math.sqrt(float(5 * 30 - 100) / 20)
    assert told("std", rows[0], column="amount") is None
    assert told("std", *rows[:2], column="rate") == math.sqrt(1e10 / (2 * 1e12))
    assert told("balance", event(1, DAY, amount=9), event(2, 800 * DAY, amount=-4), column="amount") == 5
    assert told("mean", event(1, DAY, late=True), event(2, DAY, late=False), column="late") == 0.5


def test_a_ratio_is_of_rows_with_both() -> None:
    rows = [event(1, DAY, amount=3, rate=0.5), event(2, DAY, amount=4), event(3, DAY, rate=9.0, amount=None)]
    assert told("ratio", *rows, column="amount", by="rate") == 6
    assert told("ratio", *rows, column="rate", by="amount") == 0.5 / 3
    assert told("ratio", event(1, DAY, amount=1, rate=0.0), column="amount", by="rate") is None


def test_a_trend_is_a_slope_per_day_over_whole_seconds() -> None:
    rows = [event(n, (5 - n) * DAY, amount=3 * n) for n in range(4)]
    assert told("trend", *rows, column="amount") == 3.0
    assert told("trend", *rows, column="amount", offset="1d") == 3.0
    assert told("trend", rows[0], column="amount") is None
    assert told("trend", event(1, DAY, amount=1), event(2, DAY - 999_999, amount=5), column="amount") is None
    # A slope of -1 a second over age: 3, 1, 1 at 0, 1 and 2 seconds before.
    near = [event(n, 2 * HOUR + n * 1_000_000, amount=amount) for n, amount in enumerate((3, 1, 1))]
    assert told("trend", *near, column="amount") == 86_400.0


def test_decayed_sums_weigh_by_whole_intervals_of_age() -> None:
    table = decay_table(86_400, 7 * 86_400, 14)
    ages = [2 * HOUR, DAY, DAY + 1, 7 * DAY, 7 * DAY + 1, 14 * DAY, 14 * DAY + 1]
    weights = [table[n] for n in (0, 0, 1, 6, 7, 13)]
    rows = [event(n, age, amount=10**n, rate=0.25) for n, age in enumerate(ages)]
    decay = {"half_life": "7d", "interval": "1d", "window": "14d"}
    assert told("decayed_count", *rows, **decay) == sum(weights) / 2**32
    assert told("decayed_sum", *rows, **decay, column="amount") == (
        float(sum(weight * 10**n for n, weight in enumerate(weights))) / 2**32
    )
    assert told("decayed_sum", rows[4], **decay, column="rate") == 0.125, "one half-life and a moment old"
    assert told("decayed_count", rows[4], **decay, offset="7d") == 1, "age is counted from the window's end"
    assert told("decayed_count", event(1, DAY), half_life="12h", window="1d") == 0.5, "intervals of one half-life"


def test_distinct_counts_values_and_a_sketch_their_cells() -> None:
    rows = [event(n, DAY, amount=n % 7, kind=str(n % 5), rate=-0.0 if n % 2 else 0.0, late=n % 2 < 1) for n in range(9)]
    assert told("distinct", *rows, column="amount") == 7
    assert told("distinct", *rows, column="rate") == 1, "zero is one value"
    assert told("distinct", *rows, column="kind", sketch=256) == linear_counting(256)[5]
    assert told("distinct", *rows, column="late", sketch=1024) == linear_counting(1024)[2]
    assert told("distinct", *rows, column="amount", sketch=1024) == linear_counting(1024)[7]


@pytest.mark.parametrize("aggregate", ["first", "last", "as_of"])
def test_a_category_is_a_text(aggregate: str) -> None:
    row = event(1, DAY, amount=7, late=True, kind="x")
    assert told(aggregate, row, column="amount", type="category") == "7"
    assert told(aggregate, row, column="late", type="category") == "true"
    assert told(aggregate, row, column="kind", type="category") == "x"
    assert told(aggregate, row, column="late") == 1.0


def test_zero_has_one_sign() -> None:
    for aggregate in ("min", "max", "first", "last", "as_of"):
        assert math.copysign(1, told(aggregate, event(1, DAY, rate=-0.0), column="rate")) == 1


def test_a_value_is_of_the_one_row_visible_and_the_decisions_own_is_taken_as_it_is() -> None:
    client = {"client_id": 1, "since": AT - DAY, "known": AT - DAY, "income": 5.0, "region": "n"}
    group = {"source": "clients", "key": "client_id", "features": [
        {"name": "income", "aggregate": "value", "column": "income", "fill": -1}]}  # fmt: skip
    own = {"source": "applications", "key": "application_id", "features": [
        {"name": "asked", "aggregate": "value", "column": "amount"}]}  # fmt: skip
    assert one(group, clients=[client])["income"] == 5
    assert one(group, clients=[client, client | {"known": AT - 1, "income": 6.0}])["income"] == 6
    assert one(group, clients=[client, client | {"known": AT, "income": 6.0}])["income"] == 5
    assert one(group, clients=[client, client | {"known": AT - 1, "income": None}])["income"] == -1
    assert one(group, clients=[client | {"since": AT}])["income"] == -1, "it had not happened"
    assert one(own)["asked"] == 7


def test_a_path_is_followed_in_the_version_known_then() -> None:
    loan = {"loan_id": "l", "client_id": 1, "shop": "a", "opened": AT - 5 * DAY, "filed": AT - 5 * DAY, "amount": 1}
    rows = [event(1, 6 * DAY, loan_id="l", client_id=None), event(2, DAY, loan_id="m"), event(3, DAY, loan_id=None)]
    group = {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}, "features": [
        {"name": "n", "aggregate": "count"}]}  # fmt: skip
    assert one(group, *rows, loans=[loan])["n"] == 1
    assert one(group, *rows, loans=[])["n"] == 0
    assert one(group, *rows, loans=[loan | {"filed": AT}])["n"] == 0, "nobody knew whose loan it was"
    assert one(group, *rows, loans=[loan | {"opened": AT + DAY}])["n"] == 1, "that it was known is enough"
    assert one(group, *rows, loans=[loan, loan | {"filed": AT - 1, "client_id": 2}])["n"] == 0
    assert one(group, *rows, loans=[loan, loan | {"filed": AT, "client_id": 2}])["n"] == 1
    assert one(group, *rows, loans=[loan, loan | {"filed": AT - 1, "client_id": None}])["n"] == 0


OUTCOME = {"source": "loans", "key": "shop", "features": [
    {"name": "bad", "aggregate": "share", "filter": "outcome", "window": "3d"},
    {"name": "good", "aggregate": "sum", "column": "amount", "filter": "NOT outcome"},
    {"name": "idle", "aggregate": "seconds_since_last"}],
    "outcome": {"source": "events", "key": "loan_id", "filter": "amount < 0", "within": "2d", "matures_after": "4d"},
}  # fmt: skip


def loan(name: str, opened: int, **more: Any) -> dict[str, Any]:
    opened = AT - opened
    return {"loan_id": name, "client_id": 9, "shop": "a", "opened": opened, "filed": opened, "amount": 1} | more


def test_an_outcome_counts_from_its_maturity_and_by_what_is_known_of_it() -> None:
    loans = [loan("a", 4 * DAY), loan("b", 4 * DAY + 1), loan("c", 7 * DAY), loan("d", 7 * DAY + 1)]
    assert one(OUTCOME, loans=loans) == {"bad": 0.0, "good": 3.0, "idle": 1e-6}
    failed = event(1, 5 * DAY, loan_id="c", amount=-5)
    assert one(OUTCOME, failed, loans=loans)["bad"] == 0.0, "within 2 days of the loan; this came on the third"
    failed = event(1, 5 * DAY + 1, loan_id="c", amount=-5)
    assert one(OUTCOME, failed, loans=loans) == {"bad": 0.5, "good": 2.0, "idle": 1e-6}
    assert one(OUTCOME, event(1, 7 * DAY, loan_id="c", amount=-5), loans=loans)["bad"] == 0.5
    assert one(OUTCOME, event(1, 7 * DAY + 1, loan_id="c", amount=-5), loans=loans)["bad"] == 0, "before the loan"
    assert one(OUTCOME, failed | {"known": AT}, loans=loans)["bad"] == 0, "not yet known"
    assert one(OUTCOME, failed, failed | {"known": AT - 1, "amount": 5}, loans=loans)["bad"] == 0, "corrected"
    assert one(OUTCOME, failed | {"amount": None}, loans=loans)["bad"] == 0


def test_decisions_are_in_order_of_time_then_key() -> None:
    rows = [{"application_id": n, "decided": AT - n % 2} for n in (4, 3, 2, 1)]
    assert [row["application_id"] for _, row in decisions(worlds.data(), {"applications": rows})] == [1, 3, 2, 4]
    constant = worlds.data(decision_time={"constant": "2023-11-14T22:13:20.000001Z"})
    assert decisions(constant, {"applications": rows})[0] == (NOON + 1, rows[3])


def test_rows_are_told_with_what_became_of_them() -> None:
    rows = [
        event(1, HOUR + 1, amount=1),
        event(2, 0, amount=1),
        event(3, HOUR, amount=1),
        event(4, 5 * DAY, amount=1),
        event(5, 6 * DAY, amount=1),
        event(5, 6 * DAY, amount=2, known=AT - 1),
        event(6, DAY, amount=-1),
        event(7, DAY),
        event(8, DAY, amount=1, client_id=2),
    ]
    features = worlds.features(
        worlds.events({"name": "n", "aggregate": "sum", "column": "amount", "window": "5d", "filter": "amount > 0"})
    )
    found = rows_of(worlds.data(), features, tables_of(rows), "n", 1)
    assert [(each.row["event_id"], each.fate) for each in found] == [
        (5, Fate.SUPERSEDED),
        (5, Fate.OUTSIDE),
        (4, Fate.COUNTED),
        (6, Fate.FILTERED),
        (7, Fate.FILTERED),
        (1, Fate.COUNTED),
        (3, Fate.NOT_KNOWN),
        (2, Fate.TOO_LATE),
    ]
    counted = worlds.features(worlds.events({"name": "n", "aggregate": "count", "column": "amount"}))
    assert [each.fate for each in rows_of(worlds.data(), counted, tables_of(rows[6:8]), "n", 1)] == [
        Fate.COUNTED,
        Fate.NULL,
    ]


def test_rows_by_a_path_and_of_outcomes_are_told_too() -> None:
    via = worlds.features(
        {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}, "features": [
            {"name": "n", "aggregate": "count"}]}
    )  # fmt: skip
    rows = [event(1, DAY, loan_id="a"), event(2, DAY, loan_id="b"), event(3, DAY, loan_id="c")]
    loans = [loan("a", 5 * DAY, client_id=1), loan("b", DAY, client_id=1, filed=AT), loan("c", DAY, client_id=2)]
    found = rows_of(worlds.data(), via, tables_of(rows, loans=loans), "n", 1)
    assert [(each.row["event_id"], each.fate) for each in found] == [(1, Fate.COUNTED), (2, Fate.NOT_KNOWN)]
    loans = [loan("a", 5 * DAY), loan("b", 4 * DAY), loan("c", 8 * DAY)]
    found = rows_of(worlds.data(), worlds.features(OUTCOME), tables_of([], loans=loans), "bad", 1)
    assert [(each.row["loan_id"], each.fate.value, each.row["outcome"]) for each in found] == [
        ("c", "outside the window", False),
        ("a", "counted", False),
        ("b", "too late: its outcome is not final before the window's end", False),
    ]
    assert found[1].event == AT - DAY


def test_only_a_declared_feature_of_a_decision_that_is_there_is_told() -> None:
    own = {"source": "applications", "key": "application_id", "features": [
        {"name": "asked", "aggregate": "value", "column": "amount"}]}  # fmt: skip
    features = worlds.features(own, derived=[{"name": "twice", "expression": "asked * 2"}])
    tables = tables_of([])
    (seen,) = rows_of(worlds.data(), features, tables, "asked", 1)
    assert (seen.fate, seen.row) == (Fate.COUNTED, tables["applications"][0])
    with pytest.raises(DeclarationError, match=r"^'aske' is no feature \(did you mean 'asked'\?\)$"):
        rows_of(worlds.data(), features, tables, "aske", 1)
    with pytest.raises(DeclarationError, match=r"^'twice' is derived from other features: ask for those$"):
        rows_of(worlds.data(), features, tables, "twice", 1)
    with pytest.raises(DataError, match=r"^there is no application 2 among the rows of 'applications'$"):
        rows_of(worlds.data(), features, tables, "asked", 2)


def test_windows_make_a_feature_each() -> None:
    group = worlds.events({"name": "n", "aggregate": "count", "windows": ["2d", "all"]})
    assert one(group, event(1, DAY), event(2, 3 * DAY)) == {"n_2d": 1.0, "n_all": 2.0}


def test_a_source_may_have_only_known_times_or_none() -> None:
    sources: list[dict[str, Any]] = [
        {"name": "notes", "uri": "x", "key": ["client_id"], "known_time": "known", "columns": [
            {"name": "client_id", "type": "integer"}, {"name": "known", "type": "time"},
            {"name": "n", "type": "integer"}]},
        {"name": "things", "uri": "x", "key": ["n"], "columns": [
            {"name": "n", "type": "integer"}, {"name": "client_id", "type": "integer"}]},
    ]  # fmt: skip
    data = worlds.data(sources=[*worlds.DATA["sources"], *sources])
    features = worlds.features(
        {"source": "notes", "key": "client_id", "features": [{"name": "note", "aggregate": "value", "column": "n"}]},
        {"source": "things", "key": "client_id", "features": [{"name": "total", "aggregate": "sum", "column": "n"}]},
    )
    resolve(data, features)
    notes = [{"client_id": 1, "known": AT + late, "n": late} for late in (-2, -1, 0, 1)]
    things = [{"client_id": 1, "n": 4}, {"client_id": 1, "n": 5}, {"client_id": 2, "n": 100}]
    (found,) = reference_features(data, features, tables_of([], notes=notes, things=things))
    assert found == {"note": -1.0, "total": 9.0}
