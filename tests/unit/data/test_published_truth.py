"""What a world publishes travels with the snapshot, whole or not at all; other data has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loanwright.data.published_truth import TRUTH, read_truth, store_truth
from loanwright.data.world.addresses import truth_summary
from loanwright.errors import IntegrityFault
from loanwright.storage import open_store, publish, read_manifest

URI = "world://checkouts?customers=100&months=6"


def test_it_is_read_back_as_the_world_publishes_it(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    entry = store_truth(URI, "snapshots", store, tmp_path / "cache", tmp_path)
    assert entry is not None
    snapshot = read_manifest(publish(store, "snapshots", {TRUTH: entry.path}, [entry]), "snapshots")
    published = read_truth(snapshot, tmp_path)
    assert published == truth_summary(URI, tmp_path / "cache")


def test_nothing_of_a_single_row_is_kept(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    entry = store_truth(URI, "snapshots", store, tmp_path / "cache", tmp_path)
    assert entry is not None
    published = json.loads((tmp_path / "store" / "snapshots" / entry.path).read_bytes())
    assert all(set(cell) == {"month", "approval", "outcome", "bins"} for cell in published["cells"])


def test_other_data_has_no_truth(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    assert store_truth("public://german/applications", "snapshots", store, tmp_path, tmp_path) is None
    assert read_truth(read_manifest(publish(store, "snapshots", {}), "snapshots"), tmp_path) is None


def test_a_truth_that_was_changed_is_refused(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    entry = store_truth(URI, "snapshots", store, tmp_path / "cache", tmp_path)
    assert entry is not None
    path = tmp_path / "store" / "snapshots" / entry.path
    path.write_bytes(path.read_bytes().replace(b"2025", b"2024", 1))
    snapshot = read_manifest(publish(store, "snapshots", {TRUTH: entry.path}, [entry]), "snapshots")
    with pytest.raises(IntegrityFault):
        read_truth(snapshot, tmp_path)
