"""Which rows a round is fitted on: a hash of the row's id and the round, so neither place nor process matters."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from loanwright.config.learning import Parameters
from loanwright.data.dealing import bound, mixed
from loanwright.training.parameters import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RowSampling:
    """Draws `bagging_fraction` of the rows anew every `bagging_freq` rounds; rows of one unit share their fate.

    Args:
        parameters: the declared ones.
        seed: the declared seed.
        unit_hash: (rows,) of each row's unit; None does where all rows are drawn.
    """

    def __init__(self, parameters: Parameters, seed: int, unit_hash: NDArray[np.uint64] | None) -> None:
        self._every = parameters.bagging_freq if parameters.bagging_fraction < 1 else 0
        self._below = bound(Fraction(str(parameters.bagging_fraction)))
        self._seed = seed
        self._hash = unit_hash if self._every else None
        self._drawn = -1
        self._sampled: NDArray[np.bool_] | None = None

    def sampled(self, number: int) -> NDArray[np.bool_] | None:
        """(rows,) whether each row is fitted on in that round, counted from 0; None where all are."""
        if self._hash is not None and number // self._every != self._drawn:
            self._drawn = number // self._every
            self._sampled = mixed(self._hash, derive_seed(self._seed, f"rows {self._drawn}")) < self._below
        return self._sampled
