"""What is torn, was changed or belongs to another training is never gone on from."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.learning import Parameters, Training
from loanwright.storage import Store, canonical_json, digest_of
from loanwright.training.checkpoints import Checkpoints
from loanwright.training.segments import Segment
from tests.builders.gang_training import fit_dealt, make_job

KEY = {"table": "a", "training": "b"}
SEGMENTS = [Segment(f"trees {number}", (True, False), (0.5, 0.25 * number)) for number in range(3)]


@pytest.fixture
def checkpoints(store: Store) -> Checkpoints:
    made = Checkpoints(store, KEY)
    for number, segment in enumerate(SEGMENTS):
        made.save(number, segment)
    return made


def place(checkpoints: Checkpoints, number: int) -> str:
    return f"{checkpoints.prefix}/segment-{number:06d}.json"


def test_segments_come_back_as_they_were(checkpoints: Checkpoints) -> None:
    assert list(checkpoints.load().segments) == SEGMENTS
    assert checkpoints.load().rounds == 6


def test_nothing_is_gone_on_from_where_nothing_is(store: Store) -> None:
    assert Checkpoints(store, KEY).load().segments == ()


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_torn_segment_and_those_behind_it_count_as_not_there(
    checkpoints: Checkpoints, store: Store, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    store.write(place(checkpoints, 1), store.read(place(checkpoints, 1))[:length])
    with caplog.at_level(logging.WARNING, "loanwright"):
        assert list(checkpoints.load().segments) == SEGMENTS[:1]
    assert "segment-000001.json is not used: it is torn, or was changed" in caplog.text


def test_a_changed_segment_counts_as_not_there(checkpoints: Checkpoints, store: Store) -> None:
    store.write(place(checkpoints, 0), store.read(place(checkpoints, 0)).replace(b"trees 0", b"trees 9"))
    assert checkpoints.load().segments == ()


@pytest.mark.parametrize("other", [{"table": "another", "training": "b"}, {"table": "a", "training": "another"}])
def test_a_whole_segment_of_another_training_is_not_used(
    checkpoints: Checkpoints, store: Store, caplog: pytest.LogCaptureFixture, other: dict[str, str]
) -> None:
    theirs = Checkpoints(store, other)
    theirs.save(0, Segment("trees of others", (True, True)))
    store.write(place(checkpoints, 0), store.read(place(theirs, 0)))
    with caplog.at_level(logging.WARNING, "loanwright"):
        assert checkpoints.load().segments == ()
    assert "is not used: it is of another training" in caplog.text


def test_a_segment_in_anothers_place_is_not_used(checkpoints: Checkpoints, store: Store) -> None:
    store.write(place(checkpoints, 1), store.read(place(checkpoints, 2)))
    assert list(checkpoints.load().segments) == SEGMENTS[:1]


@pytest.mark.parametrize("value", [None, [], 7, {}, {"sha256": "x"}, {"training": 1, "segment": {}}])
def test_json_that_is_no_checkpoint_is_not_used(checkpoints: Checkpoints, store: Store, value: Any) -> None:
    body = value
    if isinstance(value, dict) and "training" in value:
        body = {**value, "sha256": digest_of(value)}
    store.write(place(checkpoints, 0), canonical_json(body))
    assert checkpoints.load().segments == ()


def test_what_is_whole_is_not_written_again_and_what_is_torn_is(checkpoints: Checkpoints, store: Store) -> None:
    whole = store.read(place(checkpoints, 0))
    checkpoints.save(0, SEGMENTS[1])
    assert store.read(place(checkpoints, 0)) == whole
    store.write(place(checkpoints, 0), whole[:50])
    checkpoints.save(0, SEGMENTS[0])
    assert store.read(place(checkpoints, 0)) == whole


def test_removing_leaves_other_trainings_alone(checkpoints: Checkpoints, store: Store) -> None:
    other = Checkpoints(store, {"table": "another"})
    other.save(0, SEGMENTS[0])
    checkpoints.remove()
    assert [stored.key for stored in store.list("checkpoints/")] == [place(other, 0)]


def test_the_key_is_made_of_all_that_trees_depend_on_and_of_nothing_else(
    make_table: Any, store: Store, tmp_path: Path
) -> None:
    table = make_table(rows=300)
    said = Training(rounds=5, segment=5)
    job = make_job(table, said, store, tmp_path)
    key = job.checkpoints(store).key
    assert replace(job, shares=(0.9, 0.1)).checkpoints(store).key == key
    loose = replace(job, training={**job.training, "exact": False})
    changed = [
        make_job(make_table(rows=301), said, store, tmp_path),
        make_job(table, said.model_copy(update={"segment": 4}), store, tmp_path),
        make_job(table, said.model_copy(update={"parameters": Parameters(num_leaves=7)}), store, tmp_path),
        replace(job, split={**job.split, "seed": 1}),
        replace(job, code="other"),
        replace(job, fresh="run-1"),
        loose,
        replace(loose, shares=(0.9, 0.1)),
    ]
    keys = [other.checkpoints(store).key for other in changed]
    assert len({key, *keys}) == len(changed) + 1


def test_a_swapped_checkpoint_does_not_change_the_booster(make_table: Any, store: Store, tmp_path: Path) -> None:
    table = make_table(rows=1000)
    said = Training(rounds=20, segment=10)
    job = make_job(table, said, store, tmp_path)
    other = make_job(table, said.model_copy(update={"seed": 9}), store, tmp_path)
    whole = fit_dealt(job, (1, 1), store, tmp_path)
    fit_dealt(other, (1, 1), store, tmp_path, keep=True)
    mine, theirs = job.checkpoints(store), other.checkpoints(store)
    store.write(place(mine, 0), store.read(place(theirs, 0)))
    assert json.loads(store.read(place(mine, 0)))["training"] == theirs.key
    assert fit_dealt(job, (1, 1), store, tmp_path) == whole
