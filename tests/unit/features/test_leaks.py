"""A leak of each kind is planted: what guards against it is taken out of the compiled SQL, and then it leaks.

With the guard the features are as they are defined; without it they are not. So each guard is needed, and a
feature that reads the future does not go unseen.
"""

from __future__ import annotations

from typing import Any

import pytest

from loanwright.config.features import Features
from loanwright.errors import DeclarationError
from loanwright.features.declared.resolve import resolve
from loanwright.features.reference import decisions, reference_features
from tests.unit.features.worlds_features import declared
from tests.unit.features.worlds_full import DATA, DAY, NOON, Tables, data, features, world
from tests.unit.features.worlds_run import bits, computed, defined

AT = NOON + 10 * DAY
HOUR = DAY // 24


def event(number: int, ago: int, known: int, amount: int, **more: Any) -> dict[str, Any]:
    """Something that happened to client 1 so long before the decision, and was known so long after it happened."""
    row: dict[str, Any] = {"event_id": number, "client_id": 1, "happened": AT - ago, "known": AT - ago + known}
    return row | {"amount": amount} | dict.fromkeys(("rate", "kind", "late", "shop", "loan_id")) | more


def loan(name: str, ago: int, filed: int = 0) -> dict[str, Any]:
    """A loan of shop a."""
    opened = AT - ago
    return {"loan_id": name, "client_id": 1, "shop": "a", "opened": opened, "filed": opened + filed, "amount": 1}


def tables(*events: dict[str, Any], **more: list[dict[str, Any]]) -> Tables:
    """One decision of client 1, in shop a, and another a year later, from which nothing is hidden any more."""
    decision = {"application_id": 1, "client_id": 1, "shop": "a", "decided": AT, "amount": 5, "bad": 0}
    later = {**decision, "application_id": 2, "decided": AT + 365 * DAY, "bad": 1}
    others: Tables = {source["name"]: [] for source in DATA["sources"]}
    return others | {"applications": [decision, later], "events": list(events)} | more


AGGREGATES: tuple[dict[str, Any], ...] = (
    {"aggregate": "sum", "column": "amount"},
    {"aggregate": "mean", "column": "amount", "filter": "amount > 0"},
    {"aggregate": "max", "column": "amount"},
    {"aggregate": "last", "column": "amount"},
    {"aggregate": "distinct", "column": "amount"},
    {"aggregate": "last_mean", "column": "amount", "rows": 9},
    {"aggregate": "trend", "column": "amount"},
    {"aggregate": "decayed_sum", "column": "amount", "half_life": "1d", "window": "5d"},
)
"""One for each way of computing: by running sums, by edges, by the cover of ranges."""


def of_events(words: dict[str, Any]) -> Features:
    """One feature of a client's events of five days."""
    feature = {"name": "x", "window": "5d", **words}
    return features({"source": "events", "key": "client_id", "features": [feature]})


PLANTED = {
    "a row that became known too late": tables(
        event(1, 3 * DAY, HOUR, 2), event(2, 2 * DAY, HOUR, 4), event(3, DAY, DAY, 90)),
    "a row of the very moment of the decision": tables(
        event(1, 3 * DAY, 0, 2), event(2, 2 * DAY, 0, 4), event(3, 0, 0, 90)),
    "a row that is known at the very moment of the decision": tables(
        event(1, 3 * DAY, 0, 2), event(2, 2 * DAY, 0, 4), event(3, DAY, DAY, 90)),
    "a row that was corrected later": tables(
        event(1, 3 * DAY, 0, 2), event(2, 2 * DAY, 0, 2), event(2, 2 * DAY, 3 * DAY, 90)),
    "a row that was corrected before": tables(
        event(1, 3 * DAY, 0, 2), event(2, DAY, 0, 90), event(2, 2 * DAY, 2 * DAY - HOUR, 4)),
}  # fmt: skip
CURRENT = (
    "(SELECT * EXCLUDE (known, lw_first), lw_first AS known FROM (SELECT *, "
    "min(known) OVER (PARTITION BY event_id) AS lw_first FROM source_events "
    "QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY known DESC) = 1))"
)
"""What a table of current rows holds: each row once, as it stands today, known when it was first known."""
REMOVED = {
    "event time instead of known time": (
        "a row that became known too late", 'epoch_us("known") AS lw_known', 'epoch_us("happened") AS lw_known'),
    "an inclusive edge of the event time": (
        "a row of the very moment of the decision", "lw_pos, lw_kind", "lw_pos, lw_kind DESC"),
    "an inclusive edge of the known time": (
        "a row that is known at the very moment of the decision", "lw_pos, lw_kind",
        "lw_pos, lw_kind DESC"),
    "the current version of a restated row": (
        "a row that was corrected later", "FROM source_events", f"FROM {CURRENT} c"),
    "every version of a restated row": (
        "a row that was corrected before",
        'epoch_us(lead("known") OVER (PARTITION BY "event_id" ORDER BY "known")) AS lw_until',
        "CAST(NULL AS BIGINT) AS lw_until"),
}  # fmt: skip


def leaks(wanted: Features, planted: Tables, guard: str, without: str) -> bool:
    """Whether the features are as defined with the guard, and not without it."""
    right = defined(data(), wanted, planted)
    assert computed(data(), wanted, planted) == right

    def removed(text: str) -> str:
        assert guard in text or "AS unit_hash" in text, "the guard is in the text"
        return text.replace(guard, without)

    return computed(data(), wanted, planted, removed)[0] != right[0]


@pytest.mark.parametrize("words", AGGREGATES, ids=lambda words: words["aggregate"])
@pytest.mark.parametrize("leak", REMOVED)
def test_without_its_guard_a_feature_leaks(leak: str, words: dict[str, Any]) -> None:
    planted, guard, without = REMOVED[leak]
    assert leaks(of_events(words), PLANTED[planted], guard, without)


@pytest.mark.parametrize(
    ("guard", "without"),
    [
        ("r.lw_event < d.lw_at", "r.lw_event <= d.lw_at"),
        ("r.lw_known < d.lw_at", "r.lw_known <= d.lw_at"),
        ("r.lw_known < d.lw_at", "r.lw_event < d.lw_at"),
        ("(r.lw_until IS NULL OR d.lw_at <= r.lw_until)", "r.lw_until IS NULL"),
    ],
)
def test_without_its_guard_a_value_leaks(guard: str, without: str) -> None:
    client = {"client_id": 1, "since": AT - DAY, "known": AT - DAY, "income": 5.0, "region": None}
    happens, known, restated = ({**client, **more} for more in ({"since": AT}, {"known": AT}, {"known": AT + 1}))
    worlds = [[{**happens, "known": AT - 1}], [{**client, "known": AT}], [client, known], [client, restated]]
    group = {"source": "clients", "key": "client_id", "features": [
        {"name": "income", "aggregate": "value", "column": "income"}]}  # fmt: skip
    changed = [[{**row, "income": n + 1.0} for n, row in enumerate(rows)] for rows in worlds]
    assert any(leaks(features(group), tables(clients=rows), guard, without) for rows in changed)


OUTCOME = {"source": "loans", "key": "shop", "features": [
    {"name": "bad", "aggregate": "share", "filter": "outcome"},
    {"name": "streak", "aggregate": "streak", "filter": "NOT outcome", "rows": 5},
    {"name": "n", "aggregate": "count", "window": "20d"}],
    "outcome": {"source": "events", "key": "loan_id", "filter": "amount < 0", "within": "4d", "matures_after": "6d"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("guard", "without"),
    [
        ("r.lw_event + 518400000000 AS lw_event", "r.lw_event AS lw_event"),
        ("m.lw_event < r.lw_event + 345600000000", "TRUE"),
        ("m.lw_event >= r.lw_event", "TRUE"),
        ("greatest(r.lw_known, m.lw_known) AS lw_from", "r.lw_known AS lw_from"),
        ("least(r.lw_until, m.lw_until) AS lw_to", "r.lw_until AS lw_to"),
    ],
)
def test_without_its_guard_an_outcome_leaks(guard: str, without: str) -> None:
    """Before maturity, after its end, before the row itself, not yet known, and corrected."""
    loans = [loan(name, 8 * DAY) for name in "abcd"] + [loan("e", 5 * DAY)]
    failed = [
        event(1, 8 * DAY - HOUR, HOUR, -1, loan_id="a"),
        event(2, 7 * DAY, 8 * DAY, -1, loan_id="b"),
        event(3, 3 * DAY, 0, -1, loan_id="c"),
        event(4, 9 * DAY, 0, -1, loan_id="c"),
        event(5, 7 * DAY, 0, -1, loan_id="d"),
        event(5, 7 * DAY, DAY, 0, loan_id="d"),
        event(6, 4 * DAY, 0, -1, loan_id="e"),
    ]
    assert leaks(features(OUTCOME), tables(*failed, loans=loans), guard, without)


def test_without_its_guard_a_path_leaks() -> None:
    """Whose an event is, is known as late as the row that says so."""
    group = {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}, "features": [
        {"name": "n", "aggregate": "count"}]}  # fmt: skip
    planted = tables(event(1, DAY, 0, 1, loan_id="a"), loans=[loan("a", 5 * DAY, filed=6 * DAY)])
    assert leaks(features(group), planted, "greatest(r.lw_known, h.lw_known) AS lw_known", "r.lw_known AS lw_known")


@pytest.mark.parametrize("leak", REMOVED)
def test_random_worlds_find_it_too(leak: str) -> None:
    """What the properties are tried on would show each of these leaks."""
    _, guard, without = REMOVED[leak]
    wanted = declared("a client's events", 3, 6)
    found = (
        computed(data(), wanted, tables, lambda text: text.replace(guard, without)) != defined(data(), wanted, tables)
        for tables in map(world, range(5))
    )
    assert any(found)


LABEL = {"source": "applications", "key": "client_id", "features": [{"name": "x", "aggregate": "count"}]}


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ({"features": [{"name": "x", "aggregate": "mean", "column": "bad"}]}, "reads 'bad', which is the label"),
        ({"features": [{"name": "x", "aggregate": "ratio", "column": "amount", "by": "bad"}]}, "which is the label"),
        ({"features": [{"name": "x", "aggregate": "count", "filter": "bad = 1"}]}, "reads column 'bad', which is the"),
        ({"features": [{"name": "x", "aggregate": "share", "filter": "bad = 1"}]}, "reads column 'bad', which is the"),
        ({"key": "application_id", "features": [{"name": "x", "aggregate": "value", "column": "bad"}]}, "is the label"),
        ({"source": "limits", "key": "number", "unit_key": "bad"}, "is joined by column 'bad', which is the label"),
        ({"key": ["client_id", "bad"], "unit_key": ["client_id", "amount"]}, "by column 'bad', which is the label"),
        (
            {
                "outcome": {
                    "source": "applications",
                    "key": "application_id",
                    "filter": "bad = 1",
                    "within": "1s",
                    "matures_after": "1s",
                }
            },
            "reads column 'bad', which is the",
        ),
    ],
)
def test_a_label_is_no_feature(group: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        resolve(data(), features({**LABEL, **group}))


def test_a_label_in_a_feature_would_tell_all() -> None:
    """If another column is called the label, nothing keeps this one from being read: it is what it foretells."""
    own = features({**LABEL, "key": "application_id", "features": [
        {"name": "x", "aggregate": "value", "column": "bad"}]})  # fmt: skip
    elsewhere = {"name": "x", "column": "amount", "positive": 3, "matures_after": "1d"}
    planted = world(7)
    found = computed(data(label=elsewhere), own, planted)
    assert [row["x"] for row in found] == [bits(float(row["bad"])) for _, row in decisions(data(), planted)]
    assert reference_features(data(), own, planted)[0]["x"] in (0.0, 1.0)
