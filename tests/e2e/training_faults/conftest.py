"""What the faults are measured by: a training that nobody disturbs, and no worker that is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loanwright.storage import Store, open_store
from tests.builders.disturbed_training import digest_of, restarts_of, trained_on


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture(scope="package")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The booster's digest of a training that nobody disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    trained = trained_on(open_store(str(folder / "store")), folder)
    assert restarts_of(trained) == []
    return digest_of(trained)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("LOANWRIGHT_WATCHDOG_SECONDS", "6")
    yield monkeypatch
    assert not [child for child in psutil.Process().children(recursive=True) if "worker" in " ".join(child.cmdline())]
