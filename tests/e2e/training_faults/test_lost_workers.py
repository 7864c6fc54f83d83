"""Workers are killed, freeze or leave midway: the booster is the same, and it is soon there."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from loanwright.storage import Store, open_store
from tests.builders.disturbed_training import (
    TRAINING,
    digest_of,
    order,
    restarts_of,
    trained_on,
)
from tests.builders.faulty import fault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("faults", "workers", "why", "round_"),
    [
        ([fault(0, 37, "signal:SIGKILL")], 2, "worker 0 was killed by SIGKILL", 30),
        ([fault(1, 37, "signal:SIGKILL")], 2, "worker 1 was killed by SIGKILL", 30),
        ([fault(1, 1, "signal:SIGKILL")], 2, "worker 1 was killed by SIGKILL", 0),
        ([fault(0, 37, "signal:SIGKILL"), fault(2, 37, "signal:SIGKILL")], 3, "was killed by SIGKILL", 30),
        ([fault(1, 37, "signal:SIGSEGV")], 2, "worker 1 was killed by SIGSEGV", 30),
        ([fault(1, 37, "exit:0")], 2, "worker 1 ended as if all was done, while the others were still at work", 30),
        ([fault(0, 37, "exit:0")], 2, "worker 0 ended as if all was done, while the others were still at work", 30),
        ([fault(1, 37, "signal:SIGTERM")], 2, "was told to stop", 40),
        ([fault(1, 37, "signal:SIGSTOP")], 2, "worker 1 did not answer any more", 30),
        ([fault(0, 37, "signal:SIGSTOP")], 2, "worker 0 did not answer any more", 30),
    ],
)
def test_a_worker_is_lost_midway(
    orders: pytest.MonkeyPatch,
    store: Store,
    tmp_path: Path,
    digest: str,
    faults: list[dict[str, object]],
    workers: int,
    why: str,
    round_: int,
) -> None:
    order(orders, *faults)
    began = time.monotonic()
    trained = trained_on(store, tmp_path, workers=workers)
    assert digest_of(trained) == digest
    ((said, safe),) = restarts_of(trained)
    assert why in said
    assert safe == round_
    assert time.monotonic() - began < 90
    assert not list(store.list("checkpoints/"))


def test_twenty_kills_at_random_moments_of_one_training(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    training = TRAINING.model_copy(update={"rounds": 320, "early_stopping": None})
    undisturbed = trained_on(open_store(str(tmp_path / "other")), tmp_path / "other-scratch", training=training)
    draw = random.Random(20)
    faults, safe, expected = [], 0, []
    for attempt in range(1, 21):
        # At a segment's very last round it depends on who is killed whether the checkpoint is written.
        at = draw.choice([0, "loading", *(safe + 10 * draw.randint(0, 2) + draw.randint(1, 9) for _ in range(12))])
        faults.append(fault(draw.randint(0, 1), at, "signal:SIGKILL", first=attempt, attempts=attempt))
        safe = max(safe, (at - 1) // training.segment * training.segment) if isinstance(at, int) else safe
        expected.append(safe)
    order(orders, *faults)
    orders.setenv("LOANWRIGHT_RETRIES", "20")
    trained = trained_on(store, tmp_path, training=training)
    assert digest_of(trained) == digest_of(undisturbed)
    assert [round_ for _, round_ in restarts_of(trained)] == expected
    assert all("was killed by SIGKILL" in why for why, _ in restarts_of(trained))
