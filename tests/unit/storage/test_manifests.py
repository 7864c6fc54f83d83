"""What has a manifest is whole, and is what its name promises."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loanwright.errors import IntegrityFault, NotStored
from loanwright.storage import Store, fetch, publish, publish_folder, put_file, read_manifest


def _published(store: Store, tmp_path: Path) -> str:
    (tmp_path / "rows.parquet").write_bytes(b"rows")
    entry = put_file(store, "tables", tmp_path / "rows.parquet", rows=4)
    return publish(store, "tables", {"rows": 4}, [entry])


def test_equal_content_has_one_name(store: Store, tmp_path: Path) -> None:
    first = _published(store, tmp_path)
    assert _published(store, tmp_path) == first
    assert len(list(store.list("tables/"))) == 2


def test_a_manifest_leads_to_checked_files(store: Store, tmp_path: Path) -> None:
    manifest = read_manifest(_published(store, tmp_path), "tables")
    assert manifest.body == {"rows": 4}
    assert fetch(manifest, manifest.files[0], tmp_path / "scratch").read_bytes() == b"rows"


def test_threads_that_fetch_one_file_at_once_do_not_move_each_others(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(_published(store, tmp_path), "tables")
    both, download = threading.Barrier(2), type(store).download

    def downloaded(self: Store, key: str, path: Path) -> None:
        download(self, key, path)
        both.wait(20)

    monkeypatch.setattr(type(store), "download", downloaded)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: fetch(manifest, manifest.files[0], tmp_path / "scratch"), range(2)))

    assert [path.read_bytes() for path in found] == [b"rows", b"rows"]


def test_a_changed_manifest_is_refused(store: Store, tmp_path: Path) -> None:
    uri = _published(store, tmp_path)
    key = uri.removeprefix(f"{store.root}/")
    store.write(key, store.read(key).replace(b'"rows":4', b'"rows":5'))
    with pytest.raises(IntegrityFault, match="was changed after it was written") as caught:
        read_manifest(uri)
    assert caught.value.damaged == uri
    assert _published(store, tmp_path) == uri
    assert read_manifest(uri).body == {"rows": 4}, "published again, it is whole again"


def test_a_changed_file_is_refused(store: Store, tmp_path: Path) -> None:
    manifest = read_manifest(_published(store, tmp_path))
    store.write(f"tables/{manifest.files[0].path}", b"sows")
    with pytest.raises(IntegrityFault, match="its bytes were changed") as caught:
        fetch(manifest, manifest.files[0], tmp_path / "scratch")
    assert caught.value.damaged == f"{store.root}/tables/{manifest.files[0].path}"
    assert store.read(f"tables/{manifest.files[0].path}") == b"sows", "reading removes nothing"


def test_a_file_that_is_gone_is_said(store: Store, tmp_path: Path) -> None:
    manifest = read_manifest(_published(store, tmp_path))
    store.delete(f"tables/{manifest.files[0].path}")
    with pytest.raises(IntegrityFault, match="is gone, though"):
        fetch(manifest, manifest.files[0], tmp_path / "scratch")


def test_a_manifest_of_another_kind_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(IntegrityFault, match="is a manifest of 'tables', not of 'bundles'"):
        read_manifest(_published(store, tmp_path), "bundles")


def test_a_missing_manifest_is_not_stored(store: Store) -> None:
    with pytest.raises(NotStored):
        read_manifest(f"{store.root}/tables/{'0' * 64}.json")


def test_a_folder_is_published_under_its_own_digest(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.txt").write_text("tree")
    (folder / "deep" / "card.json").write_text("{}")
    uri = publish_folder(store, "bundles", folder, {"format": 1})
    manifest = read_manifest(uri, "bundles")
    assert uri == f"{store.root}/bundles/{manifest.digest}/manifest.json"
    assert [entry.path for entry in manifest.files] == ["deep/card.json", "model.txt"]
    assert fetch(manifest, manifest.file("model.txt"), tmp_path / "s").read_text() == "tree"
    assert publish_folder(store, "bundles", folder, {"format": 1}) == uri


def test_a_folder_that_lost_something_is_whole_when_published_again(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "model.txt").write_text("tree")
    (folder / "card.json").write_text("{}")
    uri = publish_folder(store, "bundles", folder, {})
    top = f"bundles/{read_manifest(uri).digest}"
    store.delete(f"{top}/model.txt")
    store.write(f"{top}/card.json", b"[]")
    store.write(f"{top}/manifest.json", b"{}")
    assert publish_folder(store, "bundles", folder, {}) == uri
    assert (store.read(f"{top}/model.txt"), store.read(f"{top}/card.json")) == (b"tree", b"{}")
    assert len(read_manifest(uri).files) == 2
