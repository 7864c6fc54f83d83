"""Checkpoints that are shared, taken away, torn or swapped."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.storage import Store, open_store
from loanwright.training.job import Job
from loanwright.training.publishing import noted_booster
from tests.builders.disturbed_training import (
    TRAINING,
    digest_of,
    driver,
    order,
    trained_on,
)
from tests.builders.faulty import fault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_two_trainings_of_one_declaration_at_once(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    """They write the same checkpoints, under the same names, and the first to end removes them."""
    with ThreadPoolExecutor(2) as pool:
        trainings = [pool.submit(trained_on, store, tmp_path / str(number)) for number in range(2)]
        assert [digest_of(training.result(120)) for training in trainings] == [digest, digest]


def test_the_checkpoints_go_before_the_booster_is_asked_for(
    store: Store, tmp_path: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an equal training removes them that ends a moment earlier."""

    def late(job: Job, place: Store) -> str:
        job.checkpoints(place).remove()
        return noted_booster(job, place)

    monkeypatch.setattr("loanwright.training.train.noted_booster", late)
    assert digest_of(trained_on(store, tmp_path)) == digest


def _interrupted(orders: pytest.MonkeyPatch, store: Store, folder: Path, **how: object) -> list[Path]:
    """Checkpoints of 30 rounds that a training left which was given up."""
    orders.setenv("LOANWRIGHT_RETRIES", "0")
    order(orders, fault(1, 37, "signal:SIGKILL", attempts=99))
    with pytest.raises(EnvironmentFault, match="given up after 1 attempts"):
        trained_on(store, folder, **how)  # type: ignore[arg-type]
    orders.delenv("TEST_FAULTS")
    return sorted(Path(store.root).glob("checkpoints/*/segment-*.json"))


def test_a_torn_checkpoint_is_not_gone_on_from(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    kept = _interrupted(orders, store, tmp_path)
    assert len(kept) == 3
    kept[2].write_bytes(kept[2].read_bytes()[:-200])
    said, _ = driver(store, tmp_path).communicate(timeout=120)
    assert f"{kept[2].name} is not used: it is torn, or was changed" in said
    assert "going on after round 20" in said
    assert f"booster {digest}" in said


@pytest.mark.parametrize("other", ["parameters", "data"])
def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str, other: str
) -> None:
    kept = _interrupted(orders, store, tmp_path)
    another = open_store(str(tmp_path / "another"))
    changed = TRAINING.model_copy(update={"seed": 9}) if other == "parameters" else TRAINING
    swapped = _interrupted(orders, another, tmp_path, training=changed, seed=0 if other == "parameters" else 1)
    shutil.copy(swapped[1], kept[1])
    said, _ = driver(store, tmp_path).communicate(timeout=120)
    assert f"{kept[1].name} is not used: it is of another training" in said
    assert "going on after round 10" in said
    assert f"booster {digest}" in said
