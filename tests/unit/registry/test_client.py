from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.registry import client
from loanwright.registry.client import SCHEMA_REVISION, connect, initialise, schema_revision, shown, sqlite_path


def test_the_known_schema_is_that_of_the_installed_mlflow(migrated: Path) -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    assert _get_latest_schema_revision() == SCHEMA_REVISION
    assert schema_revision(migrated) == SCHEMA_REVISION


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:////var/mlflow/a b.db", Path("/var/mlflow/a b.db")),
        ("sqlite:///near.db", Path("near.db").absolute()),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("sqlite:////var/a.db?timeout=3", None),
        ("postgresql://db/mlflow", None),
        ("http://mlflow:5000", None),
    ],
)
def test_only_a_plain_sqlite_address_names_a_file(uri: str, path: Path | None) -> None:
    assert sqlite_path(uri) == path


def test_passwords_are_not_shown() -> None:
    assert shown("https://user:secret@mlflow.example.com/x") == "https://mlflow.example.com/x"
    assert shown("sqlite:////var/mlflow.db") == "sqlite:////var/mlflow.db"


def test_mlflow_is_quiet_sends_nothing_home_and_loads_no_pickle(
    tracking_uri: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)

    connect(tracking_uri).search_experiments()

    from mlflow.environment_variables import MLFLOW_ALLOW_PICKLE_DESERIALIZATION, MLFLOW_DISABLE_TELEMETRY

    assert MLFLOW_ALLOW_PICKLE_DESERIALIZATION.get() is False
    assert MLFLOW_DISABLE_TELEMETRY.get() is True
    assert capfd.readouterr() == ("", "")


def test_imports_are_not_searched_for_garbage_and_what_comes_later_is(tracking_uri: str) -> None:
    program = (
        "import gc\n"
        "from loanwright.registry.client import connect\n"
        f"connect({tracking_uri!r})\n"
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000)"
    )

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("True True\n", "")


@pytest.mark.parametrize("spoil", ["half", "foreign"])
def test_a_damaged_database_is_named_and_left_alone(tracking_uri: str, spoil: str) -> None:
    database = sqlite_path(tracking_uri)
    assert database is not None
    if spoil == "half":
        database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
    else:
        database.unlink()
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE theirs (a)")
    before = database.read_bytes()

    with pytest.raises(
        EnvironmentFault, match=r"mlflow\.db cannot be read: .+\. Put a backup in its place, move it away"
    ):
        initialise(tracking_uri)

    assert database.read_bytes() == before


def test_an_empty_file_becomes_a_database(tracking_uri: str) -> None:
    database = sqlite_path(tracking_uri)
    assert database is not None
    database.write_bytes(b"")
    initialise(tracking_uri)
    assert schema_revision(database) == SCHEMA_REVISION


def test_a_database_of_another_mlflow_is_named_and_left_alone(tracking_uri: str) -> None:
    database = sqlite_path(tracking_uri)
    assert database is not None
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")

    with pytest.raises(EnvironmentFault, match=r"from_the_future.*mlflow db upgrade"):
        connect(tracking_uri)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_text("my thesis")

    with pytest.raises(EnvironmentFault, match="cannot be read: file is not a database"):
        initialise(f"sqlite:///{file}")
    assert file.read_text() == "my thesis"


def test_a_folder_that_cannot_be_written_is_an_environment_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EnvironmentFault, match="cannot make the MLflow database"):
        initialise(f"sqlite:///{tmp_path}/file/mlflow.db")


def test_errors_of_mlflow_become_ours(tracking_uri: str) -> None:
    with (
        pytest.raises(EnvironmentFault, match=r"failed to get it: Run with id=no-such-run not found"),
        client.registry_faults("get it", tracking_uri),
    ):
        connect(tracking_uri).get_run("no-such-run")


def test_a_server_that_is_not_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = "http://127.0.0.1:9"
    with (
        pytest.raises(EnvironmentFault, match=r"MLflow at http://127\.0\.0\.1:9 failed to look"),
        client.registry_faults("look", uri),
    ):
        connect(uri).get_run("x")


def _initialise(uri: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    initialise(uri)


@pytest.mark.slow
def test_processes_at_once_make_one_database(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    workers = [context.Process(target=_initialise, args=(uri, barrier)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert schema_revision(tmp_path / "mlflow.db") == SCHEMA_REVISION
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.slow
def test_a_kill_in_the_midst_of_the_migrations_does_no_harm(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    uri = f"sqlite:///{database}"
    program = f"from loanwright.registry.client import initialise; initialise({uri!r})"
    process = subprocess.Popen([sys.executable, "-c", program])
    draft = tmp_path / ".mlflow.db.draft"
    deadline = time.monotonic() + 60
    while not draft.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert draft.exists()
    assert not database.exists()

    initialise(uri)

    assert schema_revision(database) == SCHEMA_REVISION
    assert not draft.exists()
    assert logging.getLogger("alembic").level == logging.WARNING
