"""What is told of a feature at a decision is what the definition says of all rows, and what the engine computes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.errors import DeclarationError, UsageError
from loanwright.features.reading import previewing
from loanwright.features.reading.previewing import Decision, preview
from loanwright.features.reference import Fate, reference_features, rows_of
from loanwright.features.shown.explaining import Explained, explain
from tests.unit.features import worlds_full as worlds
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_full import DAY, NOON

OUTCOME = {"source": "events", "key": "loan_id", "filter": "late OR amount < 2", "within": "2d", "matures_after": "3d"}
GROUPS: dict[str, dict[str, Any]] = {
    "events": {"source": "events", "key": "client_id"},
    "pairs": {"source": "events", "key": ["shop", "client_id"]},
    "via": {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}},
    "via_once": {
        "source": "events", "key": "client_id", "via": {"source": "limits", "key": "number", "column": "event_id"}},
    "outcome": {"source": "loans", "key": "shop", "outcome": OUTCOME},
    "via_outcome": {"source": "loans", "key": "region", "unit_key": "shop", "outcome": OUTCOME,
                    "via": {"source": "clients", "key": "client_id"}},
    "own_history": {"source": "applications", "key": "client_id"},
    "limits": {"source": "limits", "key": "client_id"},
}  # fmt: skip


def declared() -> Features:
    """A few features of every group, the decision's own row, and features derived from them."""
    groups: list[dict[str, Any]] = []
    for name, group in GROUPS.items():
        column = {"applications": "amount", "limits": "cap"}.get(group["source"], "amount")
        filtered = {"filter": "outcome"} if "outcome" in group else {"filter": f"{column} > 1"}
        window = {} if name == "limits" else {"window": "2d"}
        groups.append(group | {"features": [
            {"name": f"{name}_sum", "aggregate": "sum", "column": column, **window},
            {"name": f"{name}_count", "aggregate": "count", **filtered},
            {"name": f"{name}_share", "aggregate": "share", **filtered, **window},
        ]})  # fmt: skip
    own = {"name": "asked", "aggregate": "value", "column": "amount"}
    groups.append({"source": "applications", "key": "application_id", "features": [own]})
    derived = [
        {"name": "half", "expression": "asked / 2"},
        {"name": "mixed", "expression": "coalesce(events_sum, 0) + half", "fill": -1},
    ]
    return worlds.features(*groups, derived=derived, hidden=["half", "via_sum"])


@pytest.mark.parametrize("seed", range(2))
def test_it_tells_of_the_rows_that_matter_what_the_definition_tells_of_all(seed: int, tmp_path: Path) -> None:
    data, features, tables = worlds.data(), declared(), worlds.world(seed)
    uri = snapshot(data, tables, tmp_path)
    key = sorted_keys(tables)[-1 - seed % 3]
    values = dict(zip(sorted_keys(tables), reference_features(data, features, tables), strict=True))[key]
    fates: Counter[str] = Counter()
    for group in features.groups:
        for feature in group.every:
            found = explain(uri, data, features, feature.name, str(key), tmp_path / "scratch")
            assert not found.differing
            assert found.value == values[feature.name], feature.name
            told = [(row.why, list(row.key.values())) for row in found.rows]
            expected = rows_of(data, features, tables, feature.name, key)
            # A time in a key is told as a moment; no source here has one.
            assert told == [(each.fate.value, list(each.version.key)) for each in reversed(expected)], feature.name
            assert found.counts == dict(Counter(each.fate.value for each in expected))
            fates.update(found.counts)
    assert fates[Fate.COUNTED.value]


def sorted_keys(tables: worlds.Tables) -> list[int]:
    rows = sorted(tables["applications"], key=lambda row: (row["decided"], row["application_id"]))
    return [row["application_id"] for row in rows]


def test_a_preview_computes_what_the_definition_says_for_the_latest_decisions_alone(tmp_path: Path) -> None:
    data, features, tables = worlds.data(), declared(), worlds.world(5)
    uri = snapshot(data, tables, tmp_path)
    expected = reference_features(data, features, tables)[-4:]
    found = preview(uri, data, features, tmp_path / "scratch", rows=4)
    assert [each.key for each in found] == sorted_keys(tables)[-4:]
    for decision, values in zip(found, expected, strict=True):
        derived = {"half": values["asked"] / 2, "mixed": (values["events_sum"] or 0) + values["asked"] / 2}
        assert decision.values == values | derived
        assert decision.label == decision.key % 2 if isinstance(decision.key, int) else False
    some = preview(uri, data, features, tmp_path / "scratch", names=["mixed"], keys=["3", "1"])
    assert {each.key: list(each.values) for each in some} == {3: ["mixed"], 1: ["mixed"]}


def test_an_outcome_that_may_still_come_is_no_outcome(tmp_path: Path) -> None:
    data, tables = worlds.data(), worlds.world(5)
    uri = snapshot(data, tables, tmp_path, observed_until="2999-01-01T00:00:00+00:00")
    known = preview(uri, data, declared(), tmp_path / "scratch", names=["asked"], rows=1000)
    assert all(each.label == int(each.key) % 2 for each in known)
    middle = known[len(known) // 2].time
    end = (middle + timedelta(seconds=data.label.matures_after)).isoformat()
    uri = snapshot(data, tables, tmp_path, observed_until=end)
    found = preview(uri, data, declared(), tmp_path / "scratch", names=["asked"], rows=1000)
    assert [each.label for each in found] == [each.label if each.time <= middle else None for each in known]
    assert found[-1].label is None


def event(number: int, ago: int, **more: Any) -> dict[str, Any]:
    row = dict.fromkeys(("amount", "rate", "kind", "late", "shop", "loan_id"))
    return {**row, "event_id": number, "client_id": 1, "happened": NOON - ago, "known": NOON - ago, **more}


def one(folder: Path, *rows: dict[str, Any], name: str = "x", **words: Any) -> Explained:
    """A feature of these events at the one decision, at noon."""
    data = worlds.data()
    tables: dict[str, Any] = {source.name: [] for source in data.sources}
    decision = {"application_id": 7, "client_id": 1, "decided": NOON, "shop": "a", "amount": 40, "bad": 1}
    tables |= {"applications": [decision], "events": list(rows)}
    features = worlds.features(
        worlds.events({"name": "x", **words}),
        {"source": "applications", "key": "application_id", "features": [
            {"name": "asked", "aggregate": "value", "column": "amount"}]},
        derived=[{"name": "ratio", "expression": "x / asked"}],
    )  # fmt: skip
    return explain(snapshot(data, tables, folder), data, features, name, "7", folder / "scratch")


def test_each_reason_is_told_the_newest_row_first(tmp_path: Path) -> None:
    rows = [
        event(1, DAY, amount=5),
        event(2, -1, amount=6),
        event(3, DAY, amount=7, known=NOON),
        event(4, 9 * DAY, amount=8),
        event(5, 2 * DAY, amount=9),
        event(5, 2 * DAY, amount=10, known=NOON - 5),
        event(6, 2 * DAY, amount=-1),
        event(7, 2 * DAY, client_id=2, amount=1),
        event(8, 2 * DAY),
    ]
    found = one(tmp_path, *rows, aggregate="sum", column="amount", filter="amount > 0 OR amount IS NULL", window="3d")
    assert found.value == found.engine == 15
    told = [(row.key["event_id"], row.values["amount"], row.why) for row in found.rows]
    assert told == [
        (2, 6, "too late: not before the window's end"),
        (3, 7, "not yet known"),
        (1, 5, "counted"),
        (5, 10, "counted"),
        (8, None, "no value in the column"),
        (6, -1, "the filter does not hold"),
        (5, 9, "superseded by a later version"),
        (4, 8, "outside the window"),
    ]
    assert [row.until is None for row in found.rows].count(False) == 1
    assert found.words == (
        "sum of amount over events whose client_id is the application's where (amount > 0 OR amount IS NULL), "
        "in [t - 3d, t), rows known before t, in the version known then; missing stays missing"
    )


def test_a_derived_feature_is_told_by_its_inputs(tmp_path: Path) -> None:
    found = one(tmp_path, event(1, DAY), event(2, DAY), name="ratio", aggregate="count")
    assert found.value == 2 / 40
    assert [(each.feature, each.value) for each in found.inputs] == [("x", 2), ("asked", 40)]
    assert [row.why for row in found.inputs[1].rows] == ["counted"]


def test_an_engine_that_disagrees_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = previewing.computed

    def wrong(*arguments: Any) -> list[Decision]:
        (found,) = honest(*arguments)
        return [Decision(found.key, found.time, found.label, found.values | {"x": 3.0})]

    monkeypatch.setattr("loanwright.features.shown.explaining.computed", wrong)
    found = one(tmp_path, event(1, DAY), name="ratio", aggregate="count")
    assert [(each.feature, each.value, each.engine) for each in found.differing] == [("x", 1.0, 3.0)]


def test_what_is_not_there_is_told_with_what_was_meant(tmp_path: Path) -> None:
    data, tables = worlds.data(), worlds.world(1)
    uri = snapshot(data, tables, tmp_path)
    features = declared()
    with pytest.raises(UsageError, match=r"there is no feature 'event_sum' \(did you mean 'events_sum'\?\)"):
        explain(uri, data, features, "event_sum", "1", tmp_path)
    with pytest.raises(UsageError, match="there is no application whose application_id is 999 in the snapshot"):
        explain(uri, data, features, "events_sum", "999", tmp_path)
    with pytest.raises(UsageError, match="there is no application whose application_id is 999 in the snapshot"):
        preview(uri, data, features, tmp_path, keys=["999"])
    with pytest.raises(UsageError, match="'x1' is no 'application_id', which is an integer"):
        explain(uri, data, features, "events_sum", "x1", tmp_path)
    with pytest.raises(DeclarationError, match="has no column 'amonut'"):
        explain(
            uri,
            data,
            worlds.features(worlds.events({"name": "x", "aggregate": "sum", "column": "amonut"})),
            "x",
            "1",
            tmp_path,
        )
