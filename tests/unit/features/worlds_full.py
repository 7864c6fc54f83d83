"""A lender whose tables have every shape that features can be declared on, and random rows of it.

Applications are the decisions. Events come late and are restated; so are loans, which hold the client of an event
and have outcomes; visits have a key of two columns and only an event time, scores only a known time, limits none.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features

NOON = 1_700_000_000_000_000
"""A moment, in microseconds."""
DAY = 86_400_000_000
Tables = dict[str, list[dict[str, Any]]]


def _source(source: str, keys: list[str], event: str | None, known: str | None, /, **columns: str) -> dict[str, Any]:
    """A source; a column's type is followed by its decimals, and by `?` where it may be null."""
    listed = []
    for column, kind in columns.items():
        type_, _, decimals = kind.rstrip("?").partition(" ")
        listed.append({"name": column, "type": type_, "nullable": kind.endswith("?"), "decimals": int(decimals or 6)})
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
            client_id="integer", since="time", known="time", income="number 0?", region="category?",
        ),
        _source(
            "loans", ["loan_id"], "opened", "filed",
            loan_id="text", client_id="integer?", shop="category?", opened="time", filed="time", amount="integer?",
        ),
        _source(
            "visits", ["client_id", "page"], "at", None,
            client_id="integer", page="text", at="time", seconds="integer", score="number 2?",
        ),
        _source("scores", ["client_id"], None, "known", client_id="integer", known="time", score="number 9?"),
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


AMOUNTS = (None, -3, 0, 1, 2, 5, 10**12 + 1)
RATES = (None, -0.0, 0.0, 0.1, 0.3, 1 / 3, -2.5, 0.0000005, 1e6 + 1e-6)
KINDS = (None, "", "x", "y", "\u00e4")
FLAGS = (None, True, False)
CLIENTS = (None, 1, 1, 1, 1, 2, 2, 3)
"""One of them is hot."""
SHOPS = (None, "", "a", "a", "a", "b")
LOANS = ("", "k", "l", "m", "n", "o")
DELAYS = (0, 0, 0, 1, DAY // 2, DAY, 2 * DAY, 4 * DAY, -DAY)
"""How late a row is known: at once, or later than windows are long, or before it happens."""


def world(seed: int, scale: int = 1) -> Tables:
    """Random tables, whose rows are in no order: of all sizes, some empty; or so many times as large."""
    rng = random.Random(seed)
    pick = rng.choice
    tables: Tables = {
        "events": _late(rng, 60 * scale, "event_id", "happened", "known", lambda: {
            "event_id": rng.randint(1, 30 * scale), "client_id": pick(CLIENTS), "shop": pick(SHOPS),
            "loan_id": pick((None, *LOANS)), **_facts(rng), "late": pick(FLAGS), "kind": pick(KINDS)}),
        "clients": _late(rng, 8, "client_id", "since", "known", lambda: {
            "client_id": rng.randint(1, 3), "income": pick(RATES), "region": pick(SHOPS)}),
        "loans": _late(rng, 20, "loan_id", "opened", "filed", lambda: {
            "loan_id": pick(LOANS), "client_id": pick(CLIENTS), "shop": pick(SHOPS), "amount": pick(AMOUNTS)}),
        "visits": _unique(rng, 15, ["client_id", "page"], lambda: {
            "client_id": rng.randint(1, 3), "page": pick(("", "a", "b", "c", "d", "e")), "at": moment(rng),
            "seconds": rng.randint(0, 3), "score": pick(RATES)}),
        "scores": _unique(rng, 8, ["client_id", "known"], lambda: {
            "client_id": rng.randint(1, 3), "known": moment(rng), "score": pick(RATES)}),
        "limits": _unique(rng, 12, ["number"], lambda: {
            "number": rng.randint(1, 30), "client_id": rng.randint(1, 3), "cap": pick(AMOUNTS)}),
    }  # fmt: skip
    tables["applications"] = [
        {"application_id": number, "client_id": pick(CLIENTS), "shop": pick(SHOPS), "amount": rng.randint(0, 5),
         "decided": _moment_of_interest(rng, tables), "bad": number % 2}
        for number in range(1, 3 + _size(rng, 30 * scale))
    ]  # fmt: skip
    rng.shuffle(tables["applications"])
    return tables


def moment(rng: random.Random) -> int:
    """One of few, so that rows fall on each other and on the windows' edges, or a microsecond beside them."""
    if rng.random() < 0.02:
        return -1_500_000  # before 1970
    return NOON + rng.randint(0, 6) * DAY + rng.choice((0, 0, 0, -1, 1, DAY // 2))


def _moment_of_interest(rng: random.Random, tables: Tables) -> int:
    """Often when something was just known, or left a window; a microsecond before, at it, or after."""
    known = [row["known"] for row in tables["events"]] + [row["filed"] for row in tables["loans"]]
    if not known or rng.random() < 0.5:
        return moment(rng)
    return int(rng.choice(known)) + rng.choice((0, DAY, 2 * DAY)) + rng.choice((-1, 0, 1))


def _size(rng: random.Random, most: int) -> int:
    return most if rng.random() < 0.6 else rng.randint(0, most)


def _facts(rng: random.Random) -> dict[str, Any]:
    rate = rng.choice(RATES) if rng.random() < 0.7 else rng.uniform(-1e3, 1e3)
    return {"amount": rng.choice(AMOUNTS), "rate": rate}


def _late(
    rng: random.Random, most: int, key: str, event: str, known: str, make: Callable[[], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Rows that are known some time after they happened, of which some are versions of others."""
    rows = []
    for _ in range(_size(rng, most)):
        happened = moment(rng)
        rows.append({**make(), event: happened, known: happened + rng.choice(DELAYS)})
        if rng.random() < 0.3:
            again = {**rows[-1], known: rows[-1][known] + rng.choice((1, DAY, 2 * DAY))}
            # A correction may change anything, also when it happened and whose it is.
            changed = [name for name in again if name not in (key, known)]
            other = {**make(), event: moment(rng)}
            rows.append(again | {name: other[name] for name in rng.sample(changed, 2)})
    rng.shuffle(rows)
    return versions(rows, key, known)


def _unique(rng: random.Random, most: int, key: list[str], make: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    return versions([make() for _ in range(_size(rng, most))], *key)


def versions(rows: list[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    """The rows without a second one of the same key, which a contract refuses."""
    return list({tuple(row[name] for name in key): row for row in rows}.values())


def later(tables: Tables, moment: int, seed: int) -> Tables:
    """The tables with more rows, none of which was known before the moment: new ones, and versions of old ones."""
    found = {name: list(rows) for name, rows in tables.items()}
    known = {source["name"]: source.get("known_time") or source.get("event_time") for source in DATA["sources"]}
    keys = {source["name"]: (*source["key"], *filter(None, [source.get("known_time")])) for source in DATA["sources"]}
    for again in range(3):
        for name, rows in world(seed + again).items():
            time = known[name]
            if time is None:
                continue
            # What does not come late enough comes later by whole days, with all of its times.
            times = [column["name"] for column in _columns(name) if column["type"] == "time"]
            for row in rows:
                days = max(0, -(-(moment - row[time]) // DAY))
                moved = {**row, **{column: row[column] + days * DAY for column in times}}
                if "application_id" in moved:
                    moved["application_id"] += 1000 * (again + 1)
                found[name].append(moved)
    return {name: versions(rows[::-1], *keys[name])[::-1] for name, rows in found.items()}


def _columns(name: str) -> list[dict[str, Any]]:
    return next(source["columns"] for source in DATA["sources"] if source["name"] == name)
