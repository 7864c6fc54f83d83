"""Reference distributions and the stability index: right by hand, deaf to noise, awake to a shift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loanwright.evaluation.stability import psi, reference_distributions, shifts
from loanwright.storage import canonical_json

FEATURES = [{"name": "income", "type": "number"}, {"name": "purpose", "type": "category"}]


def table(seed: int, rows: int = 4000, shift: float = 0.0, purposes: str = "aaabbc") -> tuple[np.ndarray, pa.Table]:
    random = np.random.default_rng(seed)
    income = np.round(random.normal(size=rows) + shift, 1)
    return random.random(rows), pa.table(
        {
            "income": pa.array(income, mask=random.random(rows) < 0.1),
            "purpose": pa.array(random.choice(list(purposes), rows), mask=random.random(rows) < 0.05),
        }
    )


def of(column: list[Any], kind: str) -> dict[str, Any]:
    arrow = pa.table({"x": pa.array(column, pa.float64() if kind == "number" else pa.string())})
    found = reference_distributions(np.zeros(len(column)), arrow, [{"name": "x", "type": kind}])
    return dict(found["features"]["x"])


def test_the_index_by_hand() -> None:
    expected = 0.1 * np.log(0.6 / 0.5) + -0.1 * np.log(0.4 / 0.5)
    assert psi(np.array([0.5, 0.5]), np.array([0.6, 0.4])) == pytest.approx(expected)
    assert psi(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(2 * 0.9999 * np.log(1e4))


def test_numbers_have_deciles_that_occur_and_shares_that_add_up() -> None:
    found = of([float(n) for n in range(1, 101)] + [None] * 25, "number")
    assert found["edges"] == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert found["shares"] == pytest.approx([0.08] * 10)
    assert found["missing"] == 0.2


def test_a_number_of_few_values_has_few_bins_and_none_empty() -> None:
    assert of([0.0] * 60 + [1.0] * 40, "number") == {
        "type": "number",
        "edges": [0],
        "shares": [0.6, 0.4],
        "missing": 0,
    }
    assert of([7.0] * 10, "number")["shares"] == [1]
    assert of([None] * 10, "number") == {"type": "number", "edges": [], "shares": [0], "missing": 1}


def test_categories_keep_the_most_frequent_and_sum_up_the_rest() -> None:
    found = of([f"v{n:02}" for n in range(25) for _ in range(40 - n)] + [None] * 10, "category")
    assert found["values"] == [f"v{n:02}" for n in range(20)]
    assert sum(found["shares"]) + found["other"] + found["missing"] == pytest.approx(1)
    assert found["other"] == pytest.approx(sum(40 - n for n in range(20, 25)) / 710)


def test_the_reference_is_json_and_the_same_each_time() -> None:
    scores, rows = table(0)
    first = canonical_json(reference_distributions(scores, rows, FEATURES))
    assert first == canonical_json(reference_distributions(scores, rows.combine_chunks(), FEATURES))
    assert canonical_json(reference_distributions(np.array([0.5, np.inf]), rows.slice(0, 2), FEATURES))


def test_rows_against_themselves_do_not_move() -> None:
    scores, rows = table(0)
    found = shifts(reference_distributions(scores, rows, FEATURES), scores, rows)
    assert [(one.name, one.psi) for one in found] == [("score", 0), ("income", 0), ("purpose", 0)]


def test_noise_stays_small_and_a_shift_shows_where_it_is() -> None:
    reference = reference_distributions(*table(0), FEATURES)
    still = {one.name: one.psi for one in shifts(reference, *table(1))}
    assert max(still.values()) < 0.02
    scores, moved = table(2, shift=1.0, purposes="aaabbcdddd")
    found = {one.name: one.psi for one in shifts(reference, scores**2, moved)}
    assert min(found.values()) > 0.25
    scores, gone = table(3)
    gone = gone.set_column(0, "income", pa.nulls(gone.num_rows, pa.float64()))
    assert {one.name: one.psi for one in shifts(reference, scores, gone)}["income"] > 1
