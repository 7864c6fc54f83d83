"""The truth: it is the chance with which things happen, it bounds every model, and no pipeline reads it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from loanwright.data.sources import open_parts
from loanwright.data.world.addresses import truth_summary
from loanwright.data.world.generation import SUMMARY
from loanwright.data.world.marginals import marginals
from loanwright.data.world.truth import APPROVALS, BINS, OUTCOMES, auc
from loanwright.errors import DataError, DeclarationError
from tests.unit.data.declarations import applicants
from tests.unit.data.worlds import ask, small_world

KNOWN = "outcome IN (0, 1)"


def published() -> dict[str, object]:
    found: dict[str, object] = json.loads((small_world().folder / SUMMARY).read_bytes())
    return found


def test_the_outcome_is_the_label_that_events_tell() -> None:
    query = """SELECT count(*), sum(outcome), count(*) FILTER ((outcome = 1) <> defaulted) FROM (
        SELECT t.outcome, EXISTS (SELECT 1 FROM instalment_events AS e WHERE e.application_id = c.application_id
            AND e.status = 'late_30' AND e.happened_at >= c.checked_out_at
            AND e.happened_at < c.checked_out_at + INTERVAL 90 DAY) AS defaulted
        FROM checkouts AS c JOIN truth AS t USING (application_id) WHERE outcome IN (0, 1))"""
    loans, defaults, different = ask(query)[0]
    assert loans > 20_000
    assert defaults > 400
    assert different == 0


def test_what_is_said_to_be_chance_is() -> None:
    rows = ask(f"SELECT probability, outcome FROM truth WHERE {KNOWN} ORDER BY probability")
    chance, outcome = np.array(rows).T
    for expected, found in zip(np.array_split(chance, 8), np.array_split(outcome, 8), strict=True):
        spread = np.sqrt((expected * (1 - expected)).sum())
        assert abs(found.sum() - expected.sum()) < 4 * spread


def test_the_truth_tells_defaults_and_the_summary_tells_its_auc() -> None:
    chance, outcome = np.array(ask(f"SELECT probability, outcome FROM truth WHERE {KNOWN}")).T
    exact = roc_auc_score(outcome, chance)
    assert exact > 0.8
    assert auc(published()) == pytest.approx(exact, abs=2e-4)


def test_the_auc_of_some_months_is_theirs() -> None:
    some = ("2025-01", "2025-02", "2025-03")
    rows = ask(f"SELECT probability, outcome FROM truth WHERE {KNOWN} AND strftime(applied_at, '%Y-%m') IN {some}")
    chance, outcome = np.array(rows).T
    assert auc(published(), months=some) == pytest.approx(roc_auc_score(outcome, chance), abs=5e-4)
    assert auc(published(), months=["1999-01"]) is None


def test_the_summary_counts_every_application_once() -> None:
    cells = published()["cells"]
    assert isinstance(cells, list)
    counted = {
        (cell["month"], cell["approval"], cell["outcome"]): sum(count for _, count in cell["bins"]) for cell in cells
    }
    rows = ask("SELECT strftime(applied_at, '%Y-%m'), approval, outcome, count(*) FROM truth GROUP BY ALL")
    assert counted == {(month, APPROVALS[a], OUTCOMES[o]): count for month, a, o, count in rows}
    assert all(0 <= place < BINS for cell in cells for place, _ in cell["bins"])


def test_the_policy_declines_the_worse_risks() -> None:
    approved, declined = ask("SELECT avg(probability) FROM truth GROUP BY approval = 2 ORDER BY approval = 2")
    assert declined > 2 * approved


def test_earlier_lateness_tells_of_the_customer() -> None:
    query = """SELECT avg(outcome) FROM (
        SELECT t.outcome, EXISTS (SELECT 1 FROM instalment_events AS e WHERE e.customer_id = c.customer_id
            AND e.status = 'late_1' AND e.known_at < c.known_at) AS late
        FROM checkouts AS c JOIN truth AS t USING (application_id) WHERE outcome IN (0, 1)
    ) GROUP BY late ORDER BY late"""
    never, before = ask(query)
    assert before > 1.8 * never


def test_devices_of_many_customers_tell_of_fraud() -> None:
    query = """SELECT avg(outcome) FROM checkouts JOIN truth USING (application_id)
        WHERE outcome IN (0, 1) AND device_id IN (
            SELECT device_id FROM devices GROUP BY 1 HAVING count(DISTINCT customer_id) > 1)"""
    assert ask(query)[0] > 0.4


def test_no_address_leads_to_the_truth(tmp_path: Path) -> None:
    for uri in ("world://truth", "world://../truth", "world://tables/../truth", "world://truth_summary"):
        with pytest.raises(DeclarationError, match="names no table of the world"):
            list(open_parts(applicants(uri).sources[0], tmp_path, tmp_path))
    (path,) = (small_world().folder / "truth").iterdir()
    for place in (path, path.parent):
        with pytest.raises(DataError, match="is the truth of a synthetic world"):
            list(open_parts(applicants(place, format="parquet").sources[0], tmp_path, tmp_path))


def test_the_summary_is_found_by_address(tmp_path: Path) -> None:
    found = truth_summary("world://checkouts?customers=300&seed=5&months=8", tmp_path)
    assert found["synthetic"] is True
    assert found["recipe"]["customers"] == 300


def test_the_rates_are_of_public_orders_of_magnitude() -> None:
    rates = marginals(small_world())
    assert [rate.name for rate in rates] == [
        "approved", "default", "late", "late_customers", "refunded", "disputed", "charged_back",
    ]  # fmt: skip
    assert [rate for rate in rates if not rate.plausible] == []
