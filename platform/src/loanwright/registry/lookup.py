"""What the registry says of a model, read fast: the steps ask it on every run, mostly to find nothing to do.

Importing MLflow takes one to two seconds. So a plain sqlite database is read by SQL, if its schema is
exactly the one these statements were written for, and a server by its REST interface. Whatever is not
as expected (another schema, a login, a workspace, a strange answer) is asked again by MLflow's own
client. The three give equal answers, and nothing here writes.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from loanwright.registry.client import SCHEMA_REVISION, connect, registry_faults, schema_revision, sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_TAG = "loanwright.bundle_digest"
BUNDLE_TAG = "loanwright.bundle"
VERDICT_TAG = "loanwright.verdict"
CHAMPION = "champion"
CHALLENGER = "challenger"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")  # as config.base.Name; no other model is ours
_PAGE = 1000
_TIMEOUT = 10  # seconds
_log = logging.getLogger("loanwright")


@dataclass(frozen=True)
class Version:
    """One registered version."""

    model: str
    number: int
    run_id: str
    """The MLflow run that it came from; empty if there is none."""
    source: str
    """Where MLflow keeps the natively logged model."""
    tags: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The bundle's digest; empty for a version that was not registered by this package."""
        return self.tags.get(DIGEST_TAG, "")

    @property
    def bundle(self) -> str:
        """The URI of the bundle's manifest; empty as above."""
        return self.tags.get(BUNDLE_TAG, "")


@dataclass(frozen=True)
class Registered:
    """A registered model: its aliases, and its versions by number. Deleted versions do not count."""

    model: str
    aliases: Mapping[str, int]
    versions: tuple[Version, ...]

    def version(self, number: int) -> Version | None:
        """The version of that number, or None."""
        return next((version for version in self.versions if version.number == number), None)

    def under(self, alias: str) -> Version | None:
        """The version that an alias names, or None."""
        number = self.aliases.get(alias)
        return None if number is None else self.version(number)

    def of_bundle(self, digest: str) -> Version | None:
        """The version of that bundle, or None. Were there several, the first would count."""
        return next((version for version in self.versions if version.digest == digest), None)


class _Unexpected(Exception):
    """The fast way cannot answer, so MLflow's client is asked."""


def find_model(tracking_uri: str, model: str) -> Registered | None:
    """What is registered under a model's name; None if nothing is.

    Raises:
        EnvironmentFault: the registry does not answer.
    """
    if not _NAME.fullmatch(model):
        return None
    try:
        if database := sqlite_path(tracking_uri):
            return _by_sql(database, model)
        if tracking_uri.startswith(("http://", "https://")):
            return _by_rest(tracking_uri, model)
    except _Unexpected as why:
        _log.debug("asking MLflow's own client: %s", why)
    return _by_client(tracking_uri, model)


def has_run(tracking_uri: str, run_id: str) -> bool:
    """Whether that MLflow run is there, and not deleted.

    Raises:
        EnvironmentFault: the registry does not answer.
    """
    try:
        if database := sqlite_path(tracking_uri):
            with _reading(database) as ask:
                return bool(ask("SELECT 1 FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'", run_id))
        if tracking_uri.startswith(("http://", "https://")):
            run = _get(tracking_uri, "runs/get", run_id=run_id)
            return run is not None and run["run"]["info"]["lifecycle_stage"] == "active"
    except (_Unexpected, KeyError, TypeError) as why:
        _log.debug("asking MLflow's own client: %s", why)
    client = connect(tracking_uri)
    from mlflow.exceptions import MlflowException

    with registry_faults(f"look for run {run_id!r}", tracking_uri):
        try:
            return bool(client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise


def model_names(tracking_uri: str) -> list[str]:
    """The names of all registered models, for an error that suggests the near one."""
    with registry_faults("list its models", tracking_uri):
        return sorted(model.name for model in connect(tracking_uri).search_registered_models(max_results=_PAGE))


def _by_sql(database: Path, model: str) -> Registered | None:
    with _reading(database) as ask:
        if not ask("SELECT 1 FROM registered_models WHERE workspace = 'default' AND name = ?", model):
            return None
        aliases = ask(
            "SELECT alias, version FROM registered_model_aliases WHERE workspace = 'default' AND name = ?", model
        )
        versions = ask(
            "SELECT version, coalesce(run_id, ''), coalesce(source, '') FROM model_versions "
            "WHERE workspace = 'default' AND name = ? AND current_stage <> 'Deleted_Internal' ORDER BY version",
            model,
        )
        tags = ask(
            "SELECT version, key, coalesce(value, '') FROM model_version_tags WHERE workspace = 'default' AND name = ?",
            model,
        )
    return Registered(
        model,
        dict(aliases),
        tuple(
            Version(model, number, run_id, source, {key: value for owner, key, value in tags if owner == number})
            for number, run_id, source in versions
        ),
    )


@contextmanager
def _reading(database: Path) -> Iterator[Callable[[str, str], list[Any]]]:
    """Asks a database of the known schema, in one transaction; a database that is not there has no rows."""
    if "MLFLOW_WORKSPACE" in os.environ:
        raise _Unexpected("a workspace is set")
    if not database.exists():
        yield lambda statement, name: []
        return
    if schema_revision(database) != SCHEMA_REVISION:
        raise _Unexpected("the database's schema is another")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=20)) as connection:
            connection.execute("BEGIN")
            yield lambda statement, name: connection.execute(statement, (name,)).fetchall()
    except sqlite3.Error as error:
        raise _Unexpected(str(error)) from error


def _by_rest(tracking_uri: str, model: str) -> Registered | None:
    answer = _get(tracking_uri, "registered-models/get", name=model)
    if answer is None:
        return None
    versions: list[Version] = []
    token = ""
    try:
        aliases = {item["alias"]: int(item["version"]) for item in answer["registered_model"].get("aliases", ())}
        while True:
            page = _get(
                tracking_uri,
                "model-versions/search",
                filter=f"name = '{model}'",
                max_results=str(_PAGE),
                **({"page_token": token} if token else {}),
            )
            versions += [_version(model, item) for item in (page or {}).get("model_versions", ())]
            token = (page or {}).get("next_page_token", "")
            if not token:
                return Registered(model, aliases, tuple(sorted(versions, key=lambda version: version.number)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _Unexpected(f"the server's answer is not as expected ({error!r})") from error


def _version(model: str, item: dict[str, Any]) -> Version:
    tags = {tag["key"]: tag.get("value", "") for tag in item.get("tags", ())}
    return Version(model, int(item["version"]), item.get("run_id", ""), item.get("source", ""), tags)


def _get(tracking_uri: str, endpoint: str, **query: str) -> dict[str, Any] | None:
    """A server's JSON answer; None where it says that the thing asked for does not exist."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    special = [name for name in os.environ if name.startswith("MLFLOW_TRACKING_") and name != "MLFLOW_TRACKING_URI"]
    if special or "MLFLOW_WORKSPACE" in os.environ or "@" in tracking_uri:
        raise _Unexpected("the server wants more than an address")
    url = f"{tracking_uri.rstrip('/')}/api/2.0/mlflow/{endpoint}?{urlencode(query)}"
    try:
        with urlopen(Request(url, headers={"Accept": "application/json"}), timeout=_TIMEOUT) as response:  # noqa: S310  # its scheme was checked
            answer = json.loads(response.read())
    except HTTPError as error:
        text = error.read(10_000).decode(errors="replace")
        if error.code == 404 and re.search(r'"error_code":\s*"RESOURCE_DOES_NOT_EXIST"', text):
            return None
        raise _Unexpected(f"the server answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise _Unexpected(str(error)) from error
    if not isinstance(answer, dict):
        raise _Unexpected("the server's answer is no object")
    return answer


def _by_client(tracking_uri: str, model: str) -> Registered | None:
    client = connect(tracking_uri)
    from mlflow.exceptions import MlflowException

    with registry_faults(f"look up model {model!r}", tracking_uri):
        try:
            found = client.get_registered_model(model)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        versions: list[Version] = []
        token: str | None = None
        while True:
            page = client.search_model_versions(f"name = '{model}'", max_results=_PAGE, page_token=token)
            versions += [
                Version(model, int(item.version), item.run_id or "", item.source or "", dict(item.tags))
                for item in page
            ]
            token = page.token
            if not token:
                break
    aliases = {alias: int(number) for alias, number in found.aliases.items()}
    return Registered(model, aliases, tuple(sorted(versions, key=lambda version: version.number)))
