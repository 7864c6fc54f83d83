"""Nobody starts a thousand processes on a laptop."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.config.learning import Fractions, Split, Training
from loanwright.errors import UsageError
from loanwright.storage import open_store
from loanwright.training.crew import check_crew
from loanwright.training.train import train


@pytest.mark.parametrize(("workers", "cores"), [(1, 1), (16, 1), (16, 4), (64, 16), (1000, 250)])
def test_as_many_as_get_something_done_are_welcome(workers: int, cores: int) -> None:
    check_crew(workers, cores)


@pytest.mark.parametrize(("workers", "cores", "most"), [(17, 1, "core: it takes 16"), (65, 16, "cores: it takes 64")])
def test_more_are_refused_with_the_number_that_would_do(workers: int, cores: int, most: str) -> None:
    with pytest.raises(UsageError, match=rf"{workers} workers are asked for, and this machine has {cores} {most} at"):
        check_crew(workers, cores)


def test_the_training_step_looks_before_it_reads_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loanwright.training.crew.usable_threads", lambda: 2)
    split = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
    store = open_store(str(tmp_path / "store"))
    with pytest.raises(UsageError, match="1,000 workers"):
        train("nowhere.json", split, Training(rounds=1), store, tmp_path / "scratch", workers=1000)
