"""Linear counting: cells by digest, estimates from a table."""

from __future__ import annotations

import decimal
import hashlib
import itertools
import math

import pytest

from loanwright.features.definition.sketch import cell, linear_counting


def test_a_cell_is_the_first_64_bits_of_the_texts_digest() -> None:
    for text in ("", "a", "ä", "42", "true"):
        assert cell(text, 1024) == int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:16], 16) % 1024
    assert cell("", 256) == 0xD41D8CD98F00B204 % 256, "the digest of nothing is well known"


@pytest.mark.parametrize("cells", [256, 1024, 4096, 16384])
def test_estimates_are_the_papers_formula_to_three_decimals(cells: int) -> None:
    table = linear_counting(cells)
    assert len(table) == cells + 1
    assert table[:2] == (0.0, round(cells * math.log(cells / (cells - 1)), 3))
    for z in range(cells):
        assert abs(table[z] - cells * math.log(cells / (cells - z))) < 0.000_51
    assert table[cells] == pytest.approx(cells * math.log(cells) + cells, abs=0.000_51)
    assert all(low < high for low, high in itertools.pairwise(table))


def test_decimal_settings_of_the_caller_change_nothing() -> None:
    wanted = linear_counting(256)
    linear_counting.cache_clear()
    with decimal.localcontext() as context:
        context.prec = 4
        assert linear_counting(256) == wanted


@pytest.mark.parametrize("distinct", [10, 200, 1000, 3000])
def test_the_estimate_is_near_the_count(distinct: int) -> None:
    cells = len({cell(str(value), 4096) for value in range(distinct)})
    load = distinct / 4096
    error = math.sqrt(4096 * (math.exp(load) - load - 1))
    assert abs(linear_counting(4096)[cells] - distinct) <= 4 * error + 1
