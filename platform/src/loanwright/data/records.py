"""What is remembered of an ingest, so that the same sources are not read twice."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from loanwright.config.data import Data
from loanwright.data.files import fingerprint
from loanwright.data.public import SCHEME, locate
from loanwright.data.sources import SQL
from loanwright.errors import DataError, IntegrityFault, NotStored
from loanwright.storage import Store, canonical_json, digest_of, read_manifest

SNAPSHOTS = "snapshots"


def record_key(data: Data, cutoff: datetime | None, code_digest: str) -> str | None:
    """The name of this ingest's record: all that decides what it would find. None where only reading tells."""
    try:
        prints = {source.name: _print(source.uri) for source in data.sources}
    except DataError:
        return None  # what is not there is told with all else that is wrong, by reading
    if None in prints.values():
        return None
    declared = data.model_dump(mode="json")
    for source in declared["sources"]:
        del source["uri"]
    return digest_of(
        {"data": declared, "sources": prints, "cutoff": cutoff.isoformat() if cutoff else "", "code": code_digest}
    )


def _print(uri: str) -> Any:
    if uri.startswith(SQL):
        return None
    return [locate(uri)[0].sha256, uri] if uri.startswith(SCHEME) else fingerprint(uri)


def earlier(store: Store, key: str | None) -> dict[str, Any] | None:
    """The record of an earlier ingest of the very same, if it and its snapshot with all its files are still whole."""
    if key is None:
        return None
    try:
        record: dict[str, Any] = json.loads(store.read(_name(key)))
        snapshot = read_manifest(f"{store.root}/{SNAPSHOTS}/{record['snapshot']}.json", SNAPSHOTS)
    except (NotStored, IntegrityFault, ValueError, KeyError):
        return None
    whole = all(store.size(f"{SNAPSHOTS}/{entry.path}") == entry.bytes for entry in snapshot.files)
    return record if whole else None


def remember(store: Store, key: str | None, record: dict[str, Any]) -> None:
    """Keeps the record of an ingest whose snapshot is stored."""
    if key is not None:
        store.write(_name(key), canonical_json(record))


def _name(key: str) -> str:
    return f"ingests/{key}.json"
