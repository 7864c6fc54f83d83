from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.learning import Fractions, Split
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, open_store
from tests.builders.tables import publish_table

MakeTable = Callable[..., TrainingTable]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def make_table(store: Store, tmp_path: Path) -> MakeTable:
    """Publishes and opens a table; arguments as of `publish_table`."""

    def make(**options: Any) -> TrainingTable:
        return TrainingTable.open(publish_table(store, **options), tmp_path / "scratch")

    return make


@pytest.fixture
def split() -> Split:
    return Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
