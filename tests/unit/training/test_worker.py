"""Real worker processes under the supervisor make the same booster, however many there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loanwright.config.learning import EarlyStopping, Parameters, Split, Training
from loanwright.errors import DataError
from loanwright.storage import Store
from loanwright.training.train import train
from tests.builders.tables import publish_table

TRAINING = Training(
    rounds=30,
    segment=10,
    early_stopping=EarlyStopping(patience=30),
    parameters=Parameters(bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.6, learning_rate=0.2),
)


def test_two_and_three_processes_publish_one_booster(split: Split, store: Store, tmp_path: Path) -> None:
    table = publish_table(store, rows=3000, features=8, categories=2, row_group=500)
    one = train(table, split, TRAINING, store, tmp_path / "one", workers=1)
    three = train(table, split, TRAINING, store, tmp_path / "three", workers=3)
    assert one.uri == three.uri
    assert one.outcome is not None
    assert three.outcome is not None
    assert (one.outcome.ranks, three.outcome.ranks) == (2, 3)
    assert [segment.last for segment in three.outcome.segments] == [10, 20, 30]
    assert not list(store.list("checkpoints/"))


def test_a_workers_own_error_comes_out_as_it_was(split: Split, store: Store, tmp_path: Path) -> None:
    table = publish_table(store, rows=300)
    stuck = TRAINING.model_copy(update={"parameters": Parameters(min_data_in_leaf=500)})
    with pytest.raises(DataError, match="no split of any feature improves the prediction"):
        train(table, split, stuck, store, tmp_path / "scratch")


def test_without_a_launcher_a_worker_says_what_it_misses(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loanwright.training.worker", "--job=x", f"--store={tmp_path}", "--scratch=y"]
    done = subprocess.run([*command], capture_output=True, text=True, check=False, env={"LOANWRIGHT_RANKS": "2"})
    assert done.returncode == 1
    assert "LOANWRIGHT_RANK is not set" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_processes_and_deals_publish_one_booster(split: Split, store: Store, tmp_path: Path) -> None:
    said = TRAINING.model_copy(update={"rounds": 200, "segment": 50})
    table = publish_table(store, rows=40_000, features=12, categories=2, row_group=5000, rows_per_file=12_000)
    deals = [[1.0, 1.0], [0.9, 0.1], [1.0, 1.0, 1.0], [0.4, 0.1, 0.1, 0.4], [1.0, 1.0]]
    uris = {train(table, split, said, store, tmp_path, shares=shares).uri for shares in deals}
    assert len(uris) == 1
