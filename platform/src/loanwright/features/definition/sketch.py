"""Distinct counts that are estimated: linear counting.

Whang, Vander-Zanden and Taylor, "A linear-time probabilistic counting algorithm for database applications",
ACM Transactions on Database Systems 15(2), 1990. Each value falls into one of m cells by its digest, and of
the number of cells that hold anything the number of values is estimated. The estimates are a table that is
calculated in decimal, so that no engine's own logarithm is ever asked.
"""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache

_DIGITS = 34
_STEP = Decimal("0.001")


def cell(text: str, cells: int) -> int:
    """The cell that a value falls into: the first 64 bits of its text's MD5 digest, modulo the number of cells."""
    digest = hashlib.md5(text.encode("utf-8"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big") % cells


@cache
def linear_counting(cells: int) -> tuple[float, ...]:
    """The estimate for each number of cells that hold anything, from 0 to all of them.

    With z of m cells taken it is m ln(m / (m - z)), rounded half to even to 3 decimals. When all are taken
    that is infinite; what stands there instead, m ln(m) + m, says only that it is more than can be told.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        m = Decimal(cells)
        estimates = [m * (m / (m - z)).ln() for z in range(cells)]
        estimates.append(estimates[-1] + m)
        return tuple(float(each.quantize(_STEP, ROUND_HALF_EVEN)) for each in estimates)
