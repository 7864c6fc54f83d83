"""Frees disk by mark and sweep: what a registered model or the latest run of a model leads back to stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from loanwright.errors import UsageError
from loanwright.registry.lookup import VERDICT_TAG, find_model, model_names
from loanwright.runtime import reuse
from loanwright.runtime.compaction import compact
from loanwright.runtime.lock import held
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.reachable import reachable
from loanwright.runtime.records import read_steps, read_summaries
from loanwright.runtime.recovery import recover
from loanwright.runtime.settings import EMBEDDED_BUCKET, Settings, environment
from loanwright.runtime.store_identity import MARKER, store_identity
from loanwright.storage import Store, open_store


@dataclass(frozen=True)
class Freed:
    """What prune removed, or would remove: objects of the store and their bytes, and runs."""

    objects: int
    bytes: int
    runs: int


def prune(settings: Settings, *, dry_run: bool = False) -> Freed:
    """Removes what nothing needs any more from the embedded store and the state folder.

    Safe to kill: what still has a manifest is whole, and the next prune goes on.

    Args:
        dry_run: remove nothing, and tell what would be.

    Raises:
        UsageError: the artifact store is an outside one, which others may be working in.
        EnvironmentFault: a run is at work.
        IntegrityFault: something that is needed was changed; nothing was removed.
    """
    if settings.store is not None:
        raise UsageError(
            f"prune is for the embedded store, and LOANWRIGHT_STORE is {settings.store}, where others may be at work",
            fix="Use the bucket's lifecycle rules there",
        )
    with held(settings.state, "prune"):
        if not dry_run:
            recover(settings)
        latest = _latest_runs(settings)
        with environment(settings.variables() | ObjectServer(settings).start()):
            store = open_store(f"s3://{EMBEDDED_BUCKET}")
            objects, size = sweep(store, _needed(store, settings, latest), dry_run=dry_run)
            if dry_run:
                return Freed(objects, size, len(_others(settings.runs, {path.name for path in latest.values()})))
            cache = reuse.cache_folder(settings.state, store_identity(store))
            reuse.sweep(cache, store)
        compact(settings, size)
        runs = _remove_all_but(settings.runs, {path.name for path in latest.values()})
        _remove_all_but(settings.state / "cache", {cache.name})
        _remove_all_but(settings.state / "kfp", _named_by(cache, settings.state / "kfp"))
        _remove_older_compiled(settings.state / "compiled")
        shutil.rmtree(settings.state / "scratch", ignore_errors=True)
        return Freed(objects, size, runs)


def sweep(store: Store, needed: set[str], *, dry_run: bool = False) -> tuple[int, int]:
    """Deletes every object whose key is not needed, unless it is a dry run; how many, and their bytes.

    Manifests and records go first: were this killed, nothing would be left that names what is gone.
    """
    doomed = [stored for stored in store.list() if stored.key not in needed]
    for stored in [] if dry_run else sorted(doomed, key=lambda stored: not _names_others(stored.key)):
        store.delete(stored.key)
    return len(doomed), sum(stored.size for stored in doomed)


def _names_others(key: str) -> bool:
    """Whether that is the key of a manifest (of either layout) or of a record."""
    return key.endswith("/manifest.json") or (key.count("/") == 1 and key.endswith(".json"))


def _latest_runs(settings: Settings) -> dict[str, Path]:
    """For each model its newest run, the newest that came as far as a verdict, and its newest search."""
    latest: dict[str, Path] = {}
    summaries = read_summaries(settings.runs)
    for name in sorted(summaries, key=lambda name: (settings.runs / name / "summary.json").stat().st_mtime):
        model = summaries[name].model
        latest[model] = settings.runs / name
        if summaries[name].bundle:
            latest[f"{model}, judged"] = settings.runs / name
        if summaries[name].pipeline == "search":
            latest[f"{model}, searched"] = settings.runs / name
    return latest


def _needed(store: Store, settings: Settings, latest: dict[str, Path]) -> set[str]:
    """The keys of all that must stay."""
    uris = _registered(settings.registry_uri, store)
    keys = {MARKER}
    for run in latest.values():
        keys |= {stored.key for stored in store.list(f"runs/{run.name}/")}
        for record in read_steps(open_store(str(run))).values():
            uris |= {value for value in record.result.values() if _is_manifest(value, store)}
    return keys | reachable(store, uris)


def _registered(tracking_uri: str, store: Store) -> set[str]:
    """The manifests of the bundles of all registered versions, and of the verdicts that let them in."""
    models = [find_model(tracking_uri, name) for name in model_names(tracking_uri)]
    versions = [version for model in models if model for version in model.versions]
    bundles = {f"{store.root}/bundles/{version.digest}/manifest.json" for version in versions if version.digest}
    return bundles | {uri for version in versions if _is_manifest(uri := version.tags.get(VERDICT_TAG), store)}


def _is_manifest(value: Any, store: Store) -> TypeGuard[str]:
    return (
        isinstance(value, str)
        and value.startswith(f"{store.root}/")
        and _names_others(value.removeprefix(f"{store.root}/"))
    )


def _remove_all_but(parent: Path, kept: set[str]) -> int:
    """Removes the folders in `parent` of other names; how many."""
    doomed = _others(parent, kept)
    for folder in doomed:
        shutil.rmtree(folder)
    return len(doomed)


def _others(parent: Path, kept: set[str]) -> list[Path]:
    """The folders in `parent` of other names."""
    return [folder for folder in _folders(parent) if folder.name not in kept]


def _named_by(cache: Path, parent: Path) -> set[str]:
    """The names of the folders in `parent` in which entries of the cache have files."""
    entries = "\n".join(path.read_text() for path in cache.glob("*.json"))
    return {folder.name for folder in _folders(parent) if f"/{folder.name}/" in entries}


def _remove_older_compiled(folder: Path) -> None:
    """Keeps each pipeline's newest compiled form; a file is named `<model and kind>-<digest of its shape>.yaml`."""
    newest: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_mtime):
        name = path.stem.rpartition("-")[0]
        if name in newest:
            newest[name].unlink()
        newest[name] = path


def _folders(parent: Path) -> Iterator[Path]:
    return (path for path in list(parent.glob("*")) if path.is_dir())
