"""Which rows each process gets: stretches of the table, so that each one reads row groups of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from loanwright.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def deal(rows: NDArray[np.bool_], shares: Sequence[float]) -> list[tuple[int, int]]:
    """A stretch of the table for each process: its first row, and the one behind its last.

    Args:
        rows: one truth value for each row of the table: those that are dealt.
        shares: how many of these each process gets, as parts of their sum.

    Raises:
        DataError: a process would get none.
    """
    chosen = np.flatnonzero(rows)
    exact = [Fraction(str(share)) for share in shares]
    cuts = [int(len(chosen) * sum(exact[:number]) / sum(exact)) for number in range(len(exact) + 1)]
    if any(end == start for start, end in pairwise(cuts)):
        raise DataError(
            f"{len(chosen):,} rows to train on are too few for {len(shares)} workers", fix="Ask for fewer workers"
        )
    edges = [0, *(int(chosen[cut]) for cut in cuts[1:-1]), rows.size]
    return list(pairwise(edges))
