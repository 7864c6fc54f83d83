"""KFP's local cache, kept honest: named by all that could make it stale, swept of what no longer exists.

KFP keys a step on its name, image, command and arguments. It does not know our library's code, the locked
libraries or which store the references in a result point into, and it never looks at strings.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from loanwright.errors import LoanwrightError
from loanwright.runtime.identity import code_digest, environment_digest
from loanwright.runtime.records import read_json
from loanwright.storage import Store, read_manifest


def cache_folder(state: Path, identity: str) -> Path:
    """The folder of the cache that is valid for this code, these libraries and this store."""
    name = hashlib.sha256(f"{code_digest()}\0{environment_digest()}\0{identity}".encode()).hexdigest()[:20]
    return state / "cache" / name


def sweep(folder: Path, store: Store) -> int:
    """Removes the entries whose references are gone from the store, or that have none; how many."""
    if not folder.is_dir():
        return 0
    present = {f"{store.root}/{stored.key}": stored.size for stored in store.list()}
    whole: dict[str, bool] = {}
    removed = 0
    for entry in folder.glob("*.json"):
        uris = _references(entry, store.root)
        for uri in uris:
            if uri not in whole:
                whole[uri] = _is_whole(uri, present)
        if not uris or not all(whole[uri] for uri in uris):
            entry.unlink(missing_ok=True)
            removed += 1
    return removed


def _references(entry: Path, root: str) -> list[str]:
    """What a cached result refers to in the store; nothing if the entry is not a result of a step of ours."""
    outputs = read_json(entry) or {}
    return [value for value in outputs.values() if isinstance(value, str) and value.startswith(f"{root}/")]


def _is_whole(uri: str, present: dict[str, int]) -> bool:
    if uri not in present:
        return False
    try:
        manifest = read_manifest(uri)
    except LoanwrightError:
        return False
    folder = uri.rpartition("/")[0]
    return all(present.get(f"{folder}/{entry.path}") == entry.bytes for entry in manifest.files)
