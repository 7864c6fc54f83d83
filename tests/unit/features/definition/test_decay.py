"""Weights by age: fixed-point, exact at whole half-lives, and read by whole intervals."""

from __future__ import annotations

from fractions import Fraction

import pytest

from loanwright.features.definition.decay import WEIGHT_ONE, decay_table, intervals_of

DAY = 86_400
SECOND = 1_000_000


def test_a_row_weighs_half_after_each_half_life() -> None:
    assert decay_table(7 * DAY, 7 * DAY, 4) == (2**32, 2**31, 2**30, 2**29)
    assert decay_table(DAY, 7 * DAY, 15)[::7] == (2**32, 2**31, 2**30)


def test_weights_are_the_nearest_whole_numbers() -> None:
    table = decay_table(DAY, 7 * DAY, 90)
    assert len(table) == 90
    assert table[0] == WEIGHT_ONE
    for n, weight in enumerate(table):
        # weight = 2^32 2^(-n/7), so its seventh power is 2^(224 - n).
        assert Fraction(2 * weight - 1, 2) ** 7 <= Fraction(2) ** (224 - n) <= Fraction(2 * weight + 1, 2) ** 7


def test_a_weight_is_never_nothing() -> None:
    assert decay_table(1, 1, 36)[30:] == (4, 2, 1, 1, 1, 1)


def test_decimal_settings_of_the_caller_change_nothing() -> None:
    import decimal

    wanted = decay_table(3_601, 10_007, 50)
    decay_table.cache_clear()
    with decimal.localcontext() as context:
        context.prec = 5
        context.rounding = decimal.ROUND_UP
        assert decay_table(3_601, 10_007, 50) == wanted


@pytest.mark.parametrize(
    ("age", "n"),
    [(1, 0), (DAY * SECOND - 1, 0), (DAY * SECOND, 0), (DAY * SECOND + 1, 1), (2 * DAY * SECOND, 1)],
)
def test_an_interval_is_open_where_the_window_is(age: int, n: int) -> None:
    assert intervals_of(age, DAY) == n
