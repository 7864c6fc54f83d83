"""Promotion: the only way by which the alias `champion` moves, and only to a bundle that was verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loanwright.errors import EnvironmentFault, IntegrityFault, UsageError, near
from loanwright.registry.bundles import Bundle
from loanwright.registry.client import connect, registry_faults
from loanwright.registry.lookup import CHAMPION, Version, find_model, model_names
from loanwright.registry.versions import NATIVE_FILE, set_alias


@dataclass(frozen=True)
class Promotion:
    """What a promotion did. `replaced` is the number of the champion before, if there was one."""

    version: Version
    replaced: int | None
    moved: bool


def resolve(tracking_uri: str, reference: str) -> Version:
    """The version that a reference names: ``credit_default@challenger`` or ``credit_default@3``.

    Raises:
        UsageError: the reference is malformed, or there is no such model, alias or version.
        EnvironmentFault: the registry does not answer.
    """
    model, at, which = reference.partition("@")
    if not (model and at and which):
        raise UsageError(
            f"{reference!r} names no version of a model", fix="Write MODEL@ALIAS or MODEL@VERSION, as in 'm@challenger'"
        )
    registered = find_model(tracking_uri, model)
    if registered is None or not registered.versions:
        raise UsageError(
            f"no model {model!r} is registered{near(model, _names(tracking_uri))}", fix="Run its pipeline first"
        )
    is_number = which.isascii() and which.isdigit()
    version = registered.version(int(which)) if is_number else registered.under(which)
    if version is None:
        numbers = [str(found.number) for found in registered.versions]
        raise UsageError(
            f"model {model!r} has no {'version' if is_number else 'alias'} {which!r}{near(which, registered.aliases)}",
            fix=f"It has {_list('version', numbers)} and {_list('alias', sorted(registered.aliases))}",
        )
    return version


def open_version(version: Version, scratch: Path) -> Bundle:
    """The verified bundle of a registered version.

    Raises:
        UsageError: the version was not registered by this package.
        IntegrityFault: the bundle is not the one that was registered.
    """
    if not (version.digest and version.bundle):
        raise UsageError(
            f"version {version.number} of {version.model} names no bundle: it was not registered by a run",
            fix="Choose a version that was",
        )
    bundle = Bundle.open(version.bundle, scratch)
    if bundle.digest != version.digest:
        raise IntegrityFault(
            f"version {version.number} of {version.model} was registered for bundle {version.digest[:12]}…, "
            f"and {version.bundle} is {bundle.digest[:12]}…"
        )
    return bundle


def promote(tracking_uri: str, reference: str, scratch: Path) -> Promotion:
    """Makes a version the champion, after verifying its bundle and MLflow's own copy of the model.

    Raises:
        UsageError: there is no such version.
        IntegrityFault: the bundle, or MLflow's copy, is not what was judged; nothing moved.
        EnvironmentFault: the registry refuses or does not answer.
    """
    version = resolve(tracking_uri, reference)
    bundle = open_version(version, scratch)
    _check_copy(tracking_uri, version, bundle, scratch)
    registered = find_model(tracking_uri, version.model)
    replaced = registered.aliases.get(CHAMPION) if registered else None
    if replaced == version.number:
        return Promotion(version, replaced, moved=False)
    client = connect(tracking_uri)
    number = str(version.number)
    with registry_faults(f"promote version {number} of {version.model}", tracking_uri):
        # Tagged before: a kill in between leaves a note of an intention, not a champion without one.
        promoted = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        client.set_model_version_tag(version.model, number, "loanwright.promoted", promoted)
        client.set_model_version_tag(version.model, number, "loanwright.replaced", str(replaced or ""))
    set_alias(tracking_uri, version, CHAMPION)
    return Promotion(version, replaced, moved=True)


def _check_copy(tracking_uri: str, version: Version, bundle: Bundle, scratch: Path) -> None:
    """Whoever loads ``models:/name@champion`` by MLflow must get the booster that was judged."""
    client = connect(tracking_uri)
    from mlflow.artifacts import download_artifacts

    target = scratch / f"version-{version.number}"
    target.mkdir(parents=True, exist_ok=True)
    with registry_faults(f"read its copy of version {version.number} of {version.model}", tracking_uri):
        place = client.get_model_version_download_uri(version.model, str(version.number))
        path = Path(download_artifacts(f"{place}/{NATIVE_FILE}", dst_path=str(target), tracking_uri=tracking_uri))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != bundle.manifest.file("model.txt").sha256:
        raise IntegrityFault(
            f"MLflow's copy of version {version.number} of {version.model} is not the bundle's model: it was changed"
        )


def _names(tracking_uri: str) -> list[str]:
    try:
        return model_names(tracking_uri)
    except EnvironmentFault:  # the answer is "no such model" either way
        return []


def _list(what: str, items: Iterable[str]) -> str:
    found = list(items)
    plural = {"version": "versions", "alias": "aliases"}[what]
    return f"{plural} {', '.join(found)}" if found else f"no {plural}"
