"""Registered versions: one for one bundle digest, ever. `register` makes the newest one the challenger.

A version carries the bundle's digest and URI as tags, and in MLflow's own store the model in the
native LightGBM flavour (text, loads with pickle forbidden) beside a copy of the whole bundle.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import EnvironmentFault
from loanwright.registry.client import addressed, connect, importing, registry_faults
from loanwright.registry.lookup import BUNDLE_TAG, CHALLENGER, CHAMPION, DIGEST_TAG, Version, find_model
from loanwright.storage import read_manifest

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from loanwright.config.declaration import Model
    from loanwright.registry.bundles import Bundle

NATIVE_FILE = "model.lgb"
"""The booster in MLflow's copy: the same bytes as the bundle's model.txt."""
_LONGEST_DESCRIPTION = 5000
_log = logging.getLogger("loanwright")


def champion(tracking_uri: str, model: str) -> Version | None:
    """The version under the alias `champion`, or None; some milliseconds, without MLflow where that is possible.

    Raises:
        EnvironmentFault: the registry does not answer, or the champion was not registered by this package.
    """
    registered = find_model(tracking_uri, model)
    version = registered.under(CHAMPION) if registered else None
    if version is not None and not (version.digest and version.bundle):
        raise EnvironmentFault(
            f"the champion of {model}, version {version.number}, names no bundle, so it cannot be scored",
            fix=f"Promote a version that was registered by a run: loanwright promote {model}@challenger",
        )
    return version


def find_version(tracking_uri: str, model: str, digest: str) -> Version | None:
    """The version registered for a bundle's digest, or None; as fast as `champion`.

    Raises:
        EnvironmentFault: the registry does not answer.
    """
    registered = find_model(tracking_uri, model)
    return registered.of_bundle(digest) if registered else None


def register(
    tracking_uri: str,
    words: Model,
    bundle_uri: str,
    *,
    run_id: str,
    tags: Mapping[str, str],
    description: str,
    scratch: Path,
) -> Version:
    """The version of this bundle, made if there is none, and now the challenger.

    Safe to call twice and from two processes: both may make a version, both then see both, and the
    later one is taken back by whoever made it. A version's number is therefore never used twice, but
    may be missing.

    Args:
        tracking_uri: MLflow's tracking address.
        words: the model's name, and what people should know of it.
        bundle_uri: of the bundle's manifest.
        run_id: the MLflow run that holds the evidence.
        tags: more tags for the version, kept in MLflow as they are.
        description: one line about this version.
        scratch: a folder for temporary files.

    Raises:
        IntegrityFault: the bundle is not what its digest promises.
        EnvironmentFault: the registry refuses or does not answer.
    """
    digest = read_manifest(bundle_uri, "bundles").digest
    registered = find_model(tracking_uri, words.name)
    version = registered.of_bundle(digest) if registered else None
    if version is None:
        from loanwright.registry.bundles import Bundle  # brings numpy, which finding nothing to do should not wait for

        bundle = Bundle.open(bundle_uri, scratch)
        own = {**tags, DIGEST_TAG: digest, BUNDLE_TAG: bundle_uri}
        version = _create(tracking_uri, words, bundle, run_id, own, description, scratch)
        registered = None
    if registered is None or registered.aliases.get(CHALLENGER) != version.number:
        set_alias(tracking_uri, version, CHALLENGER)
    return version


def set_alias(tracking_uri: str, version: Version, alias: str) -> None:
    """Lets an alias name this version.

    Raises:
        EnvironmentFault: the registry refuses or does not answer.
    """
    client = connect(tracking_uri)
    from mlflow.exceptions import MlflowException

    with registry_faults(f"set the alias {alias!r}", tracking_uri):
        try:
            client.set_registered_model_alias(version.model, alias, str(version.number))
        except MlflowException:
            # Of two who make a new alias at once, MLflow fails the later; then it is there, and can be moved.
            client.set_registered_model_alias(version.model, alias, str(version.number))


def _create(
    tracking_uri: str, words: Model, bundle: Bundle, run_id: str, tags: dict[str, str], description: str, scratch: Path
) -> Version:
    _log.info("Registering the model in MLflow ...")
    client = connect(tracking_uri)
    with registry_faults(f"register model {words.name!r}", tracking_uri), importing():
        _describe(client, words)
        logged = _log_natively(client, words.name, bundle, run_id, scratch)
        with addressed(tracking_uri):  # SQL stores look the logged model up under the process-wide address
            made = client.create_model_version(
                words.name,
                f"models:/{logged}",
                run_id=run_id,
                tags=tags,
                description=description[:_LONGEST_DESCRIPTION],
                model_id=logged,
            )
        number = int(made.version)
        client.set_logged_model_tags(
            logged, {"mlflow.modelVersions": json.dumps([{"name": words.name, "version": number}])}
        )
        registered = find_model(tracking_uri, words.name)
        first = registered.of_bundle(bundle.digest) if registered else None
        if first is None:
            raise EnvironmentFault(f"version {number} of {words.name} was made, and is not there")
        if first.number != number:
            client.delete_model_version(words.name, str(number))
            client.delete_logged_model(logged)
    return first


def _describe(client: MlflowClient, words: Model) -> None:
    from mlflow.exceptions import MlflowException

    parts = (words.title, words.description, words.intended_use, f"Owner: {words.owner}")
    text = "\n\n".join(part.strip() for part in parts if part.strip())[:_LONGEST_DESCRIPTION]
    try:
        client.create_registered_model(words.name, description=text)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        client.update_registered_model(words.name, text)


def _log_natively(client: MlflowClient, name: str, bundle: Bundle, run_id: str, scratch: Path) -> str:
    """Logs the booster and the bundle under the run; the logged model's id."""
    import lightgbm
    import mlflow.lightgbm
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model as Card
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    run = client.get_run(run_id)
    logged = client.create_logged_model(
        run.info.experiment_id, name=name, source_run_id=run_id, tags={DIGEST_TAG: bundle.digest}
    )
    inputs = [ColSpec("double", feature["name"], required=False) for feature in bundle.features]
    folder = scratch / logged.model_id
    mlflow.lightgbm.save_model(
        lightgbm.Booster(model_str=bundle.path("model.txt").read_text(encoding="utf-8")),
        str(folder),
        mlflow_model=Card(run_id=run_id, model_id=logged.model_id),
        signature=ModelSignature(Schema(inputs), Schema([ColSpec("double")])),
        pip_requirements=[f"lightgbm=={lightgbm.__version__}"],  # named, or MLflow would run the model to find out
        metadata={"bundle_digest": bundle.digest, "output": "uncalibrated probability; `loanwright score` calibrates"},
    )
    # LightGBM writes what it read, but a registry that serves the judged bytes should not depend on that.
    shutil.copyfile(bundle.path("model.txt"), folder / NATIVE_FILE)
    bundle.copy_to(folder / "bundle")
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)
