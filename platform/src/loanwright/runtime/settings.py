"""Where a command works: the project, its state folder, the artifact store and the registry.

Read once, from these environment variables, when a command starts:

    LOANWRIGHT_STATE         the state folder; default `.loanwright` in the project
    LOANWRIGHT_STORE         the artifact store, s3://bucket/prefix or a folder; default: the embedded S3 server
    LOANWRIGHT_S3_ENDPOINT   an S3 server other than AWS
    LOANWRIGHT_S3_PORT       a fixed port for the embedded S3 server; default: any free one
    LOANWRIGHT_TRACKING_URI  an MLflow server; default: sqlite in the state folder
    LOANWRIGHT_FEATURE_ENGINE  what computes features, duckdb or spark; default: duckdb
    LOANWRIGHT_FEATURE_SHARDS  into how many parts DuckDB deals the keys, one after the other; default: by size
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loanwright.errors import EnvironmentFault, UsageError

EMBEDDED_BUCKET = "loanwright"
FEATURE_ENGINES = ("duckdb", "spark")
_UNADDRESSABLE = re.compile("[%?]")
"""What in a path MLflow takes for a part of the address `sqlite:///path`."""


@dataclass(frozen=True)
class Settings:
    """One command's surroundings. `store` is None for the embedded S3 server."""

    project: Path
    state: Path
    store: str | None
    s3_endpoint: str | None
    s3_port: int | None
    tracking_uri: str | None
    feature_engine: str = "duckdb"
    feature_shards: int | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, start: Path | None = None) -> Settings:
        """The settings of this environment, for the project around `start` (default: this folder).

        Raises:
            UsageError: a variable's value makes no sense.
            EnvironmentFault: the state folder cannot be written to.
        """
        project = _project(start or Path.cwd())
        state = Path(environ.get("LOANWRIGHT_STATE") or project / ".loanwright").absolute()
        store = environ.get("LOANWRIGHT_STORE") or None
        port = environ.get("LOANWRIGHT_S3_PORT") or None
        if port is not None and not (port.isdigit() and 1024 <= int(port) <= 55_535):
            raise UsageError(f"LOANWRIGHT_S3_PORT is {port!r}, not a port number from 1024 to 55535")
        feature_engine = environ.get("LOANWRIGHT_FEATURE_ENGINE") or "duckdb"
        if feature_engine not in FEATURE_ENGINES:
            raise UsageError(
                f"LOANWRIGHT_FEATURE_ENGINE is {feature_engine!r}, neither {' nor '.join(FEATURE_ENGINES)}"
            )
        shards = environ.get("LOANWRIGHT_FEATURE_SHARDS") or None
        if shards is not None and not (shards.isascii() and shards.isdigit() and 1 <= int(shards) <= 1024):
            raise UsageError(f"LOANWRIGHT_FEATURE_SHARDS is {shards!r}, not a number of shards from 1 to 1024")
        if store is not None:
            store = _store(store)
        settings = cls(
            project=project,
            state=state,
            store=store,
            s3_endpoint=environ.get("LOANWRIGHT_S3_ENDPOINT") or None,
            s3_port=int(port) if port else None,
            tracking_uri=environ.get("LOANWRIGHT_TRACKING_URI") or None,
            feature_engine=feature_engine,
            feature_shards=int(shards) if shards else None,
        )
        if settings.tracking_uri is None and _UNADDRESSABLE.search(str(state)):
            raise UsageError(
                f"the state folder {state} has a '%' or '?' in its path, with which MLflow finds no database",
                fix="Set LOANWRIGHT_STATE to a folder without",
            )
        if store is None and "," in str(state):
            raise UsageError(
                f"the state folder {state} has a ',' in its path, with which the S3 server finds no folder",
                fix="Set LOANWRIGHT_STATE to a folder without",
            )
        settings._make_state()
        return settings

    @property
    def pipelines(self) -> Path:
        """The folder of the models' declarations."""
        return self.project / "pipelines"

    @property
    def runs(self) -> Path:
        """The folder of the local runs' records."""
        return self.state / "runs"

    @property
    def database(self) -> Path:
        """The default registry's sqlite file."""
        return self.state / "mlflow" / "mlflow.db"

    @property
    def registry_uri(self) -> str:
        """The MLflow tracking address in force."""
        return self.tracking_uri or f"sqlite:///{self.database}"

    def variables(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The environment of the steps, without the store's own part.

        Inherited AWS_* count only with an outside store, MLFLOW_* only with an outside registry. The libraries that
        the steps use need docstrings, and give warnings.
        """
        dropped = (
            "LOANWRIGHT_",
            "PYTHONOPTIMIZE",
            "PYTHONWARNINGS",
            *(() if self.store else ("AWS_",)),
            *(() if self.tracking_uri else ("MLFLOW_",)),
        )
        kept = {name: value for name, value in environ.items() if not name.startswith(dropped)}
        kept |= {
            "LOANWRIGHT_STATE": str(self.state),
            "LOANWRIGHT_DATA_CACHE": str(self.state / "data"),
            "LOANWRIGHT_TRACKING_URI": self.registry_uri,
            "LOANWRIGHT_FEATURE_ENGINE": self.feature_engine,
            "LOANWRIGHT_FEATURE_SHARDS": str(self.feature_shards or ""),
            "PYTHONDONTWRITEBYTECODE": "",  # every step would compile its imports anew
        }
        if not self.tracking_uri:
            kept["LOANWRIGHT_TRACKING_ARTIFACTS"] = str(self.state / "mlflow" / "artifacts")
        if self.store:
            kept["LOANWRIGHT_STORE"] = self.store
        if self.store and self.s3_endpoint:
            kept["LOANWRIGHT_S3_ENDPOINT"] = self.s3_endpoint
        return kept

    def _make_state(self) -> None:
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            probe = self.state / f".probe-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise EnvironmentFault(
                f"the state folder {self.state} cannot be written to: {error.strerror or error}",
                fix="Free it, or set LOANWRIGHT_STATE to another folder",
            ) from None


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's environment, replaced for a while: KFP's runner hands its own on to the steps."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _store(address: str) -> str:
    """The artifact store's address, a folder's absolute."""
    if re.match(r"s3://[^/]", address):
        return address
    folder = address.removeprefix("file://")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", folder):
        raise UsageError(f"LOANWRIGHT_STORE is {address!r}, neither s3://bucket/prefix nor a folder")
    return str(Path(folder).absolute())


def _project(start: Path) -> Path:
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "pipelines").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise UsageError(
        f"{start.absolute()} is not inside a Loanwright project (a folder with pyproject.toml and pipelines/)",
        fix="Change to the project's folder first",
    )
