"""A feature that asks for what is not there, or may not be used, is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest

from loanwright.errors import DeclarationError
from loanwright.features.declared.resolve import resolve
from tests.unit.features import worlds
from tests.unit.features.worlds import events


def applications(**feature: Any) -> dict[str, Any]:
    return {"source": "applications", "key": "client_id", "features": [{"name": "x", **feature}]}


REFUSED = {
    "barred column": (
        {"source": "applications", "key": "application_id", "features": [
            {"name": "x", "aggregate": "value", "column": "sex", "type": "category"}]},
        "'x' reads 'sex', which is barred from features",
    ),
    "barred column in a filter": (
        applications(aggregate="count", filter="sex = 'f'"),
        "feature 'x', filter: \"sex = 'f'\" reads column 'sex', which is barred from features",
    ),
    "label": (
        applications(aggregate="mean", column="bad"),
        "'x' reads 'bad', which is the label",
    ),
    "label in a filter": (
        applications(aggregate="share", filter="bad = 1"),
        "feature 'x', filter: 'bad = 1' reads column 'bad', which is the label",
    ),
    "unknown column in a filter": (
        events({"name": "x", "aggregate": "count", "filter": "amuont > 1"}),
        "feature 'x', filter: 'amuont > 1' reads 'amuont', which is not there (did you mean 'amount'?)",
    ),
    "unknown source": (
        {"source": "event", "key": "client_id", "features": [{"name": "x", "aggregate": "count"}]},
        "there is no source 'event' (did you mean 'events'?)",
    ),
    "unknown key": (
        {"source": "events", "key": "client", "unit_key": "client_id", "features": [
            {"name": "x", "aggregate": "count"}]},
        "has no column 'client' (did you mean 'client_id'?)",
    ),
    "reads a file": (
        events({"name": "x", "aggregate": "count", "filter": "read_text('/etc/passwd') IS NULL"}),
        "feature 'x', filter: \"read_text('/etc/passwd') IS NULL\" uses read_text, which is not allowed",
    ),
    "fill of a count": (
        events({"name": "x", "aggregate": "count", "fill": -1}),
        "feature 'x': a count of nothing is 0, so it takes no other 'fill'",
    ),
    "fill that is no number": (
        events({"name": "x", "aggregate": "sum", "column": "amount", "fill": float("inf")}),
        "feature 'x': 'fill' is inf",
    ),
    "value of many rows": (
        events({"name": "x", "aggregate": "value", "column": "amount"}),
        "use 'last'",
    ),
    "joined by the label": (
        {"source": "clients", "key": "client_id", "unit_key": "bad", "features": [
            {"name": "x", "aggregate": "value", "column": "income"}]},
        "feature 'x' is joined by column 'bad', which is the label",
    ),
    "joined by others' labels": (
        {"source": "applications", "key": "bad", "unit_key": "client_id", "features": [
            {"name": "x", "aggregate": "count"}]},
        "feature 'x' is joined by column 'bad', which is the label",
    ),
    "joined by a protected attribute": (
        {"source": "regions", "key": "region", "unit_key": "sex", "features": [
            {"name": "x", "aggregate": "value", "column": "rate"}]},
        "feature 'x' is joined by column 'sex', which is barred from features",
    ),
    "reserved name": (
        events({"name": "unit_key", "aggregate": "count"}),
        "'unit_key' is a column that the training table has itself",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("group", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_feature_that_cannot_be_is_refused(group, message):
    regions = {
        "name": "regions",
        "uri": "regions.csv",
        "key": ["region"],
        "columns": [{"name": "region", "type": "text"}, {"name": "rate", "type": "number"}],
    }

    with pytest.raises(DeclarationError) as caught:
        resolve(worlds.data(sources=[*worlds.DATA["sources"], regions]), worlds.features(group))

    assert message in str(caught.value)


COUNT = events(
    {"name": "n", "aggregate": "count"}, {"name": "kind", "aggregate": "last", "column": "kind", "type": "category"}
)


@pytest.mark.parametrize(
    ("derived", "message"),
    [
        ([("x", "m / 2")], "feature 'x': 'm / 2' reads 'm', which is not there"),
        ([("x", "x + 1")], "reads column 'x', which is itself"),
        ([("x", "y + 1"), ("y", "n")], "reads column 'y', which is declared after it"),
        ([("x", "amount + 1")], "reads 'amount', which is not there"),
        ([("x", "bad")], "reads 'bad', which is not there"),
        ([("x", "kind")], "feature 'x': 'kind' is a text, not a number"),
        ([("x", "kind + 1")], "has a text where a number must stand"),
        ([("x", "(SELECT max(bad) FROM source_applications)")], "holds a query, which is not allowed"),
    ],
)
def test_a_derived_feature_reads_those_before_it_and_nothing_else(derived, message):
    declared = [{"name": name, "expression": expression} for name, expression in derived]

    with pytest.raises(DeclarationError) as caught:
        resolve(worlds.data(), worlds.features(COUNT, derived=declared))

    assert message in str(caught.value)


def test_derived_features_are_in_levels_and_hidden_ones_are_not_given_to_the_model():
    declared = [
        {"name": "a", "expression": "n * 2"},
        {"name": "b", "expression": "n > 1 AND kind = 'x'"},
        {"name": "c", "expression": "a + b"},
        {"name": "d", "expression": "1"},
    ]

    resolved = resolve(worlds.data(), worlds.features(COUNT, derived=declared, hidden=["n", "a"]))

    assert {each.feature.name: each.level for each in resolved.derived} == {"a": 1, "b": 1, "c": 2, "d": 1}
    assert [(output.name, output.type) for output in resolved.outputs] == [
        ("kind", "category"),
        ("b", "number"),
        ("c", "number"),
        ("d", "number"),
    ]
    assert resolved.carried == ("sex",)


def test_what_is_hidden_and_feeds_nothing_is_not_computed():
    declared = [
        {"name": "a", "expression": "n * 2"},
        {"name": "b", "expression": "a + 1"},
        {"name": "c", "expression": "kind = 'x'"},
    ]

    def computed(*hidden: str) -> list[str]:
        resolved = resolve(worlds.data(), worlds.features(COUNT, derived=declared, hidden=list(hidden)))
        grouped = [feature.name for group in resolved.groups for feature in group.features]
        return grouped + [each.feature.name for each in resolved.derived]

    everything = computed()
    assert computed("n", "a") == everything, "b is made of a, and a of n"
    assert set(everything) - set(computed("n", "a", "b")) == {"n", "a", "b"}
    assert set(everything) - set(computed("b")) == {"b"}
    wrong = [*declared, {"name": "d", "expression": "nothing_there + 1"}]
    with pytest.raises(DeclarationError, match="nothing_there"):
        resolve(worlds.data(), worlds.features(COUNT, derived=wrong, hidden=["d"]))


def test_columns_that_differ_in_case_only_are_refused():
    sources = [dict(source) for source in worlds.DATA["sources"]]
    sources[1]["columns"] = [*sources[1]["columns"], {"name": "Amount", "type": "integer"}]

    with pytest.raises(DeclarationError, match="columns 'amount' and 'Amount' differ in case only"):
        resolve(worlds.data(sources=sources), worlds.features(COUNT))


def test_a_label_event_is_filtered_by_the_same_restricted_sql():
    event = {"source": "events", "key": "client_id", "filter": "late AND random() < 2", "within": "2d"}
    label = {"name": "late_soon", "event": event, "matures_after": "5d"}

    with pytest.raises(DeclarationError, match=r"label 'late_soon', filter: .* uses rand"):
        resolve(worlds.data(label=label), worlds.features(COUNT))


PRIVATE = events({"name": "n", "aggregate": "count", "credit": False})


def test_what_is_derived_from_a_feature_that_credit_may_not_use_may_not_be_used_either():
    by_way = [{"name": "a", "expression": "n + 1"}, {"name": "b", "expression": "a * 2"}]

    with pytest.raises(DeclarationError, match="feature 'b' is derived from 'a', which may not be used in a credit"):
        resolve(worlds.data(), worlds.features(PRIVATE, derived=by_way, hidden=["n", "a"]))

    resolved = resolve(worlds.data(), worlds.features(PRIVATE, derived=by_way, hidden=["n", "a"], purpose="other"))
    assert [output.name for output in resolved.outputs] == ["b"]
