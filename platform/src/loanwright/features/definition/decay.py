"""How much a row weighs by its age: a table of whole numbers, so that decayed sums add up exactly.

Exponential decay is declared by a half-life and counted in whole intervals, and the weights are fixed-point
numbers that are calculated in decimal: no engine's own exponential function is ever asked.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache

WEIGHT_BITS = 32
"""A weight of 1 is 2 to this power."""
WEIGHT_ONE = 1 << WEIGHT_BITS
_DIGITS = 60


@cache
def decay_table(interval: int, half_life: int, intervals: int) -> tuple[int, ...]:
    """The weights of rows of age (n, n + 1] intervals, for n from 0: 2^32 / 2^(n interval / half_life), at least 1.

    Args:
        interval: seconds of the intervals that age is counted in.
        half_life: seconds after which a row weighs half.
        intervals: how many weights; older rows do not count.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        two = Decimal(2)
        weights = (WEIGHT_ONE * two ** (-Decimal(n * interval) / Decimal(half_life)) for n in range(intervals))
        return tuple(max(1, int(weight.to_integral_value(ROUND_HALF_EVEN))) for weight in weights)


def intervals_of(age: int, interval: int) -> int:
    """How many whole intervals old a row is.

    Args:
        age: microseconds from the row to the window's end, above 0.
        interval: seconds. A row that is exactly n + 1 intervals old is n old, as a window is open at its end.
    """
    return (age - 1) // (interval * 1_000_000)
