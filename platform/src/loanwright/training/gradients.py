"""The log loss's gradients, rounded so that their sums are exact.

LightGBM adds gradients up in doubles, in an order that depends on how many processes there are and which rows each
one has. Floating-point sums depend on their order, unless every sum is a multiple of one power of two and smaller
than 2^53 of them: then no addition rounds, and no order matters. So each gradient is rounded to such a multiple,
the finest one that the number of rows allows (2^-33 for half a million rows).

The sigmoid is made of additions, multiplications and divisions alone, whose results IEEE 754 fixes: libraries'
exponentials differ in the last digit from one processor to the next.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_ONCE = 16_384
"""Rows that fit into a core's cache with all that is made of them."""
_DOUBLE_BITS = 53
_LARGEST = 60.0
"""Beyond this log-odds the probability is 0 or 1 in doubles."""


class LogLoss:
    """First and second derivatives of the log loss with respect to the log-odds.

    Args:
        label: (rows,) 0 or 1.
        weight: (rows,) how often each row counts; None: once.
        rows: of all processes together.
        largest_weight: of all processes together; 1 without weights.
    """

    def __init__(
        self, label: NDArray[np.int8], weight: NDArray[np.float32] | None, rows: int, largest_weight: float = 1.0
    ) -> None:
        self._label, self._weight = label, weight
        self.scale = 2.0 ** (_DOUBLE_BITS - 1 - math.ceil(math.log2(rows * max(largest_weight, 1.0))))
        self._gradient = np.empty(label.size, dtype=np.float32)
        self._hessian = np.empty(label.size, dtype=np.float32)

    def __call__(
        self, scores: NDArray[np.float64], sampled: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Gradient and hessian of each row at these log-odds; zero where a row is not sampled.

        The arrays are the same ones at each call.
        """
        for start in range(0, self._label.size, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            probability = sigmoid(scores[part])
            gradient = probability - self._label[part]
            hessian = probability * (1.0 - probability)
            if self._weight is not None:
                gradient *= self._weight[part]
                hessian *= self._weight[part]
            if sampled is not None:
                gradient *= sampled[part]
                hessian *= sampled[part]
            self._gradient[part] = self._rounded(gradient)
            self._hessian[part] = self._rounded(hessian)
        return self._gradient, self._hessian

    def _rounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        values *= self.scale
        np.rint(values, out=values)
        values /= self.scale
        return values


def sigmoid(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-scores)), to 11 digits, and to the last bit the same on every processor.

    exp(r) by its Padé approximant of order [4/4], after powers of two are set apart.
    """
    x = np.minimum(np.maximum(scores, -_LARGEST), _LARGEST)
    np.negative(x, out=x)
    twos = np.rint(x * (1.0 / math.log(2.0)))
    x -= twos * math.log(2.0)
    square = x * x
    even = square + 180.0
    even *= square
    even += 1680.0
    odd = square * 20.0
    odd += 840.0
    odd *= x
    below = even - odd
    even += odd
    even *= ((twos.astype(np.int64) + 1023) << 52).view(np.float64)
    even += below
    below /= even
    return below
