"""S3 and plain folders behind one small interface, and the manifests that refer to what lies there."""

from loanwright.storage.digests import canonical_json, digest_of, file_digest
from loanwright.storage.manifests import (
    FileEntry,
    Manifest,
    fetch,
    publish,
    publish_folder,
    put_file,
    read_manifest,
)
from loanwright.storage.store import Store, Stored, open_store, split_uri

__all__ = [
    "FileEntry",
    "Manifest",
    "Store",
    "Stored",
    "canonical_json",
    "digest_of",
    "fetch",
    "file_digest",
    "open_store",
    "publish",
    "publish_folder",
    "put_file",
    "read_manifest",
    "split_uri",
]
