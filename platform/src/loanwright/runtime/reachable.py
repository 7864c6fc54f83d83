"""What a set of manifests needs: their files, the manifests they were made from, and what was said of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from loanwright.errors import NotStored
from loanwright.search.trials import seconds_key
from loanwright.storage import Manifest, Store, read_manifest

_KIND_OF = {
    "snapshot": "snapshots",
    "table": "tables",
    "booster": "boosters",
    "calibrator": "calibrators",
    "bundle": "bundles",
    "study": "studies",
    "results": "results",
    "trial": "trials",
}
"""What a manifest's body calls the digest of another one, or a list of them, and their kind."""
_FOLDERS = ("bundles", "boosters", "calibrators", "evidence")
"""The kinds whose manifests lie in folders of their own."""
_RECORDS = ("ingests/", "gates/", "trainings/", "conclusions/")
"""Small files that name a manifest: the one that a step gave for some input, the one whose training they tell of."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def reachable(store: Store, starts: Iterable[str]) -> set[str]:
    """The keys of all that the manifests at `starts` need.

    From each, the way leads back to what it was made from. Of a bundle that is reached, the evidence is needed
    too; of a verdict, its report; and the records that name something reached.

    Args:
        store: where everything lies.
        starts: URIs of manifests. One that is not there needs nothing.

    Raises:
        IntegrityFault: a manifest was changed, so that what it needs cannot be told.
    """
    reached = _follow(store, set(starts))
    bundles = {manifest.digest for manifest in reached.values() if manifest.kind == "bundles"}
    reached |= _follow(store, _evidence_of(store, bundles))
    digests = {manifest.digest for manifest in reached.values()}
    return {key for manifest in reached.values() for key in _keys(store, manifest)} | _records_of(store, digests)


def _follow(store: Store, uris: set[str]) -> dict[str, Manifest]:
    reached: dict[str, Manifest] = {}
    waiting = set(uris)
    while waiting:
        uri = waiting.pop()
        try:
            reached[uri] = read_manifest(uri)
        except NotStored:
            continue
        waiting |= set(_made_from(store, reached[uri])) - reached.keys()
    return reached


def _made_from(store: Store, manifest: Manifest) -> Iterator[str]:
    for name, kind in _KIND_OF.items():
        named = manifest.body.get(name)
        for digest in named if isinstance(named, list) else [named]:
            if isinstance(digest, str):
                yield f"{store.root}/{kind}/{digest}{'/manifest.json' if kind in _FOLDERS else '.json'}"


def _evidence_of(store: Store, bundles: set[str]) -> set[str]:
    uris = [f"{store.root}/{stored.key}" for stored in store.list("evidence/") if stored.key.endswith("/manifest.json")]
    return {uri for uri in uris if read_manifest(uri).body["bundle"] in bundles}


def _keys(store: Store, manifest: Manifest) -> Iterator[str]:
    key = manifest.uri.removeprefix(f"{store.root}/")
    yield key
    for entry in manifest.files:
        yield f"{key.rpartition('/')[0]}/{entry.path}"
    report = manifest.body.get("report")
    if isinstance(report, str):
        yield report.removeprefix(f"{store.root}/")
    if manifest.kind == "results":
        yield seconds_key(manifest.uri)


def _records_of(store: Store, digests: set[str]) -> set[str]:
    return {
        stored.key
        for prefix in _RECORDS
        for stored in store.list(prefix)
        if digests & set(_DIGEST.findall(store.read(stored.key).decode(errors="replace")))
    }
