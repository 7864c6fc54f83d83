"""Frees disk by mark and sweep: what a registered model or the latest run of a model leads back to stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loanwright.errors import LoanwrightError, UsageError
from loanwright.registry.lookup import find_model, model_names
from loanwright.runtime.lock import held
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.records import read_json, read_steps
from loanwright.runtime.recovery import recover
from loanwright.runtime.reuse import cache_folder
from loanwright.runtime.settings import Settings, environment
from loanwright.runtime.store_identity import store_identity
from loanwright.storage import Store, open_store, read_manifest

FOLDERS = ("bundles", "boosters", "calibrators", "evidence")
"""The kinds whose manifests are folders of their own."""
SHARED = ("snapshots", "tables", "verdicts")
"""The kinds whose manifests list content-named files."""
_LINEAGE = {"snapshot": "snapshots", "table": "tables", "booster": "boosters", "calibrator": "calibrators"}


@dataclass(frozen=True)
class Freed:
    """What prune removed."""

    objects: int
    bytes: int
    runs: int


def prune(settings: Settings) -> Freed:
    """Removes what nothing needs any more from the embedded store and the state folder.

    Raises:
        UsageError: the artifact store is an outside one, which others may be working in.
        EnvironmentFault: a run is at work.
    """
    if settings.store is not None:
        raise UsageError(
            f"prune is for the embedded store, and LOANWRIGHT_STORE is {settings.store}, where others may be at work",
            fix="Use the bucket's lifecycle rules there",
        )
    with held(settings.state, "prune"):
        recover(settings)
        latest = _latest_runs(settings)
        with environment(settings.variables() | ObjectServer(settings).start()):
            store = open_store("s3://loanwright")
            objects, size = _sweep(store, _needed(store, settings, latest))
            cache = cache_folder(settings.state, store_identity(store))
        runs = _remove_runs(settings, latest)
        _remove_all_but(settings.state / "cache", cache)
        shutil.rmtree(settings.state / "scratch", ignore_errors=True)
        return Freed(objects, size, runs)


def _latest_runs(settings: Settings) -> dict[str, Path]:
    """For each model its newest run, and the newest that came as far as a verdict."""
    latest: dict[str, Path] = {}
    for path in sorted(settings.runs.glob("*/summary.json"), key=lambda path: path.stat().st_mtime):
        summary = read_json(path) or {}
        model = str(summary.get("model"))
        latest[model] = path.parent
        if summary.get("bundle"):
            latest[f"{model}, judged"] = path.parent
    return latest


def _needed(store: Store, settings: Settings, latest: dict[str, Path]) -> set[str]:
    uris = {f"{store.root}/bundles/{digest}/manifest.json" for digest in _registered(settings.registry_uri)}
    keys: set[str] = {".loanwright-store"}
    for run in latest.values():
        keys |= {stored.key for stored in store.list(f"runs/{run.name}/")}
        for record in read_steps(open_store(str(run))).values():
            uris |= {value for value in record.result.values() if _is_manifest(value, store)}
    seen: set[str] = set()
    while uris:
        uri = uris.pop()
        if uri in seen:
            continue
        seen.add(uri)
        found, led_to = _reach(store, uri)
        keys |= found
        uris |= led_to
    return keys | _records(store, seen)


def _registered(tracking_uri: str) -> set[str]:
    """The digests of the bundles of all registered versions."""
    models = [find_model(tracking_uri, name) for name in model_names(tracking_uri)]
    return {version.digest for model in models if model for version in model.versions if version.digest}


def _reach(store: Store, uri: str) -> tuple[set[str], set[str]]:
    """The keys of one manifest and its files, and the manifests it leads back to."""
    try:
        manifest = read_manifest(uri)
    except LoanwrightError:
        return set(), set()
    top = uri.removeprefix(f"{store.root}/").rpartition("/")[0]
    keys = {uri.removeprefix(f"{store.root}/")} | {f"{top}/{entry.path}" for entry in manifest.files}
    report = manifest.body.get("report")
    if isinstance(report, str):
        keys.add(report.removeprefix(f"{store.root}/"))
    led_to = set()
    for name, kind in _LINEAGE.items():
        digest = manifest.body.get(name)
        if isinstance(digest, str):
            tail = f"{digest}/manifest.json" if kind in FOLDERS else f"{digest}.json"
            led_to.add(f"{store.root}/{kind}/{tail}")
    return keys, led_to


def _records(store: Store, kept: set[str]) -> set[str]:
    """Small records by input (`ingests/`, `gates/`) that name something kept."""
    names = {uri.rpartition("/")[2] for uri in kept}
    found = set()
    for prefix in ("ingests/", "gates/"):
        for stored in store.list(prefix):
            text = store.read(stored.key).decode(errors="replace")
            if any(name in text for name in names if name != "manifest.json"):
                found.add(stored.key)
    return found


def _sweep(store: Store, needed: set[str]) -> tuple[int, int]:
    objects = size = 0
    for stored in list(store.list()):
        if stored.key not in needed:
            store.delete(stored.key)
            objects += 1
            size += stored.size
    return objects, size


def _remove_runs(settings: Settings, latest: dict[str, Path]) -> int:
    removed = 0
    for folder in _folders(settings.runs):
        if folder not in latest.values():
            shutil.rmtree(folder)
            removed += 1
    return removed


def _remove_all_but(parent: Path, kept: Path) -> None:
    for folder in _folders(parent):
        if folder != kept:
            shutil.rmtree(folder)


def _folders(parent: Path) -> Iterator[Path]:
    return (path for path in list(parent.glob("*")) if path.is_dir())


def _is_manifest(value: Any, store: Store) -> bool:
    return isinstance(value, str) and value.startswith(f"{store.root}/") and value.endswith(".json")
