"""Worlds that are looked at twice, and the tables that are built of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from loanwright.config.features import Features
from loanwright.data.engine import in_utc
from loanwright.data.engine import moment as as_time
from loanwright.features.build import build_training_table
from loanwright.storage import open_store
from tests.unit.features.snapshots import snapshot
from tests.unit.features.worlds_features import GROUPS, mixed
from tests.unit.features.worlds_full import DATA, DAY, Tables, versions, world

LABEL = {"name": "bad", "event": {"source": "events", "key": "event_id", "within": "6d"},
         "matures_after": "6d"}  # fmt: skip
KNOWN = {
    "applications": "decided", "events": "known", "clients": "known", "loans": "filed", "visits": "at",
    "scores": "known",
}  # fmt: skip


def some(seed: int) -> Features:
    """Features of some groups."""
    return mixed(seed, random.Random(seed).sample(sorted(GROUPS), 4), 4)


def until(tables: Tables, moment: int) -> Tables:
    """What was known before the moment."""
    return {
        name: [row for row in rows if name not in KNOWN or row[KNOWN[name]] < moment] for name, rows in tables.items()
    }


def in_time(moment: int) -> str:
    found = as_time(moment)
    assert found is not None
    return in_utc(found)


def built(
    tables: Tables, features: Features, folder: Path, end: int, declared: Any, *, shards: int | None = None
) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    uri = snapshot(declared, tables, folder, files=3, observed_until=in_time(end))
    store = open_store(str(folder / "store"))
    return build_training_table(uri, declared, features, store, folder / "scratch", shards=shards)


def worlds(seed: int) -> tuple[Tables, int]:
    """A world, and a moment in it before and after which there are decisions of both outcomes."""
    tables = world(seed, 2)
    times = sorted({row["decided"] for row in tables["applications"]})
    chance = random.Random(seed)
    return tables, chance.choice(times[len(times) // 2 :]) + chance.choice([0, 1, DAY // 3])


def disturbed(tables: Tables, seed: int) -> Tables:
    """The tables as somebody else may have seen them: rows are missing, are other ones, or are there too many."""
    chance, others = random.Random(seed), world(seed + 1000, 2)
    found = {}
    for source in DATA["sources"]:
        name = source["name"]
        rows = chance.sample(tables[name], max(0, len(tables[name]) - chance.choice((0, 1, 2))))
        own = {*source["key"], source.get("known_time")}
        for place in chance.sample(range(len(rows)), min(len(rows), chance.choice((0, 0, 1, 2)))):
            other = chance.choice(others[name] or rows)
            kept = own | set(chance.sample(sorted(other), 2))
            rows[place] = {column: (rows[place] if column in kept else other)[column] for column in other}
        for row in chance.sample(others[name], min(len(others[name]), chance.choice((0, 0, 1, 2)))):
            new = {"application_id": row["application_id"] + 500} if name == "applications" else {}
            rows.append(row | new)
        found[name] = versions(rows[::-1], *source["key"], *filter(None, [source.get("known_time")]))
    return found
