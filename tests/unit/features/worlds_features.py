"""Features of every kind over the groups of `worlds_full`, each with a random window, offset, filter and null rule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from loanwright.config.features import Features

Words = dict[str, Any]

_COUNTS = tuple({"aggregate": aggregate} for aggregate in ("count", "seconds_since_first", "seconds_since_last"))


def _of_numbers(*columns: str) -> list[Words]:
    found: list[Words] = []
    for column in columns:
        found += [
            {"aggregate": aggregate, "column": column}
            for aggregate in ("count", "sum", "balance", "mean", "min", "max", "std", "first", "last", "as_of", "trend")
        ]
        found += [{"aggregate": "last_mean", "column": column, "rows": rows} for rows in (1, 2)]
        found += [{"aggregate": "distinct", "column": column}, {"aggregate": "decayed_sum", "column": column}]
    return found


def _of_texts(*columns: str) -> list[Words]:
    found: list[Words] = []
    for column in columns:
        found += [
            {"aggregate": aggregate, "column": column, "type": "category"} for aggregate in ("first", "last", "as_of")
        ]
        found += [
            {"aggregate": "distinct", "column": column},
            {"aggregate": "distinct", "column": column, "sketch": 256},
        ]
    return found


_EVENTS: tuple[Words, ...] = (
    *_COUNTS,
    *_of_numbers("amount", "rate", "late"),
    *_of_texts("kind", "late"),
    {"aggregate": "distinct", "column": "amount", "sketch": 256},
    {"aggregate": "ratio", "column": "amount", "by": "rate"},
    {"aggregate": "ratio", "column": "late", "by": "amount"},
    {"aggregate": "ratio", "column": "rate", "by": "rate"},
    {"aggregate": "share", "filter": "late"},
    {"aggregate": "share", "filter": "amount > rate"},
    {"aggregate": "streak", "filter": "late", "rows": 3},
    {"aggregate": "streak", "filter": "amount > 0", "rows": 1},
    {"aggregate": "decayed_count"},
    {"aggregate": "decayed_count", "column": "kind"},
)
_LOANS: tuple[Words, ...] = (
    *_COUNTS,
    *_of_numbers("amount"),
    {"aggregate": "share", "filter": "outcome"},
    {"aggregate": "share", "filter": "NOT outcome AND amount > 1"},
    {"aggregate": "streak", "filter": "outcome", "rows": 4},
    {"aggregate": "decayed_count"},
    {"aggregate": "last", "column": "loan_id", "type": "category"},
    {"aggregate": "as_of", "column": "client_id"},
)
_VISITS: tuple[Words, ...] = (
    *_COUNTS,
    *_of_numbers("seconds", "score"),
    *_of_texts("page"),
    {"aggregate": "ratio", "column": "seconds", "by": "score"},
    {"aggregate": "share", "filter": "seconds > 1"},
    {"aggregate": "streak", "filter": "seconds > 0", "rows": 2},
    {"aggregate": "decayed_count"},
)
_APPLICATIONS: tuple[Words, ...] = (
    *_COUNTS,
    *_of_numbers("amount"),
    {"aggregate": "share", "filter": "amount > 2"},
    {"aggregate": "streak", "filter": "amount > 2", "rows": 2},
    {"aggregate": "decayed_count"},
)
_TIMELESS = ("count", "sum", "balance", "mean", "min", "max", "std", "distinct")
_SCORES = tuple({"aggregate": each, "column": "score"} for each in ("value", *_TIMELESS))
_LIMITS: tuple[Words, ...] = (
    *({"aggregate": each, "column": "cap"} for each in _TIMELESS),
    {"aggregate": "share", "filter": "cap > 1"},
    {"aggregate": "ratio", "column": "cap", "by": "number"},
)
_CLIENTS: tuple[Words, ...] = (
    {"aggregate": "value", "column": "income"},
    {"aggregate": "value", "column": "region", "type": "category"},
    *_COUNTS,
    *_of_numbers("income"),
)

_OUTCOME = {"source": "events", "key": "loan_id", "filter": "amount < 2 OR late"}
_FILTERS: dict[str, tuple[str, ...]] = {
    "events": ("amount > 1", "late", "kind = 'x' OR rate < 0", "happened >= TIMESTAMPTZ '2023-11-16'", "shop IS NULL"),
    "loans": ("amount > 0", "shop = 'a'"),
    "visits": ("seconds > 0", "page <> ''"),
    "applications": ("amount > 1",),
    "scores": ("score > 0",),
    "limits": ("cap > 0", "number < 6"),
    "clients": ("income > 0", "region IS NOT NULL"),
}
GROUPS: dict[str, tuple[Words, tuple[Words, ...]]] = {
    "a client's events": ({"source": "events", "key": "client_id"}, _EVENTS),
    "a shop's events": ({"source": "events", "key": "shop"}, _EVENTS),
    "events of client and shop": ({"source": "events", "key": ["client_id", "shop"]}, _EVENTS),
    "events by way of loans": (
        {"source": "events", "key": "client_id", "via": {"source": "loans", "key": "loan_id"}}, _EVENTS),
    "events by way of loans, pairs": (
        {"source": "events", "key": ["shop", "client_id"], "via": {"source": "loans", "key": "loan_id"}}, _EVENTS),
    "events by way of limits": (
        {"source": "events", "key": "client_id", "via": {"source": "limits", "key": "number", "column": "event_id"}},
        _EVENTS),
    "a shop's loans": (
        {"source": "loans", "key": "shop", "outcome": {**_OUTCOME, "within": "1d", "matures_after": "2d"}}, _LOANS),
    "a client's loans": (
        {"source": "loans", "key": ["client_id"], "outcome": {**_OUTCOME, "within": "3d", "matures_after": "3d"}},
        _LOANS),
    "a region's loans": (
        {"source": "loans", "key": "region", "unit_key": "shop", "via": {"source": "clients", "key": "client_id"},
         "outcome": {**_OUTCOME, "within": "12h", "matures_after": "36h"}}, _LOANS),
    "visits": ({"source": "visits", "key": "client_id"}, _VISITS),
    "a region's visits": (
        {"source": "visits", "key": "region", "unit_key": "shop", "via": {"source": "clients", "key": "client_id"}},
        _VISITS),
    "earlier applications": ({"source": "applications", "key": "client_id"}, _APPLICATIONS),
    "the shop's applications": ({"source": "applications", "key": "shop"}, _APPLICATIONS),
    "scores": ({"source": "scores", "key": "client_id"}, _SCORES),
    "limits": ({"source": "limits", "key": "client_id"}, _LIMITS),
    "clients": ({"source": "clients", "key": "client_id"}, _CLIENTS),
}  # fmt: skip
"""Ways of joining rows to decisions, and what can be asked of them."""
_WINDOWS: tuple[Words, ...] = (
    {}, {"window": "1d"}, {"window": "2d"}, {"windows": ["1d", "3d", "all"]}, {"window": "43201s"},
)  # fmt: skip
_DECAYS: tuple[Words, ...] = (
    {"half_life": "1d", "window": "3d"},
    {"half_life": "1d", "interval": "12h", "window": "2d"},
    {"half_life": "7h", "interval": "1d", "windows": ["1d", "4d"]},
)


def declared(name: str, seed: int, most: int = 1000) -> Features:
    """Every feature that the group can have, each once; or so many of them."""
    return mixed(seed, [name], most)


def mixed(seed: int, names: Sequence[str], most: int) -> Features:
    """Several groups, each with at most so many features."""
    rng = random.Random(seed)
    groups = []
    for place, name in enumerate(names):
        group, wanted = GROUPS[name]
        listed = [
            {"name": f"f{place}_{number}_{words['aggregate']}", **words, **_more(rng, words, group["source"])}
            for number, words in enumerate(rng.sample(wanted, min(most, len(wanted))))
        ]
        groups.append({**group, "features": listed})
    return Features.model_validate({"groups": groups})


def _more(rng: random.Random, words: Words, source: str) -> Words:
    aggregate, timed = words["aggregate"], source not in ("scores", "limits")
    found: Words = {}
    if timed and aggregate != "value":
        if rng.random() < 0.3:
            found["offset"] = rng.choice(("1d", "36h"))
        if "decayed" in aggregate:
            found |= rng.choice(_DECAYS)
        elif aggregate != "balance":
            found |= rng.choice(_WINDOWS)
    if aggregate != "value" and "filter" not in words and rng.random() < 0.5:
        found["filter"] = rng.choice(_FILTERS[source])
    counts = aggregate in ("count", "distinct", "decayed_count")
    if not counts and "type" not in words and rng.random() < 0.2:
        found["fill"] = rng.choice((0.0, -1.5))
    return found
