"""Whether two contenders of `point_in_time` found the same features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def disagreements(ours: Path, theirs: Path, features: Sequence[str]) -> int:
    """How many values differ by more than a millionth; one that is missing on one side alone differs.

    Args:
        ours: parquet, with the decision's id in `unit_key`.
        theirs: parquet, with the decision's id in `decision_id`.
        features: columns of both.
    """
    one = pq.read_table(ours).sort_by("unit_key")
    other = pq.read_table(theirs).sort_by("decision_id")
    if not np.array_equal(one["unit_key"].to_numpy(), other["decision_id"].to_numpy()):
        raise SystemExit(f"{theirs.name} is not of the same decisions")
    differing = 0
    for name in features:
        mine, yours = (table[name].cast(pa.float64()).to_numpy() for table in (one, other))
        differing += int((~np.isclose(mine, yours, rtol=1e-6, atol=1e-6, equal_nan=True)).sum())
    return differing
