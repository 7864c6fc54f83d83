"""The training table: exactly the rows and columns asked for, whatever the files and row groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.config.learning import Fractions, Split
from loanwright.data.split import assign
from loanwright.errors import DataError, IntegrityFault
from loanwright.features.table import TrainingTable
from loanwright.storage import Store, open_store, publish, read_manifest
from tests.builders.tables import publish_table

ROWS = 250


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def uri(store: Store) -> str:
    return publish_table(store, rows=ROWS, features=3, rows_per_file=100, row_group=30)


@pytest.fixture
def table(uri: str, tmp_path: Path) -> TrainingTable:
    return TrainingTable.open(uri, tmp_path / "scratch")


@pytest.fixture
def whole(uri: str, tmp_path: Path) -> pa.Table:
    files = [tmp_path / "store/tables" / entry.path for entry in read_manifest(uri).files]
    return pa.concat_tables([pq.read_table(path) for path in files])


def test_it_knows_its_rows_and_features(table: TrainingTable) -> None:
    assert table.rows == ROWS
    assert table.feature_names == ["number_0", "number_1", "purpose_0"]
    assert [feature["type"] for feature in table.features] == ["number", "number", "category"]
    assert table.columns[-2:] == ["unit.sex", "unit.age"]
    assert table.maturity == 30 * 86_400


def test_keys_are_the_small_columns_in_order(table: TrainingTable, whole: pa.Table) -> None:
    keys = table.keys()
    assert keys.unit_hash.dtype == np.uint64
    assert keys.unit_hash.tolist() == whole["unit_hash"].to_pylist()
    assert keys.label.tolist() == whole["label"].to_pylist()
    assert keys.decision_time.dtype == np.dtype("datetime64[us]")
    assert keys.decision_time[0] == np.datetime64("2024-01-01T00:00:00")
    assert (np.diff(keys.decision_time) >= np.timedelta64(0, "us")).all()


def test_row_groups_cover_the_table_once(table: TrainingTable, whole: pa.Table) -> None:
    groups = list(table.row_groups())
    assert [start for start, _ in groups] == table.bounds[:-1] == [0, 30, 60, 90, 100, 130, 160, 190, 200, 230]
    assert table.bounds[-1] == ROWS
    assert pa.concat_tables([group for _, group in groups]).equals(whole)


def test_reads_just_the_rows_and_columns_asked_for(table: TrainingTable, whole: pa.Table) -> None:
    rows = np.random.default_rng(0).random(ROWS) < 0.3
    assert table.read(rows, ["unit.sex", "label"]).equals(whole.filter(rows).select(["unit.sex", "label"]))
    assert table.read(rows).equals(whole.filter(rows))


def test_reading_no_rows_gives_an_empty_table_with_the_columns(table: TrainingTable) -> None:
    empty = table.read(np.zeros(ROWS, dtype=np.bool_), ["label", "number_1"])
    assert (empty.num_rows, empty.column_names) == (0, ["label", "number_1"])


def test_an_unknown_column_is_named_with_its_near_name(table: TrainingTable) -> None:
    with pytest.raises(DataError, match=r"has no column 'numbr_1' \(did you mean 'number_1'\?\)"):
        table.read(np.ones(ROWS, dtype=np.bool_), ["numbr_1"])


def test_a_changed_file_is_never_read(uri: str, tmp_path: Path) -> None:
    path = tmp_path / "store/tables" / read_manifest(uri).files[1].path
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityFault, match="its bytes were changed"):
        TrainingTable.open(uri, tmp_path / "scratch")


def test_files_must_hold_the_rows_that_the_manifest_says(store: Store, uri: str, tmp_path: Path) -> None:
    manifest = read_manifest(uri)
    short = publish(store, "tables", manifest.body, manifest.files[:2])
    with pytest.raises(IntegrityFault, match="hold 200 rows, and it says 250"):
        TrainingTable.open(short, tmp_path / "scratch")


def test_the_split_is_applied_to_its_own_keys_and_maturity(table: TrainingTable) -> None:
    split = Split(method="hash", fractions=Fractions(train=0.6, calibration=0.2, test=0.2))
    keys = table.keys()
    expected = assign(split, 30 * 86_400, keys.unit_hash, keys.decision_time)
    assert table.part(split).tolist() == expected.tolist()
    assert {0, 1, 2} == set(expected.tolist())


@pytest.mark.parametrize(
    "rule",
    [
        {"method": "hash", "fractions": {"train": 0.6, "calibration": 0.2, "test": 0.2}},
        {"method": "time", "calibration_from": "2024-06-01", "test_from": "2024-09-01", "until": "2027-01-01"},
    ],
)
def test_a_decision_whose_label_is_not_final_at_the_datas_end_has_no_part(
    rule: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    uri = publish_table(store, rows=ROWS, days=ROWS + 100, observed_until="2024-11-01T00:00:00Z")
    table = TrainingTable.open(uri, tmp_path / "scratch")
    keys = table.keys()
    part = table.part(Split.model_validate(rule), keys)
    final = keys.decision_time <= np.datetime64("2024-10-02")
    assert (part[~final] == -1).all()
    assert set(part[final].tolist()) >= {0, 1, 2}


@pytest.mark.parametrize("span", [(0, 30), (99, 101), (100, 200), (249, 250), (0, ROWS)])
def test_a_piece_holds_the_row_groups_of_its_span_and_fetches_no_file_without_any(
    uri: str, whole: pa.Table, tmp_path: Path, span: tuple[int, int]
) -> None:
    entries = read_manifest(uri).files
    for number, entry in enumerate(entries):
        if not (span[0] < 100 * (number + 1) and 100 * number < span[1]):
            (tmp_path / "store/tables" / entry.path).unlink()
    piece = TrainingTable.open(uri, tmp_path / "scratch", span)
    edges = [*(file + group for file in range(0, ROWS, 100) for group in (0, 30, 60, 90) if file + group < ROWS), ROWS]
    assert piece.first == max(edge for edge in edges if edge <= span[0])
    assert piece.first + piece.rows == min(edge for edge in edges if edge >= span[1])
    mine = slice(piece.first, piece.first + piece.rows)
    assert piece.keys().unit_hash.tolist() == whole["unit_hash"].to_pylist()[mine]
    assert (
        piece.read(np.ones(piece.rows, dtype=np.bool_), ["number_1"])["number_1"].to_pylist()
        == (whole["number_1"].to_pylist()[mine])
    )
