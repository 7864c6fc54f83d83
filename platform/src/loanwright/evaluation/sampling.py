"""Rows chosen by a hash of their unit: the same ones on every machine, and whatever the rows' order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample(unit_hash: NDArray[np.uint64], among: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """At most `limit` of the rows in `among`, those of the smallest mixed hash.

    The hash is mixed first (the finaliser of splitmix64), because a split by hash deals the parts by the
    hash itself: its smallest values would all be of one part, and of no other in a table of several.

    Args:
        unit_hash: (rows,) the table's hash of each unit's key.
        among: (rows,) which rows may be chosen.
        limit: how many at most.
    """
    rows = np.flatnonzero(among)
    if len(rows) <= limit:
        return among.copy()
    mixed = unit_hash[rows]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    chosen = np.zeros(len(among), dtype=np.bool_)
    chosen[rows[np.argsort(mixed, kind="stable")[:limit]]] = True
    return chosen
