"""A small training that faults are injected into: the same trees each time, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loanwright.config.learning import EarlyStopping, Fractions, Parameters, Split, Training
from loanwright.storage import Store
from loanwright.training.train import Trained, train
from tests.builders.faulty import ordered
from tests.builders.tables import publish_table

SPLIT = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
TRAINING = Training(
    rounds=60,
    segment=10,
    early_stopping=EarlyStopping(patience=60),
    parameters=Parameters(bagging_fraction=0.7, bagging_freq=1, feature_fraction=0.6, learning_rate=0.1, num_leaves=15),
)
_ROOT = Path(__file__).parents[2]
_DRIVER = """
import logging, sys
from pathlib import Path
from tests.builders.disturbed_training import digest_of, trained_on
from loanwright.storage import open_store
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
print("booster", digest_of(trained_on(open_store(sys.argv[1]), Path(sys.argv[2]))), flush=True)
"""


def small_table(store: Store, seed: int = 0) -> str:
    """A training table's URI; another seed gives other rows."""
    return publish_table(store, rows=3000, features=8, categories=2, row_group=500, seed=seed)


def trained_on(
    store: Store, folder: Path, *, training: Training = TRAINING, workers: int = 2, seed: int = 0
) -> Trained:
    """Trains on the small table."""
    return train(small_table(store, seed), SPLIT, training, store, folder / "scratch", workers=workers)


def digest_of(trained: Trained) -> str:
    """The booster's digest."""
    return trained.uri.rsplit("/", 2)[1]


def restarts_of(trained: Trained) -> list[tuple[str, int]]:
    """Why the workers were started again, each time, and after which round they went on."""
    assert trained.outcome is not None
    return [(restart.why, restart.round) for restart in trained.outcome.restarts]


def order(orders: pytest.MonkeyPatch, *faults: dict[str, object]) -> None:
    """Has the workers suffer these faults."""
    for name, value in ordered(*faults).items():
        orders.setenv(name, value)


def driver(store: Store, folder: Path, group: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    """A process that trains; in that control group, if one is given."""
    enter = f"echo $$ > {group}/cgroup.procs; " if group else ""
    command = ["sh", "-c", f'{enter}exec "$@"', "sh", sys.executable, "-c", _DRIVER, store.root, str(folder)]
    path = os.pathsep.join(filter(None, (str(_ROOT), variables.pop("PYTHONPATH", ""))))
    return subprocess.Popen(
        command,
        env={**os.environ, **variables, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=_ROOT,
    )
