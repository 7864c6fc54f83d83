"""Reason codes: the adverse contributions only, in the bundle's words, the strongest first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import UsageError
from loanwright.features.table import TrainingTable
from loanwright.registry import scoring_reasons
from loanwright.registry.bundles import Bundle, assemble
from loanwright.registry.scoring import score_file
from loanwright.registry.scoring_reasons import Reasons
from tests.unit.registry.conftest import Parts

Make = Callable[[dict[str, str]], Bundle]
WORDS = {"number_0": "Debt", "number_1": "Debt", "number_2": "Income"}


@pytest.fixture
def bundle_with(parts: Parts, tmp_path: Path) -> Make:
    """Bundles that differ in their words for reasons."""

    def make(reasons: dict[str, str]) -> Bundle:
        uri = assemble(
            parts.store,
            tmp_path,
            table=parts.table,
            booster=parts.booster,
            calibrator=parts.calibrator,
            reference={},
            reasons=reasons,
            model_card={},
        )
        return Bundle.open(uri, tmp_path / "scratch")

    return make


@pytest.fixture
def rows(parts: Parts, tmp_path: Path) -> pa.Table:
    return TrainingTable.open(parts.table.uri, tmp_path / "scratch").read_group(0)


def explained(bundle: Bundle, rows: pa.Table, most: int) -> pa.Table:
    reasons = Reasons(bundle, most)
    matrix = bundle.scorer.encoding.matrix(rows)
    return pa.Table.from_arrays(reasons.columns(matrix), schema=pa.schema(reasons.fields()))


def test_reasons_are_the_adverse_contributions_in_words(bundle_with: Make, rows: pa.Table) -> None:
    bundle = bundle_with(WORDS)
    found = explained(bundle, rows, 2).to_pylist()
    contributions = bundle.scorer.contributions(rows)
    names = bundle.scorer.feature_names
    other = [place for place, name in enumerate(names) if name not in WORDS]
    given = 0
    for row, one in zip(found, contributions, strict=True):
        of = dict(zip(names, one, strict=False))
        effects = {"Debt": of["number_0"] + of["number_1"], "Income": of["number_2"]}
        expected = sorted(((value, words) for words, value in effects.items() if value > 0), reverse=True)
        said = [(row[f"effect_{n}"], row[f"reason_{n}"]) for n in (1, 2) if row[f"reason_{n}"] is not None]
        assert [words for _, words in said] == [words for _, words in expected]
        assert [value for value, _ in said] == pytest.approx([value for value, _ in expected])
        assert row["unworded_effect"] == pytest.approx(np.maximum(one[other], 0).sum())
        given += len(said)
    assert 0 < given < 2 * len(found)  # some rows have fewer than two


def test_what_has_no_words_is_never_a_reason(bundle_with: Make, rows: pa.Table) -> None:
    found = explained(bundle_with({"number_2": "Income"}), rows, 1)
    assert set(found["reason_1"].to_pylist()) == {"Income", None}


def test_few_rows_at_a_time_give_the_same(bundle_with: Make, rows: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = bundle_with(WORDS)
    whole = explained(bundle, rows, 2)
    monkeypatch.setattr(scoring_reasons, "_CELLS", 100)
    assert explained(bundle, rows, 2).equals(whole)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_of_scores_holds_them(bundle_with: Make, rows: pa.Table, tmp_path: Path, suffix: str) -> None:
    bundle = bundle_with(WORDS)
    pq.write_table(rows, tmp_path / "rows.parquet")
    output = tmp_path / f"scores{suffix}"
    score_file(bundle, tmp_path / "rows.parquet", output, reasons=2, chunk_rows=333)
    names = ["score", "margin", "reason_1", "effect_1", "reason_2", "effect_2", "unworded_effect"]
    if suffix == ".csv":
        assert output.read_text().splitlines()[0].replace('"', "").split(",")[2:] == names
        return
    found = pq.read_table(output)
    assert found.column_names[2:] == names
    assert found.select(names[2:]).equals(explained(bundle, rows, 2))


def test_no_rows_have_no_reasons(bundle_with: Make, rows: pa.Table) -> None:
    assert explained(bundle_with(WORDS), rows.slice(0, 0), 1).num_rows == 0


@pytest.mark.parametrize("most", [-1, 3])
def test_more_reasons_than_there_are_words_for_are_refused(bundle_with: Make, most: int) -> None:
    with pytest.raises(UsageError, match=f"{most} reasons for a row are asked for, and the bundle has words for 2"):
        Reasons(bundle_with(WORDS), most)


def test_a_bundle_without_words_gives_no_reasons(bundle_with: Make) -> None:
    with pytest.raises(UsageError, match=r"has no words for reasons.*evaluation\.reasons"):
        Reasons(bundle_with({}), 1)
