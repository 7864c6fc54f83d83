"""Talking to MLflow: quietly, without telemetry, and never through pickle.

MLflow is imported here and in no module's head: it costs one to two seconds. What a run asks every
time (who is champion?) is answered by `loanwright.registry.lookup`, mostly without it.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from loanwright.errors import EnvironmentFault, LoanwrightError
from loanwright.storage.s3 import ENDPOINT_VARIABLE

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCHEMA_REVISION = "dc11669786a5"
"""The migration that the pinned MLflow's database ends with; a test compares it with MLflow's own."""
_SQLITE = "sqlite:///"
_FORCED = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
_DEFAULTS = {
    "GIT_PYTHON_REFRESH": "quiet",  # MLflow warns where there is no git
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # its own 7 wait minutes for a server that is not there
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
_log = logging.getLogger("loanwright")


def sqlite_path(tracking_uri: str) -> Path | None:
    """The file of a plain ``sqlite:///path`` address; None for every other address."""
    path = tracking_uri.removeprefix(_SQLITE)
    if path == tracking_uri or "?" in path or not path or path == ":memory:":
        return None
    return Path(path).absolute()


def schema_revision(database: Path) -> str | None:
    """The last migration that a sqlite file has seen; None if it is no database of MLflow's."""
    address = f"file:{quote(str(database))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])


def initialise(tracking_uri: str) -> None:
    """Makes the sqlite database if it is not there: some seconds, once. Nothing to do for other addresses.

    Two processes at once are safe: one works, the other waits. So is a kill: the database is made
    under another name and renamed when it is whole.

    Raises:
        EnvironmentFault: the file cannot be written, or is not a database of this MLflow.
    """
    database = sqlite_path(tracking_uri)
    if database is None or (revision := schema_revision(database)) == SCHEMA_REVISION:
        return
    if revision is None and not _is_to_be_made(database):
        raise _unreadable(database)
    if revision is not None:
        raise EnvironmentFault(
            f"the MLflow database {database} is not of the installed MLflow's version ({revision})",
            fix=f"Back it up and run `mlflow db upgrade {tracking_uri}`, or name another by LOANWRIGHT_TRACKING_URI",
        )
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        with database.with_name(f"{database.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_to_be_made(database):
                _log.info("Making the model registry's database (once) ...")
                _migrate(database)
    except OSError as error:
        raise EnvironmentFault(f"cannot make the MLflow database {database}: {error.strerror or error}") from error


def connect(tracking_uri: str) -> MlflowClient:
    """A client for runs and models, on a database that is there.

    Raises:
        EnvironmentFault: the database or the server does not answer.
    """
    _prepare()
    initialise(tracking_uri)
    with registry_faults("open", tracking_uri), importing():
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


@contextmanager
def addressed(tracking_uri: str) -> Iterator[None]:
    """MLflow's process-wide address, for the few calls that ask for it although the client has one."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # None unsets it


@contextmanager
def registry_faults(what: str, tracking_uri: str) -> Iterator[None]:
    """Turns whatever MLflow lets through (its own errors, SQLAlchemy's, requests', boto's) into one of ours."""
    try:
        yield
    except LoanwrightError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        fix = "Check that it runs and that LOANWRIGHT_TRACKING_URI names it"
        if sqlite_path(tracking_uri) is not None:
            fix = "Check that its folder can be written to, and that the disk has room"
        raise EnvironmentFault(
            f"MLflow at {shown(tracking_uri)} failed to {what}: {lines[0][:300]}", fix=fix
        ) from error


@contextmanager
def importing() -> Iterator[None]:
    """Around MLflow's imports: silences warnings between MLflow and its dependencies, and halves the time.

    The quarter of a million objects that come with MLflow live as long as the process. Looking through
    them for garbage again and again, and once more at the process's end, takes as long as making them.
    """
    known, collecting = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # SQLAlchemy's, of what MLflow's tables use
            warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType")  # of MLflow's own classes
            yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if collecting:
            gc.enable()


def shown(tracking_uri: str) -> str:
    """The address without a password."""
    parts = urlsplit(tracking_uri)
    if "@" not in parts.netloc:
        return tracking_uri
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_to_be_made(database: Path) -> bool:
    """Whether there is no such file, or an empty one, which holds nothing that could be lost."""
    return not database.exists() or (database.is_file() and database.stat().st_size == 0)


def _unreadable(database: Path) -> EnvironmentFault:
    """Why a file that is there is no database of MLflow's."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reason = "it is another program's"
    except sqlite3.Error as error:
        reason = str(error)
    return EnvironmentFault(
        f"the MLflow database {database} cannot be read: {reason}",
        fix="Put a backup in its place, move it away (the next run then makes a new one), or name another by "
        "LOANWRIGHT_TRACKING_URI",
    )


def _prepare() -> None:
    os.environ.update(_FORCED)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    if endpoint := os.environ.get(ENDPOINT_VARIABLE):  # artifacts in S3 lie where ours do, if nobody says otherwise
        os.environ.setdefault("MLFLOW_S3_ENDPOINT_URL", endpoint)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _migrate(database: Path) -> None:
    _prepare()
    draft = database.with_name(f".{database.name}.draft")
    for left in (draft, draft.with_name(f"{draft.name}-journal")):
        left.unlink(missing_ok=True)
    with registry_faults("make its database", f"{_SQLITE}{database}"), importing():
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        # The place named here is only for MLflow's own default experiment; ours name theirs.
        store = SqlAlchemyStore(f"{_SQLITE}{draft}", str(database.parent / "artifacts"))
        store.engine.dispose()
    draft.rename(database)
