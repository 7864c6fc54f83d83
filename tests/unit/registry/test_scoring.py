from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from loanwright.errors import DataError, StorageFault, UsageError
from loanwright.features.table import TrainingTable
from loanwright.registry import scoring_output
from loanwright.registry.bundles import Bundle
from loanwright.registry.scoring import score_file
from tests.unit.registry.conftest import Parts


@pytest.fixture
def bundle(bundle_uri: str, tmp_path: Path) -> Bundle:
    return Bundle.open(bundle_uri, tmp_path / "scratch")


@pytest.fixture
def rows(parts: Parts, tmp_path: Path) -> pa.Table:
    """The training table itself: 1500 rows."""
    return TrainingTable.open(parts.table.uri, tmp_path / "scratch").read_group(0)


@pytest.fixture
def source(rows: pa.Table, tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(rows, path, row_group_size=400)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    """Where scores go; nothing but them may be left there."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder / "scores.parquet"
    assert {path.stem for path in folder.iterdir()} <= {"scores"}


def test_every_row_is_scored_in_its_order(bundle: Bundle, rows: pa.Table, source: Path, output: Path) -> None:
    assert score_file(bundle, source, output, chunk_rows=333) == 1500

    scores = pq.read_table(output)
    assert scores.column_names == ["unit_key", "decision_time", "score", "margin"]
    assert scores["unit_key"].equals(rows["unit_key"])
    assert scores["decision_time"].type == rows["decision_time"].type
    assert np.array_equal(scores["score"], bundle.scorer.probabilities(rows))
    assert np.array_equal(scores["margin"], bundle.scorer.margins(rows))


def test_the_size_of_the_chunks_changes_nothing(bundle: Bundle, source: Path, output: Path) -> None:
    score_file(bundle, source, output)
    whole = pq.read_table(output)
    score_file(bundle, source, output, chunk_rows=97)

    assert pq.read_table(output).equals(whole)


def test_columns_may_stand_in_any_order_among_others_without_keys(
    bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path
) -> None:
    names = [feature["name"] for feature in bundle.features]
    other = rows.select(names[::-1]).append_column("remark", pa.array(["x"] * rows.num_rows))
    purpose = other.schema.get_field_index("purpose_0")
    other = other.set_column(purpose, "purpose_0", other["purpose_0"].dictionary_encode())
    pq.write_table(other, tmp_path / "other.parquet")

    score_file(bundle, tmp_path / "other.parquet", output)

    scores = pq.read_table(output)
    assert scores.column_names == ["score", "margin"]
    assert np.array_equal(scores["score"], bundle.scorer.probabilities(rows))


def test_whole_numbers_nan_and_unknown_categories_score_as_what_they_mean(
    bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path
) -> None:
    def set_column(table: pa.Table, name: str, values: Any) -> pa.Table:
        return table.set_column(table.schema.get_field_index(name), name, pa.array(values))

    plain = set_column(rows, "number_0", [1.0] * 1500)
    plain = set_column(plain, "number_1", pa.nulls(1500, pa.float64()))
    plain = set_column(plain, "purpose_0", pa.nulls(1500, pa.string()))
    odd = set_column(rows, "number_0", [1] * 1500)
    odd = set_column(odd, "number_1", [float("nan")] * 1500)
    odd = set_column(odd, "purpose_0", ["yacht"] * 1500)
    pq.write_table(odd, tmp_path / "odd.parquet")

    score_file(bundle, tmp_path / "odd.parquet", output)

    assert np.array_equal(pq.read_table(output)["score"], bundle.scorer.probabilities(plain))


def test_no_rows_give_no_scores(bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path) -> None:
    pq.write_table(rows.slice(0, 0), tmp_path / "empty.parquet")

    assert score_file(bundle, tmp_path / "empty.parquet", output) == 0
    assert pq.read_table(output).num_rows == 0


@pytest.mark.parametrize("count", [0, 3])
def test_a_missing_feature_is_named_with_the_near_column(
    bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path, count: int
) -> None:
    names = ["number0" if name == "number_0" else name for name in rows.column_names]
    pq.write_table(rows.rename_columns(names).slice(0, count), tmp_path / "rows.parquet")

    with pytest.raises(DataError, match=r"rows\.parquet cannot be scored: .*'number_0'.*did you mean 'number"):
        score_file(bundle, tmp_path / "rows.parquet", output)
    assert not output.exists()


@pytest.mark.parametrize(("name", "values"), [("number_2", ["much"] * 3), ("purpose_0", [1, 2, 3])])
def test_a_column_of_another_type_is_named(
    bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path, name: str, values: list[Any]
) -> None:
    few = rows.slice(0, 3)
    pq.write_table(few.set_column(few.schema.get_field_index(name), name, pa.array(values)), tmp_path / "rows.parquet")

    with pytest.raises(DataError, match=rf"column '{name}' holds"):
        score_file(bundle, tmp_path / "rows.parquet", output)


@pytest.mark.parametrize("content", [b"", b"unit_key,number_0\n1,2\n", b"PAR1" + b"\0" * 200 + b"PAR1"])
def test_what_is_not_parquet_is_refused(bundle: Bundle, output: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(content)

    with pytest.raises(DataError, match=r"rows\.csv cannot be read as parquet"):
        score_file(bundle, tmp_path / "rows.csv", output)


def test_a_file_that_breaks_off_in_its_midst_leaves_no_scores(bundle: Bundle, source: Path, output: Path) -> None:
    data = bytearray(source.read_bytes())
    start = pq.ParquetFile(source).metadata.row_group(2).column(4).data_page_offset
    data[start : start + 300] = b"\xff" * 300
    source.write_bytes(data)

    with pytest.raises(DataError, match=r"rows\.parquet cannot be read as parquet"):
        score_file(bundle, source, output, chunk_rows=100)
    assert not output.exists()


def test_an_input_that_is_not_there_is_a_usage_error(bundle: Bundle, output: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        score_file(bundle, tmp_path / "nothing.parquet", output)


def test_an_output_that_cannot_be_is_a_usage_error(bundle: Bundle, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        score_file(bundle, source, tmp_path / "nowhere" / "scores.parquet")
    with pytest.raises(UsageError, match="cannot be written"):
        score_file(bundle, source, tmp_path)
    link = tmp_path / "link.parquet"
    link.symlink_to(source)
    with pytest.raises(UsageError, match="is the input itself"):
        score_file(bundle, source, link)
    assert pq.read_metadata(source).num_rows == 1500


def test_a_failing_write_keeps_the_earlier_scores(
    bundle: Bundle, source: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output.write_bytes(b"earlier")

    def no_space(self: Path, target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(scoring_output.Path, "replace", no_space)
    with pytest.raises(StorageFault, match=r"cannot write .*scores\.parquet: No space left on device"):
        score_file(bundle, source, output)
    assert output.read_bytes() == b"earlier"


def test_an_output_called_csv_is_csv(bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path) -> None:
    keys = pa.array([f'k"{number}, \n' for number in range(rows.num_rows)])
    keyed = rows.set_column(rows.schema.get_field_index("unit_key"), "unit_key", keys)
    pq.write_table(keyed, tmp_path / "keyed.parquet")

    score_file(bundle, tmp_path / "keyed.parquet", output.with_suffix(".csv"), chunk_rows=333)

    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    scores = arrow_csv.read_csv(output.with_suffix(".csv"), parse_options=parsing)
    assert scores.column_names == ["unit_key", "decision_time", "score", "margin"]
    assert scores["unit_key"].to_pylist() == keys.to_pylist()
    assert np.array_equal(scores["score"], bundle.scorer.probabilities(rows))


def test_an_output_whose_name_tells_no_format_is_refused(bundle: Bundle, source: Path, output: Path) -> None:
    with pytest.raises(UsageError, match=r"scores\.xlsx ends in none of \.parquet, \.pq and \.csv"):
        score_file(bundle, source, output.with_suffix(".xlsx"))


def test_a_key_that_csv_cannot_hold_is_refused(bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path) -> None:
    keys = pa.array([[1]] * rows.num_rows)
    pq.write_table(
        rows.set_column(rows.schema.get_field_index("unit_key"), "unit_key", keys), tmp_path / "keyed.parquet"
    )

    with pytest.raises(DataError, match=r"cannot hold the scores as CSV: .*list.*Write parquet"):
        score_file(bundle, tmp_path / "keyed.parquet", output.with_suffix(".csv"))
    assert not output.with_suffix(".csv").exists()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_refused_with_its_row(
    bundle: Bundle, rows: pa.Table, output: Path, tmp_path: Path, value: float
) -> None:
    values = np.zeros(rows.num_rows)
    values[[700, 900]] = value
    place = rows.schema.get_field_index("number_1")
    pq.write_table(rows.set_column(place, "number_1", pa.array(values)), tmp_path / "odd.parquet")

    with pytest.raises(DataError, match="column 'number_1' holds an infinite value in row 701, and the model"):
        score_file(bundle, tmp_path / "odd.parquet", output, chunk_rows=333)
    assert not output.exists()


def test_progress_counts_the_rows(bundle: Bundle, source: Path, output: Path) -> None:
    told: list[int] = []
    score_file(bundle, source, output, chunk_rows=400, watch=told.append)
    assert told == [400, 800, 1200, 1500]
