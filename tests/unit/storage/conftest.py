"""Stores to test against: a folder, and the real S3 server that ships with the product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.storage import Store, open_store


@pytest.fixture(scope="session")
def s3_variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    state = tmp_path_factory.mktemp("s3-state")
    settings = Settings(project=state, state=state, store=None, s3_endpoint=None, s3_port=None, tracking_uri=None)
    server = ObjectServer(settings)
    yield server.start()
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield open_store(str(tmp_path / "store"))
        return
    variables: dict[str, str] = request.getfixturevalue("s3_variables")
    with environment(variables):
        yield open_store(f"s3://loanwright/{tmp_path.name}")
