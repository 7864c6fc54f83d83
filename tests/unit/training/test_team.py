"""A worker reads what is its own, and refuses what it cannot hold before it has read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanwright.config.learning import Training
from loanwright.errors import DataError, EnvironmentFault
from loanwright.features.table import TrainingTable
from loanwright.storage import Store
from loanwright.training import resources
from tests.builders.gang_training import fit_dealt, make_job


def test_rows_that_do_not_fit_are_refused_with_the_arithmetic_and_unread(
    make_table: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(make_table(rows=2000), Training(rounds=1), store, tmp_path)
    read: list[int] = []
    monkeypatch.setattr(resources, "available_memory", lambda: 10_000)
    monkeypatch.setattr(TrainingTable, "read_group", lambda *_: read.append(1))
    with pytest.raises(EnvironmentFault, match=r"in the largest of 2 workers \(1.2 bytes a feature and 100 bytes for"):
        fit_dealt(job, (1, 1), store, tmp_path)
    assert not read


def test_fewer_rows_than_workers_are_refused(make_table: Any, store: Store, tmp_path: Path) -> None:
    job = make_job(make_table(rows=12), Training(rounds=1), store, tmp_path)
    with pytest.raises(DataError, match="are too few for 14 workers"):
        fit_dealt(job, (1,) * 14, store, tmp_path)
