"""Rows chosen by hash."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.config.learning import Split
from loanwright.data.split import assign
from loanwright.evaluation.sampling import sample
from tests.builders.tables import hash_keys


def test_the_same_units_are_chosen_in_any_order_of_the_rows() -> None:
    hashes = hash_keys(range(5000))
    among = np.arange(5000) % 2 == 0
    chosen = sample(hashes, among, 300)
    assert chosen.sum() == 300
    assert not (chosen & ~among).any()
    shuffled = np.random.default_rng(0).permutation(5000)
    assert (sample(hashes[shuffled], among[shuffled], 300) == chosen[shuffled]).all()


def test_a_limit_that_is_not_reached_chooses_all() -> None:
    among = np.array([True, False, True])
    chosen = sample(np.arange(3, dtype=np.uint64), among, 2)
    assert chosen.tolist() == among.tolist()
    assert chosen is not among


def test_the_choice_does_not_follow_the_hash_that_splits() -> None:
    hashes, time = hash_keys(range(20_000)), np.zeros(20_000, dtype="datetime64[us]")
    fractions = {"train": 0.5, "calibration": 0.25, "test": 0.25}
    part = assign(Split.model_validate({"method": "hash", "fractions": fractions}), 0, hashes, time)
    chosen = sample(hashes, np.ones(20_000, dtype=bool), 2000)
    assert np.bincount(part[chosen]) / 2000 == pytest.approx([0.5, 0.25, 0.25], abs=0.03)
