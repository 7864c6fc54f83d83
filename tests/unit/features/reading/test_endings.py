"""When versions end is looked up among the rows that have several, and is what all rows would tell."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from loanwright.config.data import Source
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB_LOOKED_UP
from loanwright.features.reading import endings
from loanwright.features.reading.endings import make_ends
from tests.unit.features.snapshots import arrow, several
from tests.unit.features.test_leaks import event, tables
from tests.unit.features.worlds_full import DAY, Tables, data, events, features, world
from tests.unit.features.worlds_run import computed, defined

WANTED = features(events({"name": "s", "aggregate": "sum", "column": "amount", "window": "20d", "fill": 0}))
(EVENTS,) = (source for source in data().sources if source.name == "events")


def ends(source: Source, rows: Tables, folder: Path, *, told: bool = False) -> list[tuple[object, ...]]:
    """What the table holds; the snapshot may have told which rows have several versions."""
    with Engine(folder, threads=1) as engine:
        engine.add(f"all_{source.name}", arrow(source, rows[source.name]))
        if told:
            engine.add(f"restated_{source.name}", arrow(source, several(source, rows[source.name])))
        make_ends(engine, source)
        make_ends(engine, source)
        return engine.rows(f"SELECT * REPLACE (epoch_us(lw_end_known) AS lw_end_known) FROM ends_{source.name}")


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("name", ["events", "clients", "loans"])
def test_every_version_that_another_one_followed_is_there_with_its_end(name: str, told: bool, tmp_path: Path) -> None:
    (source,) = (each for each in data().sources if each.name == name)
    (key,), known = source.key, source.known_time
    for seed in range(5):
        rows = world(seed, 3)
        versions = sorted((row[key], row[known]) for row in rows[name])
        after = [(*one, following[1]) for one, following in pairwise(versions) if one[0] == following[0]]
        assert sorted(ends(source, rows, tmp_path, told=told)) == after
        assert after or seed


def test_where_no_row_was_restated_none_ends(tmp_path: Path) -> None:
    assert ends(EVENTS, tables(event(1, DAY, 0, 2), event(2, DAY, 0, 2)), tmp_path) == []


@pytest.mark.parametrize("guarded", [True, False])
def test_without_them_a_restated_row_would_count_twice(guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    restated = tables(event(1, 9 * DAY, 0, 2), event(1, 9 * DAY, 2 * DAY, 5))
    if not guarded:
        monkeypatch.setattr(endings, "restated", lambda *_: None)

    found = computed(data(), WANTED, restated, dialect=DUCKDB_LOOKED_UP)

    assert (found == defined(data(), WANTED, restated)) is guarded
