"""Projects for whole runs: one of its own for each test, or a finished one shared by those that only look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.project import Project, make_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_project(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    # Enough rows for a worse model to be worse beyond noise.
    made = make_project(tmp_path_factory.mktemp("finished"), rows=6000)
    try:
        ended, _ = made.run()
        assert ended.code == 0, ended.out + ended.err
        yield made
    finally:
        made.stop()


@pytest.fixture
def finished(_shared: Project) -> Iterator[Project]:
    """A project after one successful run, shared by a module's tests; its declaration is put back after each."""
    declaration = _shared.folder / "pipelines" / "tiny" / "model.yaml"
    text = declaration.read_text()
    yield _shared
    declaration.write_text(text)
