"""Rows are drawn by what they are, anew as declared."""

from __future__ import annotations

import numpy as np
import pytest

from loanwright.config.learning import Parameters
from loanwright.training.sampling import RowSampling
from tests.builders.tables import hash_keys

HASHES = hash_keys(range(20_000))


def sampling(fraction: float, every: int = 1, seed: int = 0) -> RowSampling:
    return RowSampling(Parameters(bagging_fraction=fraction, bagging_freq=every), seed, HASHES)


@pytest.mark.parametrize("fraction", [0.1, 0.632, 0.9])
def test_the_declared_share_is_drawn(fraction: float) -> None:
    for number in range(3):
        drawn = sampling(fraction).sampled(number)
        assert drawn is not None
        assert drawn.mean() == pytest.approx(fraction, abs=0.015)


def test_a_row_shares_no_fate_with_its_place() -> None:
    order = np.random.default_rng(0).permutation(HASHES.size)
    here, there = (
        sampling(0.5).sampled(7),
        RowSampling(Parameters(bagging_fraction=0.5, bagging_freq=1), 0, HASHES[order]),
    )
    assert here is not None
    assert np.array_equal(here[order], there.sampled(7))


def test_it_is_drawn_anew_every_so_many_rounds_and_by_the_seed() -> None:
    one = sampling(0.5, every=3)
    drawn = [one.sampled(number) for number in range(7)]
    assert [np.array_equal(drawn[0], other) for other in drawn] == [True, True, True, False, False, False, False]
    assert not np.array_equal(drawn[3], drawn[6])
    assert not np.array_equal(sampling(0.5).sampled(0), sampling(0.5, seed=1).sampled(0))


def test_draws_of_two_rounds_have_nothing_to_do_with_each_other() -> None:
    one = sampling(0.5)
    first, second = one.sampled(0), one.sampled(1)
    assert first is not None
    assert second is not None
    assert (first & second).mean() == pytest.approx(0.25, abs=0.01)


def test_a_round_draws_the_same_whatever_was_drawn_before() -> None:
    fresh, used = sampling(0.3), sampling(0.3)
    for number in range(5):
        used.sampled(number)
    assert np.array_equal(fresh.sampled(5), used.sampled(5))


def test_without_sampling_nothing_is_drawn() -> None:
    assert RowSampling(Parameters(), 0, HASHES).sampled(0) is None
