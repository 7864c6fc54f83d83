from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loanwright.registry import lookup
from loanwright.registry.client import connect
from loanwright.registry.lookup import DIGEST_TAG, Registered, Version, find_model, has_run, model_names
from tests.unit.registry.servers import serve_mlflow

NOT_THERE = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"})


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the slow way fail, so that what passes was answered by the fast one."""

    def connect_never(tracking_uri: str) -> None:
        raise AssertionError("MLflow's client was asked")

    monkeypatch.setattr(lookup, "connect", connect_never)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes the models that MLflow's client was asked for, and answers that there is none."""
    models: list[str] = []
    monkeypatch.setattr(lookup, "_by_client", lambda uri, model: models.append(model))
    return models


def fill(tracking_uri: str) -> list[str]:
    """A registry with all that may stand in one; the ids of its two runs, the second deleted."""
    client = connect(tracking_uri)
    experiment = client.create_experiment("any")
    runs = [client.create_run(experiment).info.run_id for _ in range(2)]
    for model in ("bare", "loans", "cards"):
        client.create_registered_model(model)
    for number in range(1, 13):
        client.create_model_version(
            "loans",
            f"s3://bucket/{number}",
            run_id=runs[0] if number % 2 else None,
            tags={DIGEST_TAG: f"d{number}", "words": 'it\'s 100 % "true"'} if number != 2 else None,
        )
    client.create_model_version("cards", "s3://bucket/cards", tags={DIGEST_TAG: "d1"})
    client.set_registered_model_alias("loans", "champion", "3")
    client.set_registered_model_alias("loans", "challenger", "12")
    client.set_registered_model_alias("loans", "gone", "4")
    client.delete_model_version("loans", "4")
    client.delete_run(runs[1])
    return runs


def test_sqlite_is_read_as_mlflow_reads_it(tracking_uri: str) -> None:
    fill(tracking_uri)

    for model in ("loans", "cards", "bare", "unknown"):
        expected = lookup._by_client(tracking_uri, model)
        assert lookup._by_sql(Path(tracking_uri.removeprefix("sqlite:///")), model) == expected, model
    loans = lookup._by_client(tracking_uri, "loans")
    assert loans is not None
    assert loans.aliases == {"champion": 3, "challenger": 12}
    assert [version.number for version in loans.versions] == [1, 2, 3, *range(5, 13)]


@pytest.mark.slow
def test_a_server_is_read_as_mlflow_reads_it(
    tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = fill(tracking_uri)
    monkeypatch.setattr(lookup, "_PAGE", 5)
    with serve_mlflow(tracking_uri, tmp_path) as server:
        for model in ("loans", "cards", "bare", "unknown"):
            assert lookup._by_rest(server, model) == lookup._by_client(server, model), model
        assert lookup._by_rest(server, "loans") == lookup._by_client(tracking_uri, "loans")
        assert [has_run(server, run) for run in (*runs, "unknown")] == [True, False, False]


@pytest.mark.usefixtures("refused")
def test_a_plain_database_needs_no_mlflow(tracking_uri: str) -> None:
    assert find_model(tracking_uri, "loans") is None
    assert not has_run(tracking_uri, "unknown")


@pytest.mark.usefixtures("refused")
def test_a_registry_that_is_not_there_yet_holds_nothing_and_is_not_made(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"

    assert find_model(uri, "loans") is None
    assert not has_run(uri, "unknown")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("refused")
def test_a_name_that_cannot_be_ours_is_not_asked_for() -> None:
    assert find_model("http://127.0.0.1:9", "x' or name like '%") is None


def test_runs_are_found_until_they_are_deleted(tracking_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = fill(tracking_uri)

    assert [has_run(tracking_uri, run) for run in (*runs, "unknown")] == [True, False, False]
    monkeypatch.setattr(lookup, "SCHEMA_REVISION", "another")
    assert [has_run(tracking_uri, run) for run in (*runs, "unknown")] == [True, False, False]


def test_another_schema_is_left_to_mlflow(tracking_uri: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "SCHEMA_REVISION", "another")

    find_model(tracking_uri, "loans")

    assert asked == ["loans"]


def test_a_workspace_is_left_to_mlflow(tracking_uri: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_WORKSPACE", "risk")

    find_model(tracking_uri, "loans")

    assert asked == ["loans"]


def test_other_databases_are_left_to_mlflow(asked: list[str]) -> None:
    find_model("postgresql://db/mlflow", "loans")

    assert asked == ["loans"]


def test_names_are_listed(tracking_uri: str) -> None:
    fill(tracking_uri)

    assert model_names(tracking_uri) == ["bare", "cards", "loans"]


def test_what_a_step_asks_first_imports_nothing_heavy(tracking_uri: str) -> None:
    program = (
        "import sys\n"
        "from loanwright.registry.versions import champion, find_version\n"
        f"champion({tracking_uri!r}, 'loans'), find_version({tracking_uri!r}, 'loans', 'd')\n"
        "print(sorted({'mlflow', 'sqlalchemy', 'pandas', 'lightgbm', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


Answer = Callable[[str, dict[str, str]], tuple[int, Any]]


@pytest.fixture
def server() -> Iterator[Callable[[Answer], str]]:
    """A server that answers as it is told; its address."""
    started: list[HTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                status, body = answer(parts.path.removeprefix("/api/2.0/mlflow/"), query)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, *_: Any) -> None:
                pass

        httpd = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        started.append(httpd)
        return f"http://127.0.0.1:{httpd.server_port}"

    yield start
    for httpd in started:
        httpd.shutdown()
        httpd.server_close()


@pytest.mark.usefixtures("refused")
def test_a_servers_pages_are_put_together(server: Callable[[Answer], str]) -> None:
    def answer(path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path == "registered-models/get":
            return 200, {"registered_model": {"name": "loans", "aliases": [{"alias": "champion", "version": "1"}]}}
        assert query["filter"] == "name = 'loans'"
        if "page_token" not in query:
            version = {"version": "2", "run_id": "r", "source": "s", "tags": [{"key": DIGEST_TAG, "value": "d"}]}
            return 200, {"model_versions": [version], "next_page_token": "more"}
        return 200, {"model_versions": [{"version": "1"}]}

    assert find_model(server(answer), "loans") == Registered(
        "loans", {"champion": 1}, (Version("loans", 1, "", "", {}), Version("loans", 2, "r", "s", {DIGEST_TAG: "d"}))
    )


@pytest.mark.usefixtures("refused")
def test_a_server_may_say_that_there_is_none(server: Callable[[Answer], str]) -> None:
    uri = server(lambda path, query: NOT_THERE)

    assert find_model(uri, "loans") is None
    assert not has_run(uri, "unknown")


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error_code": "UNAUTHENTICATED"}),
        (404, b"<html>no such page</html>"),
        (500, b"oops"),
        (200, b"<html>Please log in</html>"),
        (200, ["not", "an", "object"]),
        (200, {"registered_model": "loans"}),
        (200, {"registered_model": {"aliases": [{"alias": "champion", "version": "one"}]}}),
    ],
)
def test_strange_answers_are_left_to_mlflow(
    server: Callable[[Answer], str], answer: tuple[int, Any], asked: list[str]
) -> None:
    find_model(server(lambda path, query: answer), "loans")

    assert asked == ["loans"]


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_WORKSPACE"])
def test_a_login_or_workspace_is_left_to_mlflow(
    server: Callable[[Answer], str], variable: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")

    find_model(server(lambda path, query: NOT_THERE), "loans")

    assert asked == ["loans"]


def test_a_server_that_is_down_is_left_to_mlflow_for_its_retries(asked: list[str]) -> None:
    find_model("http://127.0.0.1:9", "loans")

    assert asked == ["loans"]
