"""Features in words, what derives from what, and what the declaration alone shows to be odd."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.aggregates import AGGREGATES
from loanwright.config.features import Features
from loanwright.config.reading import read_declaration
from loanwright.errors import UsageError
from loanwright.features.declared.lineage import feeds, inputs, only, places
from loanwright.features.declared.resolve import resolve
from loanwright.features.shown.describing import describe
from loanwright.features.shown.late_rows import lint_rows
from loanwright.features.shown.linting import lint_declaration
from tests.unit.features import worlds_full as worlds
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_full import DAY, NOON

OUTCOME = {"source": "events", "key": "loan_id", "filter": "late", "within": "30d", "matures_after": "60d"}
AMOUNT = {"aggregate": "sum", "column": "amount"}
WORDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a window": (
        {},
        {**AMOUNT, "window": "90d", "fill": 0},
        "sum of amount over events whose client_id is the application's, in [t - 90d, t), rows known before t, "
        "in the version known then; missing → 0",
    ),
    "an offset": (
        {"key": "shop"},
        {"aggregate": "distinct", "column": "kind", "sketch": 256, "window": "7d", "offset": "1d"},
        "number of different kind, estimated in 256 cells, over events whose shop is the application's, "
        "in [t - 8d, t - 1d), rows known before t, in the version known then; of no rows → 0",
    ),
    "a path": (
        {"key": ["shop", "client_id"], "via": {"source": "loans", "key": "loan_id"}},
        {"aggregate": "share", "filter": "late"},
        "share of rows with (late) over events whose loan_id leads to the row of loans whose shop is the application's "
        "and client_id is the application's, before t, rows known before t, in the version known then; "
        "missing stays missing",
    ),
    "an outcome": (
        {"source": "loans", "key": "shop", "outcome": OUTCOME},
        {"aggregate": "share", "filter": "outcome", "window": "365d"},
        "share of rows with (outcome) over loans whose shop is the application's, whose outcome is final "
        "[t - 365d, t) (60d after the row), outcome meaning events with (late) within 30d, rows known before t, "
        "in the version known then; missing stays missing",
    ),
    "another key": (
        {"source": "clients", "key": "region", "unit_key": "shop"},
        {"aggregate": "decayed_count", "half_life": "30d", "window": "60d"},
        "count of rows, a row weighing half after 30d, over clients whose region is the application's shop, "
        "in [t - 60d, t), rows known before t, in the version known then; of no rows → 0",
    ),
    "no times": (
        {"source": "limits", "key": "client_id"},
        {"aggregate": "max", "column": "cap"},
        "largest cap over limits whose client_id is the application's, whatever t is: the source has no times; "
        "missing stays missing",
    ),
    "the own row": (
        {"source": "applications", "key": "application_id"},
        {"aggregate": "value", "column": "amount"},
        "amount of the application's own row; missing stays missing",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_feature_is_told_in_words(case: str) -> None:
    group, words, sentence = WORDS[case]
    features = worlds.features({"source": "events", "key": "client_id", **group, "features": [{"name": "x", **words}]})
    resolve(worlds.data(), features)
    (found,) = describe(worlds.data(), features)
    assert found.words == sentence


def test_there_are_words_for_every_aggregate() -> None:
    given = {
        "column": "amount", "by": "rate", "filter": "late", "rows": 3, "half_life": "1d", "window": "2d",
    }  # fmt: skip
    for aggregate, shape in AGGREGATES.items():
        needed = {name: given[name] for name in shape.needs} | ({"window": "2d"} if "half_life" in shape.needs else {})
        group = worlds.events({"name": "x", "aggregate": aggregate, **needed})
        (found,) = describe(worlds.data(), worlds.features(group))
        assert " over events whose client_id is the application's" in found.words, aggregate


def chain() -> Features:
    return worlds.features(
        worlds.events(
            {"name": "a", **AMOUNT, "windows": ["1d", "all"], "owner": "risk", "credit": False},
            {"name": "b", "aggregate": "count", "monotone": "decreasing", "description": "Events."},
        ),
        {"source": "limits", "key": "client_id", "features": [{"name": "c", "aggregate": "count"}]},
        derived=[
            {"name": "d", "expression": "a_1d / nullif(b, 0)"},
            {"name": "e", "expression": "d + b"},
        ],
        hidden=["a_1d", "d"],
        purpose="other",
    )


def test_a_list_has_every_window_and_everything_about_it() -> None:
    found = {each.name: each for each in describe(worlds.data(), chain(), owner="lab")}
    assert list(found) == ["a_1d", "a_all", "b", "c", "d", "e"]
    assert [each.window for each in found.values()] == ["1d", "", "", "", "", ""]
    first, second = found["a_1d"], found["b"]
    assert (first.owner, first.credit, first.hidden, first.source, first.key) == (
        "risk", False, True, "events", "client_id",
    )  # fmt: skip
    assert (second.owner, second.credit, second.monotone, second.description) == ("lab", True, "decreasing", "Events.")
    assert (found["d"].inputs, found["d"].feeds, found["d"].words) == (
        ("a_1d", "b"), ("e",), "a_1d / nullif(b, 0); missing stays missing",
    )  # fmt: skip


def test_what_derives_from_what_is_told_both_ways_and_can_be_cut_out() -> None:
    assert inputs(chain()) == {"d": ("a_1d", "b"), "e": ("b", "d")}
    assert feeds(chain()) == {"a_1d": ("d",), "b": ("d", "e"), "d": ("e",)}
    part = only(chain(), ["e"])
    assert part.names() == ("a_1d", "b", "d", "e")
    assert (part.hidden, only(chain(), ["c"]).names()) == ((), ("c",))
    with pytest.raises(UsageError, match=r"there is no feature 'a_2d' \(did you mean 'a_1d'\?\)"):
        only(chain(), ["a_2d"])


def test_where_a_feature_is_declared_is_known_in_included_files_too() -> None:
    path = Path(__file__).parents[2] / "config" / "valid" / "everything.yaml"
    features = read_declaration(path).features
    found = places(path, features)
    assert set(found) == set(features.names())
    for name, (file, line) in found.items():
        told = Path(file).read_text().splitlines()[line - 1]
        declared = [each.name for group in features.groups for each in group.features]
        stem = next((each for each in declared if name.startswith(each)), name)
        assert stem in told, (name, told)


def lint(*wanted: dict[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    features = worlds.features(*wanted, **more)
    resolve(worlds.data(), features)
    return [(each.feature, each.rule, each.says) for each in lint_declaration(worlds.data(), features)]


def test_hidden_features_that_reach_no_model_are_unused() -> None:
    plain = worlds.events(
        {"name": "a", "aggregate": "count"}, {"name": "b", **AMOUNT}, {"name": "c", **AMOUNT, "window": "1d"}
    )
    derived = [{"name": "d", "expression": "a + 1"}, {"name": "e", "expression": "d + b"}]
    assert lint(plain, derived=derived, hidden=["a", "b", "d"]) == []
    assert lint(plain, derived=derived, hidden=["a", "b", "d", "e"]) == [
        ("a", "unused", "is hidden from the model, and so is all that is derived from it"),
        ("b", "unused", "is hidden from the model, and so is all that is derived from it"),
        ("d", "unused", "is hidden from the model, and so is all that is derived from it"),
        ("e", "unused", "is hidden from the model, and nothing is derived from it"),
    ]


def test_features_that_mean_the_same_are_duplicates_however_they_are_written() -> None:
    group = worlds.events(
        {"name": "a", **AMOUNT, "window": "7d", "filter": "late AND amount > 1"},
        {"name": "b", **AMOUNT, "windows": ["1w", "2w"], "filter": "(late and (amount>1))", "monotone": "increasing"},
    )
    pairs = [
        {"source": "events", "key": keys, "features": [{"name": name, "aggregate": "count"}]}
        for name, keys in (("p", ["shop", "client_id"]), ("q", ["client_id", "shop"]), ("r", ["client_id"]))
    ]
    derived = [
        {"name": "d", "expression": "p + 1"},
        {"name": "e", "expression": "(p)+1"},
        {"name": "f", "expression": "p+1", "fill": 0},
    ]
    assert lint(group, *pairs, derived=derived) == [
        ("b_7d", "duplicate", "means the same as 'a'"),
        ("q", "duplicate", "means the same as 'p'"),
        ("e", "duplicate", "means the same as 'd'"),
    ]


def test_a_column_may_be_called_outcome_where_no_outcome_is_declared() -> None:
    sources = copy.deepcopy(worlds.DATA["sources"])
    sources[1]["columns"].append({"name": "outcome", "type": "category"})
    data = worlds.data(sources=sources)
    words = {"aggregate": "count", "filter": "outcome = 'won'"}
    features = worlds.features(worlds.events({"name": "a", **words}, {"name": "b", **words}))
    assert [each.feature for each in lint_declaration(data, features)] == ["b"]


def test_a_group_whose_rows_come_after_the_decision_is_told(tmp_path: Path) -> None:
    data = worlds.data()
    decisions = [
        {"application_id": n, "client_id": n, "decided": NOON, "shop": "a", "amount": 1, "bad": n % 2}
        for n in range(60)
    ]
    blank = dict.fromkeys(("amount", "rate", "kind", "late", "shop", "loan_id"))
    after = [
        {
            **blank,
            "event_id": n,
            "client_id": n % 60,
            "happened": NOON + (n % 20 - 1) * DAY,
            "known": NOON + 9 * DAY * n,
        }
        for n in range(240)
    ]
    tables: dict[str, Any] = {source.name: [] for source in data.sources}
    uri = snapshot(data, tables | {"applications": decisions, "events": after}, tmp_path)
    own = {"source": "applications", "key": "client_id", "features": [{"name": "earlier", "aggregate": "count"}]}
    group = worlds.events({"name": "x", "aggregate": "count"}, {"name": "y", **AMOUNT})
    found = lint_rows(uri, data, worlds.features(group, own), tmp_path / "scratch")
    assert [(each.feature, each.rule, each.says) for each in found] == [
        ("x", "future", "95% of the rows of 'events' with a decision's key happen after it, "
         "and so it is with 1 others of its group"),
    ]  # fmt: skip
