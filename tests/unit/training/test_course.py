"""What happened in a run is kept beside the booster, and never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.errors import NotStored
from loanwright.storage import Store, canonical_json, open_store, publish_folder
from loanwright.storage.manifests import read_manifest
from loanwright.training.course import keep_outcome, read_course
from tests.builders.course import build_course


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def booster(store: Store, tmp_path: Path) -> str:
    course = build_course()
    top = tmp_path / "booster"
    top.mkdir()
    log = {
        "metric": course.metric,
        "validation": course.validation,
        "rounds": course.rounds,
        "best_round": course.best_round,
        "rows": 10,
    }
    (top / "training_log.json").write_bytes(canonical_json(log))
    return read_manifest(publish_folder(store, "boosters", top, {})).digest


def test_what_was_kept_is_read_back(store: Store, booster: str, tmp_path: Path) -> None:
    whole = build_course()
    assert whole.outcome is not None
    keep_outcome(store, booster, whole.run, whole.outcome)
    assert read_course(store, booster, tmp_path) == whole


def test_without_it_the_booster_still_has_its_curve(store: Store, booster: str, tmp_path: Path) -> None:
    assert read_course(store, booster, tmp_path) == build_course(run="", outcome=None)


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"run": "a", "outcome": {"ranks": "x"}}'])
def test_what_is_no_record_is_as_none(store: Store, booster: str, tmp_path: Path, spoilt: bytes) -> None:
    store.write(f"trainings/{booster}.json", spoilt)
    assert read_course(store, booster, tmp_path).outcome is None


def test_no_booster(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotStored):
        read_course(store, "0" * 64, tmp_path)
