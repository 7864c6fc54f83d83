"""What a step finds damaged in the artifact store is removed there, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault
from loanwright.steps.surroundings import surroundings
from loanwright.storage import Manifest, Store, fetch, open_store, publish, put_file, read_manifest


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("LOANWRIGHT_STORE", f"file://{tmp_path}/store")
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "unused")
    return open_store(str(tmp_path / "store"))


def published(store: Store, tmp_path: Path) -> Manifest:
    (tmp_path / "rows.parquet").write_bytes(b"rows")
    return read_manifest(publish(store, "tables", {}, [put_file(store, "tables", tmp_path / "rows.parquet")]))


def test_a_changed_file_is_removed_and_storing_it_again_brings_it_back(store: Store, tmp_path: Path) -> None:
    manifest = published(store, tmp_path)
    key = f"tables/{manifest.files[0].path}"
    store.write(key, b"sows")
    published(store, tmp_path)
    assert store.read(key) == b"sows", "of the same size, it is taken for the same until it is read"
    with pytest.raises(IntegrityFault) as caught, surroundings() as here:
        fetch(manifest, manifest.files[0], here.scratch)
    assert str(caught.value).endswith("its bytes were changed. It was removed: run again, and it is made anew")
    assert store.size(key) is None
    published(store, tmp_path)
    assert store.read(key) == b"rows"


def test_a_changed_manifest_is_removed(store: Store, tmp_path: Path) -> None:
    manifest = published(store, tmp_path)
    Path(manifest.uri).write_bytes(b"{}")
    with pytest.raises(IntegrityFault, match="It was removed: run again"), surroundings():
        read_manifest(manifest.uri)
    assert not Path(manifest.uri).exists()


def test_what_lies_elsewhere_is_left_alone(store: Store, tmp_path: Path) -> None:
    other = open_store(str(tmp_path / "store of others"))
    manifest = published(other, tmp_path)
    Path(manifest.uri).write_bytes(b"{}")
    with pytest.raises(IntegrityFault) as caught, surroundings():
        read_manifest(manifest.uri)
    assert caught.value.fix is None
    assert Path(manifest.uri).read_bytes() == b"{}"


def test_no_path_leads_out_of_the_store(store: Store, tmp_path: Path) -> None:
    store.write("here", b"")
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(IntegrityFault), surroundings() as here:
        raise IntegrityFault("a manifest of another's making", damaged=f"{here.store.root}/../mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_store_that_refuses_still_tells_what_is_damaged(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = published(store, tmp_path)
    Path(manifest.uri).write_bytes(b"{}")
    monkeypatch.setattr(type(store), "delete", _refuses)
    with pytest.raises(IntegrityFault, match="was changed after it was written") as caught, surroundings():
        read_manifest(manifest.uri)
    assert caught.value.fix is None


def _refuses(*_: object) -> None:
    raise PermissionError("read-only")
