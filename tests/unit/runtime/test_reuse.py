"""The cache is another one for other code, libraries or stores, and never points at what is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loanwright.runtime import reuse
from loanwright.runtime.store_identity import store_identity
from loanwright.storage import Store, open_store, publish, put_file


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def _entry(cache: Path, name: str, **outputs: object) -> Path:
    cache.mkdir(exist_ok=True)
    path = cache / f"{name}.json"
    path.write_text(json.dumps(outputs))
    return path


def _table(store: Store, tmp_path: Path) -> str:
    (tmp_path / "rows.parquet").write_bytes(b"rows")
    return publish(store, "tables", {}, [put_file(store, "tables", tmp_path / "rows.parquet")])


def test_an_entry_with_whole_references_stays(store: Store, tmp_path: Path) -> None:
    entry = _entry(tmp_path / "cache", "a", table=_table(store, tmp_path), other=3)
    assert reuse.sweep(tmp_path / "cache", store) == 0
    assert entry.exists()


@pytest.mark.parametrize("lost", ["manifest", "file"])
def test_an_entry_whose_reference_is_gone_is_removed(store: Store, tmp_path: Path, lost: str) -> None:
    uri = _table(store, tmp_path)
    entry = _entry(tmp_path / "cache", "a", table=uri)
    for stored in list(store.list("tables/")):
        if stored.key.endswith(".json") == (lost == "manifest"):
            store.delete(stored.key)
    assert reuse.sweep(tmp_path / "cache", store) == 1
    assert not entry.exists()


def test_an_entry_whose_manifest_was_changed_is_removed(store: Store, tmp_path: Path) -> None:
    uri = _table(store, tmp_path)
    entry = _entry(tmp_path / "cache", "a", table=uri)
    store.write(uri.removeprefix(f"{store.root}/"), b"{}")
    reuse.sweep(tmp_path / "cache", store)
    assert not entry.exists()


@pytest.mark.parametrize("text", ["", '{"table": "s3:', "[1]", '{"table": null}'])
def test_what_is_no_whole_entry_is_removed(store: Store, tmp_path: Path, text: str) -> None:
    entry = _entry(tmp_path / "cache", "a")
    entry.write_text(text)
    reuse.sweep(tmp_path / "cache", store)
    assert not entry.exists()


def test_code_libraries_and_store_each_name_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {reuse.cache_folder(tmp_path, "store-1"), reuse.cache_folder(tmp_path, "store-2")}
    monkeypatch.setattr(reuse, "code_digest", lambda: "edited")
    folders.add(reuse.cache_folder(tmp_path, "store-1"))
    monkeypatch.setattr(reuse, "environment_digest", lambda: "upgraded")
    folders.add(reuse.cache_folder(tmp_path, "store-1"))
    assert len(folders) == 4


def test_a_wiped_store_has_another_identity(store: Store, tmp_path: Path) -> None:
    first = store_identity(store)
    assert store_identity(store) == first
    for stored in list(store.list()):
        store.delete(stored.key)
    assert store_identity(store) != first
    assert store_identity(open_store(str(tmp_path / "elsewhere"))) != first
