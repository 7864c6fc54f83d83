"""A lender whose tables have every shape that features can be declared on, and random rows of it.

Applications are the decisions. Events come late and are restated; so are loans, which hold the client of an event
and have outcomes; visits have a key of two columns and only an event time, scores only a known time, limits none.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from loanwright.config.data import Data
from loanwright.config.features import Features

NOON = 1_700_000_000_000_000
"""A moment, in microseconds."""
DAY = 86_400_000_000
Tables = dict[str, list[dict[str, Any]]]


def _source(source: str, keys: list[str], event: str | None, known: str | None, /, **columns: str) -> dict[str, Any]:
    """A source; a column's type ends with `?` where it may be null."""
    listed = [
        {"name": column, "type": kind.rstrip("?"), "nullable": kind.endswith("?")} for column, kind in columns.items()
    ]
    times = {"event_time": event, "known_time": known}
    return {"name": source, "uri": f"{source}.parquet", "key": keys, "columns": listed} | {
        role: column for role, column in times.items() if column is not None
    }


DATA: dict[str, Any] = {
    "unit": {"name": "application", "source": "applications", "key": "application_id"},
    "decision_time": {"column": "decided"},
    "label": {"name": "bad", "column": "bad", "positive": 1, "matures_after": "30d"},
    "sources": [
        _source(
            "applications", ["application_id"], "decided", None,
            application_id="integer", decided="time", client_id="integer?", shop="category?", amount="integer",
            bad="integer",
        ),
        _source(
            "events", ["event_id"], "happened", "known",
            event_id="integer", client_id="integer?", shop="category?", loan_id="text?", happened="time", known="time",
            amount="integer?", rate="number?", kind="category?", late="boolean?",
        ),
        _source(
            "clients", ["client_id"], "since", "known",
            client_id="integer", since="time", known="time", income="number?", region="category?",
        ),
        _source(
            "loans", ["loan_id"], "opened", "filed",
            loan_id="text", client_id="integer?", shop="category?", opened="time", filed="time", amount="integer?",
        ),
        _source(
            "visits", ["client_id", "page"], "at", None,
            client_id="integer", page="text", at="time", seconds="integer", score="number?",
        ),
        _source("scores", ["client_id"], None, "known", client_id="integer", known="time", score="number?"),
        _source("limits", ["number"], None, None, number="integer", client_id="integer", cap="integer?"),
    ],
}  # fmt: skip


def data(**changes: Any) -> Data:
    """The data section, with some of its parts replaced."""
    return Data.model_validate(DATA | changes)


def features(*groups: dict[str, Any], **more: Any) -> Features:
    """A features section of these groups."""
    return Features.model_validate({"groups": list(groups), **more})


def events(*wanted: dict[str, Any]) -> dict[str, Any]:
    """A group of features over a client's events."""
    return {"source": "events", "key": "client_id", "features": list(wanted)}


MOMENTS = st.builds(
    lambda day, more: NOON + day * DAY + more, st.integers(0, 6), st.sampled_from([0, 0, 0, -1, 1, DAY // 2])
)
"""Few, so that rows fall on each other and on the windows' edges, and a microsecond beside them."""
DELAYS = st.sampled_from([0, 0, 0, 1, DAY // 2, DAY, 2 * DAY, 4 * DAY])
"""How late a row is known: at once, or later than the windows are long."""
CLIENTS = st.sampled_from([None, 1, 1, 1, 2, 2, 3])
SHOPS = st.sampled_from([None, "", "a", "a", "b"])
LOANS = st.sampled_from([None, "", "k", "l", "m"])
AMOUNTS = st.sampled_from([None, -3, 0, 1, 2, 5, 10**12 + 1])
RATES = st.sampled_from([None, -0.0, 0.0, 0.1, 0.3, 1 / 3, -2.5, 0.0000005, 1e6 + 1e-6])
KINDS = st.sampled_from([None, "", "x", "y", "ä"])
FLAGS = st.sampled_from([None, True, False])


def _rows(most: int, **columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries(columns), max_size=most)


def known_after(event: str, known: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose known time is told as a delay."""
    return [{**row, known: row[event] + row[known]} for row in rows]


def versions(rows: list[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    """The rows without a second one of the same key, which a contract refuses."""
    return list({tuple(row[name] for name in key): row for row in rows}.values())


EVENTS = _rows(
    20,
    event_id=st.integers(1, 12), client_id=CLIENTS, shop=SHOPS, loan_id=LOANS, happened=MOMENTS, known=DELAYS,
    amount=AMOUNTS, rate=RATES, kind=KINDS, late=FLAGS,
).map(lambda rows: versions(known_after("happened", "known", rows), "event_id", "known"))  # fmt: skip
CLIENT_ROWS = _rows(
    6,
    client_id=st.integers(1, 3), since=MOMENTS, known=DELAYS, income=RATES, region=KINDS,
).map(lambda rows: versions(known_after("since", "known", rows), "client_id", "known"))  # fmt: skip
LOAN_ROWS = _rows(
    8,
    loan_id=LOANS.filter(lambda name: name is not None), client_id=CLIENTS, shop=SHOPS, opened=MOMENTS, filed=DELAYS,
    amount=AMOUNTS,
).map(lambda rows: versions(known_after("opened", "filed", rows), "loan_id", "filed"))  # fmt: skip
VISITS = _rows(
    8,
    client_id=st.integers(1, 3), page=st.sampled_from(["", "a", "b", "c", "d"]), at=MOMENTS, score=RATES,
    seconds=st.integers(0, 3),
).map(lambda rows: versions(rows, "client_id", "page"))  # fmt: skip
SCORES = _rows(5, client_id=st.integers(1, 3), known=MOMENTS, score=RATES).map(
    lambda rows: versions(rows, "client_id", "known")
)
LIMITS = _rows(5, number=st.integers(1, 9), client_id=st.integers(1, 3), cap=AMOUNTS).map(
    lambda rows: versions(rows, "number")
)
DECISIONS = st.lists(
    st.fixed_dictionaries({"client_id": CLIENTS, "shop": SHOPS, "decided": MOMENTS, "amount": st.integers(0, 5)}),
    min_size=2,
    max_size=7,
).map(lambda rows: [{**row, "application_id": n, "bad": n % 2} for n, row in enumerate(rows, 1)])
WORLDS: st.SearchStrategy[Tables] = st.fixed_dictionaries(
    {
        "applications": DECISIONS,
        "events": EVENTS,
        "clients": CLIENT_ROWS,
        "loans": LOAN_ROWS,
        "visits": VISITS,
        "scores": SCORES,
        "limits": LIMITS,
    }
)
"""Whole worlds, of which each table's rows are in no order."""
