"""One server for one state folder, found again whatever was killed, and never two."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from loanwright.errors import EnvironmentFault
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    made = Settings(project=tmp_path, state=tmp_path, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    yield made
    ObjectServer(made).stop()


def _servers(settings: Settings) -> list[int]:
    mark = f"-dir={settings.state / 's3' / 'data'}"
    return [process.pid for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]


def test_commands_that_start_together_share_one_server(settings: Settings) -> None:
    endpoints: list[str] = []
    threads = [
        threading.Thread(target=lambda: endpoints.append(ObjectServer(settings).start()["LOANWRIGHT_S3_ENDPOINT"]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(endpoints) == 4
    assert len(set(endpoints)) == 1
    assert len(_servers(settings)) == 1


@pytest.mark.parametrize("record", [None, "{", '{"pid": 1, "started": 0.0, "port": 1}'])
def test_a_server_whose_record_is_lost_is_found_again(settings: Settings, record: str | None) -> None:
    endpoint = ObjectServer(settings).start()["LOANWRIGHT_S3_ENDPOINT"]
    path = settings.state / "s3" / "server.json"
    path.unlink() if record is None else path.write_text(record)
    assert ObjectServer(settings).start()["LOANWRIGHT_S3_ENDPOINT"] == endpoint
    assert len(_servers(settings)) == 1
    path.unlink(missing_ok=True)
    assert ObjectServer(settings).stop()
    assert _servers(settings) == []


def test_a_killed_server_is_started_anew_with_the_same_credentials(settings: Settings) -> None:
    first = ObjectServer(settings).start()
    server = psutil.Process(_servers(settings)[0])
    server.kill()
    server.wait(30)
    second = ObjectServer(settings).start()
    assert first["AWS_SECRET_ACCESS_KEY"] == second["AWS_SECRET_ACCESS_KEY"]
    assert len(_servers(settings)) == 1
    assert (settings.state / "s3" / "credentials.json").stat().st_mode & 0o077 == 0


def test_a_running_server_is_not_taken_from_others_by_another_port(settings: Settings) -> None:
    ObjectServer(settings).start()
    with pytest.raises(EnvironmentFault, match=r"LOANWRIGHT_S3_PORT asks for 20001\. Stop it first: loanwright stop"):
        ObjectServer(replace(settings, s3_port=20_001)).start()
    assert len(_servers(settings)) == 1


def test_lost_credentials_are_made_anew_and_nothing_that_is_stored_is_lost(
    settings: Settings,
) -> None:
    first = ObjectServer(settings).start()
    with environment(first):
        open_store(first["LOANWRIGHT_STORE"]).write("kept", b"bytes")
    path = settings.state / "s3" / "credentials.json"
    path.write_text("")
    second = ObjectServer(settings).start()
    assert second["AWS_SECRET_ACCESS_KEY"] != first["AWS_SECRET_ACCESS_KEY"]
    with environment(second):
        assert open_store(second["LOANWRIGHT_STORE"]).read("kept") == b"bytes"
    assert path.stat().st_mode & 0o077 == 0
    assert len(_servers(settings)) == 1


def test_the_server_starts_among_another_stores_variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    ObjectServer(settings).start()
    assert len(_servers(settings)) == 1
