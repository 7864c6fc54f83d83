"""KFP's local cache, kept honest: named by all that could make it stale, swept of what no longer exists.

KFP keys a step on its name, image, command and arguments. It does not know our library's code, the locked
libraries or which store the references in a result point into, and it never looks at strings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loanwright.errors import LoanwrightError
from loanwright.runtime.identity import code_digest, environment_digest
from loanwright.storage import Store, read_manifest


def cache_folder(state: Path, identity: str) -> Path:
    """The folder of the cache that is valid for this code, these libraries and this store."""
    name = hashlib.sha256(f"{code_digest()}\0{environment_digest()}\0{identity}".encode()).hexdigest()[:20]
    return state / "cache" / name


def sweep(folder: Path, store: Store) -> int:
    """Removes the entries whose references are gone from the store; how many."""
    if not folder.is_dir():
        return 0
    present = {f"{store.root}/{stored.key}": stored.size for stored in store.list()}
    whole: dict[str, bool] = {}
    removed = 0
    for entry in folder.glob("*.json"):
        for uri in _references(entry, store.root):
            if uri not in whole:
                whole[uri] = _is_whole(uri, present)
            if not whole[uri]:
                entry.unlink(missing_ok=True)
                removed += 1
                break
    return removed


def _references(entry: Path, root: str) -> Iterator[str]:
    try:
        outputs: dict[str, Any] = json.loads(entry.read_text())
    except (OSError, ValueError):
        entry.unlink(missing_ok=True)
        return
    for value in outputs.values():
        if isinstance(value, str) and value.startswith(f"{root}/"):
            yield value


def _is_whole(uri: str, present: dict[str, int]) -> bool:
    if uri not in present:
        return False
    try:
        manifest = read_manifest(uri)
    except LoanwrightError:
        return False
    folder = uri.rpartition("/")[0]
    return all(present.get(f"{folder}/{entry.path}") == entry.bytes for entry in manifest.files)
