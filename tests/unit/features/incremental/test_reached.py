"""A row that comes late, is restated or goes has just those decisions computed anew that may see the change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from loanwright.features.incremental import reached
from loanwright.storage import Manifest, read_manifest
from tests.unit.features.conftest import make_files_small, note_computed
from tests.unit.features.growing import built
from tests.unit.features.worlds_full import DAY, NOON, Tables, data, features

pytestmark = pytest.mark.usefixtures("small_files")

END = NOON + 10 * DAY
Row = dict[str, Any]


def day(number: float) -> int:
    return int(NOON + number * DAY)


def event(number: int, at: float, **more: Any) -> Row:
    """An event of client 1 at shop a, known when it happens."""
    row = {"event_id": number, "client_id": 1, "shop": "a", "happened": day(at), "known": day(at), "amount": 3}
    return row | {"rate": 0.5, "kind": "x", "late": False, "loan_id": None} | more


def loan(number: str, at: float, **more: Any) -> Row:
    return {"loan_id": number, "client_id": 2, "shop": "b", "opened": day(at), "filed": day(at), "amount": 7} | more


def client(number: int, at: float, **more: Any) -> Row:
    row = {"client_id": number, "since": day(at), "known": day(at), "income": float(number), "region": "a"}
    return row | more


def small_world() -> Tables:
    """Eighteen decisions, half a day apart, of three clients in turn at two shops in turn."""
    return {
        "applications": [
            {"application_id": n, "client_id": 1 + n % 3, "shop": "ab"[n % 2], "amount": n, "bad": n % 2,
             "decided": day(n / 2)}
            for n in range(18)
        ],
        "events": [event(n, n / 3 - 1, client_id=1 + n % 3, shop="ab"[n % 2]) for n in range(9)]
        + [event(30, 0.1, client_id=None, shop=None, loan_id="k")],
        "clients": [client(1, -5), client(2, -5), client(3, -5, income=-0.0)],
        "loans": [loan("k", -1), loan("l", -1, client_id=1, shop="a")],
        "visits": [],
        "scores": [],
        "limits": [{"number": n, "client_id": n, "cap": 100 * n} for n in (1, 2, 3)],
    }  # fmt: skip


def with_rows(source: str, *rows: Row) -> Callable[[Tables], Tables]:
    return lambda tables: tables | {source: [*tables[source], *rows]}


def without(source: str, place: int) -> Callable[[Tables], Tables]:
    return lambda tables: tables | {source: [row for at, row in enumerate(tables[source]) if at != place]}


def instead(source: str, place: int, **more: Any) -> Callable[[Tables], Tables]:
    return lambda tables: (
        tables | {source: [row | more if at == place else row for at, row in enumerate(tables[source])]}
    )


COUNT, SUM = {"name": "n", "aggregate": "count"}, {"name": "s", "aggregate": "sum", "column": "amount"}
OUTCOME = {"source": "events", "key": "loan_id", "filter": "late", "within": "2d", "matures_after": "4d"}
SHARE = {"name": "r", "aggregate": "share", "filter": "outcome"}
INCOME = {"name": "i", "aggregate": "as_of", "column": "income"}
VIA = {"source": "loans", "key": "loan_id"}


def of_events(*wanted: Row, **more: Any) -> Row:
    return {"source": "events", "key": "client_id", "features": [*wanted], **more}


class Case(NamedTuple):
    """What is asked of whom, what changes, and which decisions see it: of (client, shop, days)."""

    group: Row
    change: Callable[[Tables], Tables]
    sees: Callable[[int, str, float], bool]


CASES = {
    "a late row": Case(
        of_events(COUNT), with_rows("events", event(40, 2, known=day(3))), lambda c, s, t: c == 1 and t > 3
    ),
    "a late row of a window": Case(
        of_events({**COUNT, "window": "2d"}),
        with_rows("events", event(40, 2, known=day(2.6))),
        lambda c, s, t: c == 1 and 2.6 < t <= 4,
    ),
    "a late row of a window that was shifted": Case(
        of_events({**COUNT, "window": "2d", "offset": "1d"}),
        with_rows("events", event(40, 2, known=day(2.6))),
        lambda c, s, t: c == 1 and 2.6 < t <= 5,
    ),
    "a ledger": Case(
        of_events({"name": "b", "aggregate": "balance", "column": "amount"}),
        with_rows("events", event(40, -3, known=day(4))),
        lambda c, s, t: c == 1 and t > 4,
    ),
    "a late row of a shop": Case(
        {"source": "events", "key": "shop", "features": [SUM]},
        with_rows("events", event(40, 2, known=day(3))),
        lambda c, s, t: s == "a" and t > 3,
    ),
    "a late row of a pair": Case(
        {"source": "events", "key": ["client_id", "shop"], "features": [SUM]},
        with_rows("events", event(40, 2, known=day(3))),
        lambda c, s, t: c == 1 and s == "a" and t > 3,
    ),
    "a row that went": Case(of_events(SUM), without("events", 6), lambda c, s, t: c == 1 and t > 1),
    "a row that was corrected in place": Case(
        of_events(SUM), instead("events", 6, client_id=3), lambda c, s, t: c in (1, 3) and t > 1
    ),
    "a zero of the other sign": Case(
        {"source": "clients", "key": "client_id", "features": [{**INCOME, "aggregate": "value"}]},
        instead("clients", 2, income=0.0),
        lambda c, s, t: c == 3,
    ),
    "a row restated as another client's": Case(
        of_events(SUM),
        with_rows("events", event(6, 1, client_id=3, known=day(4))),
        lambda c, s, t: c in (1, 3) and t > 4,
    ),
    "a row restated out of the filter": Case(
        of_events({**SUM, "filter": "amount > 2"}),
        with_rows("events", event(6, 1, amount=1, known=day(4))),
        lambda c, s, t: c == 1 and t > 4,
    ),
    "a row by a path": Case(
        of_events(COUNT, via=VIA),
        with_rows("events", event(40, 2, known=day(3), loan_id="k")),
        lambda c, s, t: c == 2 and t > 3,
    ),
    "a path restated": Case(
        of_events(COUNT, via=VIA),
        with_rows("loans", loan("k", -1, filed=day(4), client_id=3)),
        lambda c, s, t: c in (2, 3) and t > 4,
    ),
    "an outcome": Case(
        {"source": "loans", "key": "shop", "outcome": OUTCOME, "features": [SHARE]},
        with_rows("events", event(40, 0, known=day(1), loan_id="k", late=True)),
        lambda c, s, t: s == "b" and t > 3,
    ),
    "an outcome that is known after it is final": Case(
        {"source": "loans", "key": "shop", "outcome": OUTCOME, "features": [SHARE]},
        with_rows("events", event(40, 0, known=day(5), loan_id="k", late=True)),
        lambda c, s, t: s == "b" and t > 5,
    ),
    "an outcome by a path": Case(
        {"source": "loans", "key": "region", "unit_key": "shop", "via": {"source": "clients", "key": "client_id"},
         "outcome": OUTCOME, "features": [SHARE]},
        with_rows("events", event(40, 0, known=day(5), loan_id="k", late=True)),
        lambda c, s, t: s == "a" and t > 5,
    ),
    "a value as of": Case(
        {"source": "clients", "key": "client_id", "features": [INCOME]},
        with_rows("clients", client(2, -5, known=day(6), income=9.5)),
        lambda c, s, t: c == 2 and t > 6,
    ),
    "a row without any time": Case(
        {"source": "limits", "key": "client_id", "features": [{"name": "m", "aggregate": "max", "column": "cap"}]},
        instead("limits", 2, cap=7),
        lambda c, s, t: c == 3,
    ),
}  # fmt: skip
UNSEEN = {
    "filtered out": Case(
        of_events({**COUNT, "filter": "amount > 5"}),
        with_rows("events", event(40, 2, known=day(3))),
        lambda c, s, t: False,
    ),
    "no outcome": Case(
        {"source": "loans", "key": "shop", "outcome": OUTCOME, "features": [COUNT]},
        with_rows("events", event(40, 0, known=day(1), loan_id="k", late=False)),
        lambda c, s, t: False,
    ),
    "of nobody": Case(
        of_events(COUNT), with_rows("events", event(40, 2, client_id=77, known=day(3))), lambda c, s, t: False
    ),
    "restated after all": Case(
        of_events(SUM), with_rows("events", event(6, 1, amount=1, known=END)), lambda c, s, t: False
    ),
}


class Grown(NamedTuple):
    """Tables of one case: before the change, after it, and after it from nothing."""

    case: Case
    folder: Path
    before: Manifest
    after: Manifest
    scratch: Manifest
    computed: list[list[int]]


@pytest.fixture(scope="module", params=CASES | UNSEEN)
def grown(request, tmp_path_factory):
    case, folder = (CASES | UNSEEN)[request.param], tmp_path_factory.mktemp("case")
    before = small_world()
    after = case.change(before)
    with pytest.MonkeyPatch.context() as patch:
        make_files_small(patch)
        computed = note_computed(patch)
        uris = [
            built(tables, features(case.group), folder / place, END, data())
            for tables, place in ((before, "grown"), (after, "grown"), (after, "scratch"))
        ]
    return Grown(case, folder, *(read_manifest(uri, "tables") for uri in uris), computed)


def test_just_the_decisions_that_see_a_change_are_computed_anew(grown):
    sees = [n for n in range(18) if grown.case.sees(1 + n % 3, "ab"[n % 2], n / 2)]

    assert grown.computed == [sees]
    assert grown.after.digest == grown.scratch.digest


def test_without_that_the_table_would_be_another(grown, monkeypatch):
    monkeypatch.setattr(reached, "_seeing", lambda *_: [])

    back = built(small_world(), features(grown.case.group), grown.folder / "grown", END, data())

    assert (read_manifest(back, "tables").digest != grown.before.digest) is (grown.computed != [[]])


def test_files_of_other_decisions_are_listed_as_they_are(grown):
    old, new = grown.before.files, grown.after.files

    assert [entry.rows for entry in old] == [entry.rows for entry in new]
    start = 0
    for one, other in zip(old, new, strict=True):
        places = range(start, start + (one.rows or 0))
        if not any(place in places for place in grown.computed[0]):
            assert one == other
        start = places.stop


DECISIONS = {
    "one that was not there": without("applications", 7),
    "one that is no more": with_rows(
        "applications",
        {"application_id": 99, "client_id": 1, "shop": "a", "amount": 5, "bad": 0, "decided": day(3.1)},
    ),
    "one of another amount": instead("applications", 7, amount=77),
    "one of another client": instead("applications", 7, client_id=3),
    "one at another time": instead("applications", 7, decided=day(6.2)),
    "one with another label": instead("applications", 7, bad=0),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_that_changed_is_computed_anew_and_those_that_see_it(name, tmp_path, computed):
    own = {"name": "asked", "aggregate": "value", "column": "amount"}
    asked = features(
        {"source": "applications", "key": "application_id", "features": [own]},
        {"source": "applications", "key": "client_id", "features": [SUM]},
        of_events(COUNT),
    )
    after, before = small_world(), DECISIONS[name](small_world())
    built(before, asked, tmp_path / "grown", END, data())

    found = built(after, asked, tmp_path / "grown", END, data())

    assert read_manifest(found).digest == read_manifest(built(after, asked, tmp_path / "s", END, data())).digest
    clients = {1 if name == "one that is no more" else 2, *([3] if name == "one of another client" else [])}
    since = 3.1 if name == "one that is no more" else 3.5
    anew = {n for n in range(18) if 1 + n % 3 in clients and n / 2 > since}
    assert computed == [sorted(anew | (set() if name == "one that is no more" else {7}))]
