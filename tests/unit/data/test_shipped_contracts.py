"""The contracts of the shipped models: what they bar, and (slow) that the real data keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.config.reading import read_declaration
from loanwright.storage import read_manifest
from tests.unit.data.declarations import run

PIPELINES = Path(__file__).parents[3] / "pipelines"
PROTECTED = {"sex", "marital_status", "foreign_worker"}
ROWS = {
    "credit_default": {"clients": 30_000, "statements": 180_000},
    "delinquency": {"applicants": 150_000},
    "private_label": {"applications": 39_988},
    "german_credit": {"applicants": 1_000},
}


@pytest.mark.parametrize("model", ROWS)
def test_protected_attributes_are_carried_and_never_used(model: str) -> None:
    declaration = read_declaration(PIPELINES / model / "model.yaml")
    columns = declaration.data.unit_source.columns
    protected = [column for column in columns if column.name in PROTECTED]
    assert all(column.barred and column.slice for column in protected)
    assert declaration.data.label.column in {column.name for column in columns if column.barred}


@pytest.mark.parametrize("model", ["credit_default", "private_label", "german_credit"])
def test_protected_attributes_are_shown_as_slices(model: str) -> None:
    declaration = read_declaration(PIPELINES / model / "model.yaml")
    sliced = {chosen.column for chosen in declaration.evaluation.slices}
    assert sliced >= PROTECTED & {column.name for column in declaration.data.unit_source.columns}


@pytest.mark.slow
@pytest.mark.parametrize("model", ROWS)
def test_the_real_data_keeps_the_contract(model: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = tmp_path_factory.getbasetemp() / "public"
    found = run(read_declaration(PIPELINES / model / "model.yaml").data, tmp_path, cache=cache)
    assert found.rows == ROWS[model]
    assert read_manifest(found.uri).body["synthetic"] is False
