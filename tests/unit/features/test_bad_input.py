"""What is wrong with features or their data is one clear error, told before data is read where that is possible."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.config.data import Data
from loanwright.config.reading import parse_sections
from loanwright.data.ingestion import Ingested, ingest
from loanwright.errors import DataError, DeclarationError
from loanwright.features.build import build_training_table
from loanwright.features.texts.sql import compile_features
from loanwright.storage import fetch, open_store, read_manifest
from tests.unit.features import worlds_full as worlds
from tests.unit.features.snapshots import arrow, snapshot
from tests.unit.features.worlds_full import DAY, NOON

NOW = datetime(2026, 1, 15, tzinfo=UTC)
Sections = dict[str, Any]
Change = Callable[[Sections], None]
EVENTS = "features.groups[0]"


def sections(*groups: dict[str, Any]) -> Sections:
    """A declaration of these groups."""
    return {
        "model": {"name": "cards", "title": "Cards", "description": "Bad cards", "owner": "tests"},
        "data": copy.deepcopy(worlds.DATA),
        "features": {"groups": copy.deepcopy(list(groups))},
        "split": {"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}},
        "training": {"rounds": 5},
        "gates": {"rules": []},
    }


def feature(aggregate: str = "count", **words: Any) -> dict[str, Any]:
    return {"name": "x", "aggregate": aggregate, **words}


def events(**words: Any) -> dict[str, Any]:
    """A group of one feature over a client's events."""
    return worlds.events(feature(**words))


def loans(**more: Any) -> dict[str, Any]:
    return {"source": "loans", "key": "client_id", "features": [feature()], **more}


OUTCOME = {"source": "events", "key": "loan_id", "within": "30d", "matures_after": "60d"}
DECLARED: dict[str, tuple[dict[str, Any], str]] = {
    "decisions without the key": (
        {**events(), "key": "loan_id"},
        f"{EVENTS}.key: source 'applications' has no column 'loan_id' (did you mean 'client_id'?); "
        "name the unit's column to join with in unit_key",
    ),
    "a misspelt key of the decisions": (
        {**events(), "unit_key": "client"},
        f"{EVENTS}.unit_key: source 'applications' has no column 'client' (did you mean 'client_id'?)",
    ),
    "a source without the key": (
        {**events(), "key": "client", "unit_key": "client_id"},
        f"{EVENTS}.key: source 'events' has no column 'client' (did you mean 'client_id'?)",
    ),
    "a source without the column": (
        events(aggregate="sum", column="amonut"),
        f"{EVENTS}.features[0].column: source 'events' has no column 'amonut' (did you mean 'amount'?)",
    ),
    "a source without the column of a filter": (
        events(filter="knd = 'x'"),
        "feature 'x', filter: \"knd = 'x'\" reads 'knd', which is not there (did you mean 'kind'?)",
    ),
    "no such source": (
        {**events(), "source": "evnts"},
        f"{EVENTS}.source: there is no source 'evnts' (did you mean 'events'?)",
    ),
    "a window in months": (
        events(window="3 months"),
        f"{EVENTS}.features[0].window: '3 months' is not a duration: write whole seconds, or a number with s, m, h, d "
        "or w, as in '90d' (months and years have no fixed length and are refused)",
    ),
    "windows of which one is in months": (
        events(windows=["30d", "3mo"]),
        f"{EVENTS}.features[0].windows[1]: '3mo' is not a duration: write whole seconds, or a number with s, m, h, d "
        "or w, as in '90d' (months and years have no fixed length and are refused)",
    ),
    "windows of one length in different units": (
        events(windows=["1w", "7d"]),
        f"{EVENTS}.features[0]: feature 'x' has window '7d' twice",
    ),
    "a window without a time to measure it on": (
        {"source": "limits", "key": "client_id", "features": [feature(window="30d")]},
        f"{EVENTS}.features[0].window: feature 'x' has a window, and source 'limits' no event_time to measure it on",
    ),
    "a path to no source": (
        {**events(), "via": {"source": "loan", "key": "loan_id"}},
        f"{EVENTS}.via.source: there is no source 'loan' (did you mean 'loans'?)",
    ),
    "a path by a column that the rows lack": (
        {**events(), "via": {"source": "loans", "key": "loan_id", "column": "loan"}},
        f"{EVENTS}.via.column: source 'events' has no column 'loan' (did you mean 'loan_id'?)",
    ),
    "a path to several rows": (
        {**events(), "via": {"source": "visits", "key": "client_id"}},
        f"{EVENTS}.via.key: a row of 'events' must lead to one row of 'visits', which is keyed by 'client_id', 'page'",
    ),
    "a path to a source without the key": (
        {**events(), "key": "region", "unit_key": "shop", "via": {"source": "loans", "key": "loan_id"}},
        f"{EVENTS}.key: source 'loans' has no column 'region'",
    ),
    "an outcome without maturity": (
        loans(outcome={name: value for name, value in OUTCOME.items() if name != "matures_after"}),
        f"{EVENTS}.outcome.matures_after: is missing",
    ),
    "an outcome that is final before its window ends": (
        loans(outcome=OUTCOME | {"matures_after": "10d"}),
        f"{EVENTS}.outcome: within is longer than matures_after: an outcome is not final before its window ends",
    ),
    "an outcome of rows without a time": (
        {"source": "limits", "key": "client_id", "features": [feature()], "outcome": OUTCOME | {"key": "event_id"}},
        f"{EVENTS}.outcome: an outcome is final some time after its row, and 'limits' has no event_time",
    ),
    "an outcome where no outcome is declared": (
        loans(features=[feature("share", filter="outcome")]),
        "feature 'x', filter: 'outcome' reads 'outcome', which is not there",
    ),
}  # fmt: skip
"""A feature group, and exactly what is said of it."""


@pytest.mark.parametrize("case", DECLARED)
def test_what_is_wrong_with_a_declaration_is_told_without_data(case: str) -> None:
    group, message = DECLARED[case]
    with pytest.raises(DeclarationError) as caught:
        declared(sections(group))
    assert caught.value.problem == message


def declared(raw: Sections) -> None:
    declaration = parse_sections(raw)
    compile_features(declaration.data, declaration.features)


def test_an_aggregate_that_is_none_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(DeclarationError, match=r"'coutn'.*did you mean 'count'"):
        declared(sections(events(aggregate="coutn")))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("happened > now()", "now"),
        ("happened > current_date", "currentdate"),
        ("happened > current_timestamp", "currenttimestamp"),
        ("happened > today()", "currentdate"),
        ("happened > localtimestamp", "localtimestamp"),
        ("random() > 0.5", "rand"),
        ("uuid() = kind", "uuid"),
        ("gen_random_uuid() = kind", "uuid"),
    ],
)
def test_a_filter_that_is_not_the_same_every_time_is_refused(text: str, asked: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        declared(sections(events(filter=text)))
    assert str(caught.value) == (
        f"feature 'x', filter: {text!r} uses {asked}, which is another value at every run. "
        "What a feature tells of time is measured back from the decision, by its window"
    )
    derived = sections(events())
    derived["features"]["derived"] = [{"name": "y", "expression": text.replace("happened", "x").replace("kind", "x")}]
    with pytest.raises(DeclarationError, match="another value at every run"):
        declared(derived)


def test_to_clip_known_times_there_must_be_both_times() -> None:
    raw = sections(events())
    raw["data"]["sources"][0]["early_known"] = "clip"
    with pytest.raises(DeclarationError) as caught:
        declared(raw)
    message = "data.sources[0]: source 'applications' clips a known_time to its event_time, and does not have both"
    assert caught.value.problem == message


def event(number: int, happened: int, known: int, **more: Any) -> dict[str, Any]:
    row = dict.fromkeys(("amount", "rate", "kind", "late", "shop", "loan_id"))
    return {**row, "event_id": number, "client_id": 1, "happened": happened, "known": known, **more}


def ingested(folder: Path, *rows: dict[str, Any], cutoff: datetime | None = None, **changes: Any) -> Ingested:
    """An ingest of one decision and these events; `changes` are of the events' source."""
    declared = worlds.data()
    sources = []
    for source in declared.sources:
        if source.name not in ("applications", "events"):
            continue
        given = list(rows) if source.name == "events" else [application(1, NOON), application(2, NOON)]
        path = folder / f"{source.name}.parquet"
        pq.write_table(arrow(source, given), path)
        more = changes if source.name == "events" else {}
        sources.append(source.model_copy(update={"uri": str(path), **more}))
    data = Data.model_validate(worlds.DATA).model_copy(update={"sources": tuple(sources)})
    store = open_store(str(folder / "store"))
    return ingest(data, store, cutoff=cutoff, overrides={}, cache=folder, now=NOW)


def application(number: int, decided: int) -> dict[str, Any]:
    return {
        "application_id": number, "client_id": 1, "decided": decided, "shop": "a", "amount": 1, "bad": number % 2,
    }  # fmt: skip


def test_a_row_known_before_it_happened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ingested(tmp_path, event(1, NOON, NOON), event(2, NOON, NOON - 1), event(3, NOON, NOON + 1))
    assert str(caught.value) == (
        "source 'events', column 'known': 1 row is known before 'happened', when it happened, as in "
        "2023-11-14T22:13:19Z. Correct the data, or declare 'early_known: clip' to take such rows as known when they "
        "happened"
    )


def test_or_is_taken_as_known_when_it_happened(tmp_path: Path) -> None:
    rows = [event(1, NOON, NOON - DAY), event(2, NOON, NOON), event(3, NOON, NOON + 5)]
    found = ingested(tmp_path, *rows, early_known="clip")
    manifest = read_manifest(found.uri)
    stored = pq.read_table(fetch(manifest, manifest.file(manifest.body["tables"]["events"]["files"][0]), tmp_path))
    assert stored["known"].cast(pa.int64()).to_pylist() == [NOON, NOON, NOON + 5]
    notes = [entry["says"] for entry in found.validation if entry["rule"] == "note"]
    assert notes == ["1 row known before it happened was taken as known then"]


def test_two_versions_that_are_clipped_to_one_known_time_are_refused(tmp_path: Path) -> None:
    rows = [event(1, NOON, NOON - 2), event(1, NOON, NOON - 1, amount=3)]
    with pytest.raises(DataError, match="2 rows have the same key and known time as another row"):
        ingested(tmp_path, *rows, early_known="clip")


def test_a_clipped_row_that_happened_after_the_cutoff_is_left_out(tmp_path: Path) -> None:
    cutoff = datetime.fromtimestamp((NOON + DAY) // 1_000_000, UTC)
    rows = [event(1, NOON, NOON), event(2, NOON + 2 * DAY, NOON)]
    assert ingested(tmp_path, *rows, cutoff=cutoff, early_known="clip").rows["events"] == 1
    with pytest.raises(DataError, match="1 row is known before 'happened'"):
        ingested(tmp_path, *rows, cutoff=cutoff)


def test_a_clock_that_is_ahead_is_refused(tmp_path: Path) -> None:
    ahead = int(NOW.timestamp()) * 1_000_000 + 1
    with pytest.raises(DataError) as caught:
        ingested(tmp_path, event(1, NOON, NOON), event(2, ahead, ahead))
    assert str(caught.value) == (
        "source 'events', column 'known': 1 row lies in the future, as in 2026-01-15T00:00:00Z. "
        "Correct the data, or its contract"
    )


def test_two_versions_of_a_row_with_one_known_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        ingested(tmp_path, event(1, NOON, NOON), event(1, NOON - 1, NOON, amount=5), event(2, NOON, NOON))
    assert str(caught.value) == (
        "source 'events': 2 rows have the same key and known time as another row, as in event_id 1 and known "
        "2023-11-14T22:13:20Z. Remove the duplicates, or declare what else is part of the key"
    )


def test_a_time_without_a_zone_is_refused_unless_the_contract_names_it(tmp_path: Path) -> None:
    source = worlds.data().sources[1]
    table = arrow(source, [event(1, NOON, NOON)])
    for name in ("happened", "known"):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(pa.timestamp("us")))
    path = tmp_path / "naive.parquet"
    pq.write_table(table, path)
    with pytest.raises(DataError, match="column 'happened': 1 row does not hold a time in UTC"):
        ingested(tmp_path, event(1, NOON, NOON), uri=str(path))
    zoned = tuple(
        column.model_copy(update={"time_zone": "Europe/Berlin"} if column.type == "time" else {})
        for column in source.columns
    )
    assert ingested(tmp_path, event(1, NOON, NOON), uri=str(path), columns=zoned).rows["events"] == 1


HUGE = 2**63 - 1
OVERFLOWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "std": (feature("std", column="amount"), {"amount": HUGE}),
    "trend": (feature("trend", column="rate"), {"rate": 1e28}),
    "sum of numbers": (feature("sum", column="rate"), {"rate": 1e37}),
    "decayed sum": (feature("decayed_sum", column="rate", half_life="30d", window="30d"), {"rate": 1e31}),
}


@pytest.mark.parametrize("case", OVERFLOWS)
def test_a_sum_that_leaves_its_range_is_an_error_and_never_wraps(case: str, tmp_path: Path) -> None:
    wanted, values = OVERFLOWS[case]
    group = worlds.events(wanted)
    rows = [event(number, NOON - DAY * (number + 1), NOON - DAY, **values) for number in range(12)]
    with pytest.raises(DataError, match="a value left the range it is calculated in: "):
        built(tmp_path, group, rows)


def test_sums_beyond_64_bit_are_right(tmp_path: Path) -> None:
    rows = [event(number, NOON - DAY * (number + 1), NOON - DAY, amount=HUGE) for number in range(12)]
    assert built(tmp_path, worlds.events(feature("sum", column="amount")), rows) == [float(12 * HUGE)] * 2


def built(folder: Path, group: dict[str, Any], rows: list[dict[str, Any]]) -> list[Any]:
    """The feature's values at two decisions."""
    data = worlds.data()
    tables: dict[str, Any] = {source.name: [] for source in data.sources}
    tables |= {"applications": [application(1, NOON), application(2, NOON)], "events": rows}
    uri = snapshot(data, tables, folder)
    store = open_store(str(folder / "store"))
    table = read_manifest(build_training_table(uri, data, worlds.features(group), store, folder / "scratch"))
    values: list[Any] = pq.read_table(fetch(table, table.files[0], folder))["x"].to_pylist()
    return values
