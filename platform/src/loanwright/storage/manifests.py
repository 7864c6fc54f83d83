"""Manifests: small JSON files, named by the digest of what they list, by which all data is handed on.

Two layouts, one form. Large data lies in content-named files that manifests share::

    <root>/<kind>/files/<sha256>.parquet
    <root>/<kind>/<digest>.json                 lists files/<sha256>.parquet

and a small thing of several named files is a folder of its own::

    <root>/<kind>/<digest>/model.txt
    <root>/<kind>/<digest>/manifest.json        lists model.txt

The digest is the SHA-256 of the manifest's own bytes, which hold the digest of every file. The manifest
is written last, so what has a manifest was once whole; publishing it again brings back what was lost since.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loanwright.errors import IntegrityFault, NotStored
from loanwright.storage.digests import canonical_json, file_digest
from loanwright.storage.store import Store, split_uri

_FOLDER_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FileEntry:
    """One file of a manifest: where (relative to the manifest), what, how large."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands in the manifest."""
        entry: dict[str, Any] = {"path": self.path, "sha256": self.sha256, "bytes": self.bytes}
        return entry if self.rows is None else entry | {"rows": self.rows}


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read and found to be what its name says."""

    uri: str
    digest: str
    kind: str
    body: dict[str, Any]
    files: tuple[FileEntry, ...]

    def file(self, path: str) -> FileEntry:
        """The entry of that path.

        Raises:
            IntegrityFault: the manifest does not list it.
        """
        for entry in self.files:
            if entry.path == path:
                return entry
        raise IntegrityFault(f"{self.uri} lists no file {path!r}")


def put_file(store: Store, kind: str, path: Path, *, rows: int | None = None) -> FileEntry:
    """Stores a file under the name of its content, unless it is there already."""
    sha256, size = file_digest(path), path.stat().st_size
    name = f"files/{sha256}{path.suffix}"
    if store.size(f"{kind}/{name}") != size:
        store.upload(f"{kind}/{name}", path)
    return FileEntry(name, sha256, size, rows)


def publish(store: Store, kind: str, body: dict[str, Any], files: Sequence[FileEntry] = ()) -> str:
    """Writes the manifest of files stored before; its URI."""
    data = _document(kind, body, files)
    key = f"{kind}/{hashlib.sha256(data).hexdigest()}.json"
    _settle(store, key, data)
    return f"{store.root}/{key}"


def publish_folder(store: Store, kind: str, folder: Path, body: dict[str, Any]) -> str:
    """Stores every file of a folder and then its manifest; the manifest's URI."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [FileEntry(p.relative_to(folder).as_posix(), file_digest(p), p.stat().st_size) for p in paths]
    data = _document(kind, body, files)
    top = f"{kind}/{hashlib.sha256(data).hexdigest()}"
    for path, entry in zip(paths, files, strict=True):
        store.upload(f"{top}/{entry.path}", path)  # even if it is there: the files are small, and then it is whole
    _settle(store, f"{top}/{_FOLDER_MANIFEST}", data)
    return f"{store.root}/{top}/{_FOLDER_MANIFEST}"


def read_manifest(uri: str, kind: str | None = None) -> Manifest:
    """Reads a manifest and checks that it is the one its name promises.

    Raises:
        NotStored: it is not there.
        IntegrityFault: its bytes are not those its name promises, or it is of another kind.
    """
    store, name = split_uri(uri)
    data = store.read(name)
    named = uri.rsplit("/", 2)[1] if name == _FOLDER_MANIFEST else name.removesuffix(".json")
    digest = hashlib.sha256(data).hexdigest()
    if digest != named:
        raise IntegrityFault(f"{uri} was changed after it was written: its digest is {digest[:12]}…", damaged=uri)
    document = json.loads(data)
    if kind is not None and document["kind"] != kind:
        raise IntegrityFault(f"{uri} is a manifest of {document['kind']!r}, not of {kind!r}")
    files = tuple(FileEntry(**entry) for entry in document["files"])
    return Manifest(uri, digest, document["kind"], document["body"], files)


def fetch(manifest: Manifest, entry: FileEntry, scratch: Path) -> Path:
    """A local file with the entry's bytes, checked: the file itself in a folder store, else a copy in `scratch`.

    Raises:
        IntegrityFault: the bytes are not those that the manifest lists, or are gone.
    """
    store, _ = split_uri(manifest.uri)
    uri = f"{store.root}/{entry.path}"
    path = store.local_path(entry.path)
    try:
        if path is None:
            path = scratch / f"{entry.sha256}{Path(entry.path).suffix}"
            if not path.exists():
                scratch.mkdir(parents=True, exist_ok=True)
                # Several processes and threads may share the folder: none sees half a file of another's.
                part = scratch / f".{entry.sha256}.{os.getpid()}.{threading.get_ident()}"
                store.download(entry.path, part)
                part.replace(path)
        digest = file_digest(path)
    except (NotStored, FileNotFoundError):
        raise IntegrityFault(f"{uri} is gone, though {manifest.uri} lists it", damaged=uri) from None
    if digest != entry.sha256:
        raise IntegrityFault(f"{uri} is not what {manifest.uri} lists: its bytes were changed", damaged=uri)
    return path


def _settle(store: Store, key: str, data: bytes) -> None:
    """Writes a manifest unless it is there; other bytes than its name promises are replaced."""
    if store.create(key, data):
        return
    try:
        written = store.read(key)
    except NotStored:  # removed in between
        written = b""
    if written != data:
        store.write(key, data)


def _document(kind: str, body: dict[str, Any], files: Sequence[FileEntry]) -> bytes:
    return canonical_json({"kind": kind, "body": body, "files": [entry.as_json() for entry in files]})
