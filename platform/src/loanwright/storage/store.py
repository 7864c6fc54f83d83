"""What a place for bytes can do, and which one a URI names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from loanwright.errors import UsageError


@dataclass(frozen=True)
class Stored:
    """One stored object: its key below the store's root, its size in bytes, and S3's entity tag if it has one."""

    key: str
    size: int
    etag: str = ""


class Store(Protocol):
    """A prefix of a bucket, or a folder. Keys are relative, with ``/`` between their parts.

    All methods raise `StorageFault` when the place refuses or cannot be reached, and `NotStored`
    when the key is not there.
    """

    root: str

    def read(self, key: str) -> bytes:
        """The object's bytes, whole."""

    def write(self, key: str, data: bytes) -> None:
        """Stores the bytes whole or not at all, replacing what was there."""

    def create(self, key: str, data: bytes) -> bool:
        """Stores the bytes only if the key is free; False if it was not, then nothing changed."""

    def upload(self, key: str, path: Path) -> None:
        """Stores a file's bytes, streamed, whole or not at all."""

    def download(self, key: str, path: Path) -> None:
        """Copies an object into a new file, streamed."""

    def open(self, key: str) -> BinaryIO:
        """The object as a file to read from, at any place; all that is read of it is of one version.

        Reading raises `IntegrityFault` if the object was replaced and its earlier version is gone.
        """

    def version(self, key: str) -> str | None:
        """What changes when the object is written anew, such as S3's entity tag; None if it is not there."""

    def size(self, key: str) -> int | None:
        """The object's size in bytes; None if it is not there."""

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """All objects whose key starts with the prefix, by key."""

    def delete(self, key: str) -> None:
        """Removes the object; no error if it is not there."""

    def local_path(self, key: str) -> Path | None:
        """Where the object lies as a file of this machine, if it does."""


def open_store(root: str) -> Store:
    """The store at a URI: ``s3://bucket[/prefix]``, ``file:///folder`` or a folder's path.

    Raises:
        UsageError: the URI is of another kind.
    """
    parts = urlsplit(root)
    if parts.scheme == "s3":
        from loanwright.storage.s3 import S3Store

        return S3Store(parts.netloc, parts.path.strip("/"))
    if parts.scheme in ("", "file"):
        from loanwright.storage.folder import FolderStore

        return FolderStore(Path(parts.path if parts.scheme else root))
    raise UsageError(f"storage address {root!r} is neither s3://bucket/prefix nor a folder")


def split_uri(uri: str) -> tuple[Store, str]:
    """The store of an object's parent folder, and the object's name in it."""
    root, _, name = uri.rpartition("/")
    return open_store(root), name
