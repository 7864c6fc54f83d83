"""Rows chosen by a hash of their unit: the same ones on every machine, and whatever the rows' order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample(unit_hash: NDArray[np.uint64], among: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """At most `limit` of the rows in `among`, those of the smallest hash.

    The parts of a split are dealt by another hash of the hash, so the rows of a part are as good as any.

    Args:
        unit_hash: (rows,) the table's hash of each unit's key.
        among: (rows,) which rows may be chosen.
        limit: how many at most.
    """
    rows = np.flatnonzero(among)
    if len(rows) <= limit:
        return among.copy()
    chosen = np.zeros(len(among), dtype=np.bool_)
    chosen[rows[np.argsort(unit_hash[rows], kind="stable")[:limit]]] = True
    return chosen
