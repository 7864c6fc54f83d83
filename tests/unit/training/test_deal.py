"""Every row to fit on goes to one process."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from loanwright.errors import DataError
from loanwright.training.deal import deal

ROWS = np.random.default_rng(0).random(1000) < 0.4


@pytest.mark.parametrize("shares", [[1], [1, 1], [0.9, 0.1], [1, 1, 1], [0.1] * 10, [5, 1, 1, 3]])
def test_each_gets_its_part_and_no_row_is_lost_or_given_twice(shares: list[float]) -> None:
    spans = deal(ROWS, shares)
    assert (spans[0][0], spans[-1][1]) == (0, 1000)
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    counts = [int(ROWS[start:end].sum()) for start, end in spans]
    assert counts == pytest.approx([share / sum(shares) * ROWS.sum() for share in shares], abs=1)


def test_too_few_rows_are_refused() -> None:
    rows = np.zeros(50, dtype=np.bool_)
    rows[10:13] = True
    assert deal(rows, [1, 1, 1]) == [(0, 11), (11, 12), (12, 50)]
    with pytest.raises(DataError, match="3 rows to train on are too few for 4 workers"):
        deal(rows, [1, 1, 1, 1])
