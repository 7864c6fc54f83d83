"""Many rows are scored into parts: the same bytes by however many, and nothing that was begun otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.errors import DataError, UsageError
from loanwright.registry.batch.receipts import MANIFEST
from loanwright.registry.batch.run import score_into_parts
from loanwright.registry.bundles import Bundle
from loanwright.registry.scoring import score_file
from loanwright.storage import open_store
from tests.unit.registry.batch.conftest import PART_ROWS, Digests

Look = Callable[[str], Digests]


def test_every_row_is_scored_in_its_order_wherever_it_lies(
    bundle: Bundle, rows: pa.Table, places: tuple[str, str], scratch: Path
) -> None:
    told: list[tuple[int, int]] = []
    made = score_into_parts(
        bundle, *places, scratch, processes=1, part_rows=PART_ROWS, watch=lambda done, total: told.append((done, total))
    )

    assert (made.rows, made.parts, made.kept) == (1500, 8, 0)
    assert told[-1] == (1500, 1500)
    store = open_store(places[1])
    manifest = json.loads(store.read(MANIFEST))
    tables = []
    for part in manifest["parts"]:
        store.download(part["path"], scratch / part["path"])
        tables.append(pq.read_table(scratch / part["path"]))
        assert tables[-1].num_rows == part["rows"]
    scores = pa.concat_tables(tables)
    assert scores.column_names == ["unit_key", "decision_time", "score", "margin"]
    assert scores["unit_key"].to_pylist() == rows["unit_key"].to_pylist()
    assert np.array_equal(scores["score"], bundle.scorer.probabilities(rows))
    assert np.array_equal(scores["margin"], bundle.scorer.margins(rows))
    assert (manifest["bundle"], manifest["rows"]) == (bundle.digest, 1500)
    assert [(file["name"], file["rows"]) for file in manifest["input"]] == [
        ("a.parquet", 1000),
        ("b.parquet", 0),
        ("later/c.parquet", 500),
    ]
    assert [(part["input"], part["first_row"]) for part in manifest["parts"]][4:7] == [
        ("a.parquet", 800),
        ("later/c.parquet", 0),
        ("later/c.parquet", 200),
    ]
    assert not list(store.list("_progress/"))


@pytest.mark.parametrize("reasons", [0, 1])
def test_the_bytes_do_not_depend_on_the_processes(
    bundle: Bundle, folder: Path, tmp_path: Path, scratch: Path, digests: Look, reasons: int
) -> None:
    found = []
    for processes in (1, 2, 3):
        place = str(tmp_path / f"by-{processes}")
        score_into_parts(
            bundle,
            str(folder),
            place,
            scratch,
            reasons=reasons,
            processes=processes,
            part_rows=150 + 50 * (not reasons),
        )
        found.append(digests(place))
    assert len(found[0]) == (8 if not reasons else 11) + 1
    assert found[0] == found[1] == found[2]


def test_parts_hold_what_one_file_would(bundle: Bundle, folder: Path, tmp_path: Path, scratch: Path) -> None:
    score_file(bundle, folder / "a.parquet", tmp_path / "whole.parquet", reasons=1)

    made = score_into_parts(
        bundle, str(folder / "a.parquet"), str(tmp_path / "cut"), scratch, reasons=1, processes=1, part_rows=130
    )

    assert made.parts == 8  # row groups of 100 are cut where reasons are asked for
    assert pq.read_table(tmp_path / "cut").equals(pq.read_table(tmp_path / "whole.parquet"))


def test_a_row_group_is_read_in_pieces(
    bundle: Bundle, folder: Path, tmp_path: Path, scratch: Path, digests: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_into_parts(bundle, str(folder), str(tmp_path / "one"), scratch, processes=1)
    monkeypatch.setattr("loanwright.registry.batch.chunks._CELLS", 70)
    score_into_parts(bundle, str(folder), str(tmp_path / "two"), scratch, processes=1)
    assert digests(str(tmp_path / "one")) == digests(str(tmp_path / "two"))


def test_what_is_finished_is_verified_and_left_alone(
    bundle: Bundle, places: tuple[str, str], scratch: Path, digests: Look
) -> None:
    score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS)
    before = digests(places[1])

    again = score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS)

    assert (again.kept, again.parts) == (8, 8)
    assert digests(places[1]) == before


@pytest.mark.parametrize("damage", ["changed", "cut short", "gone"])
def test_a_finished_part_that_was_damaged_is_made_again(
    bundle: Bundle, places: tuple[str, str], scratch: Path, digests: Look, damage: str
) -> None:
    score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS)
    before = digests(places[1])
    store = open_store(places[1])
    data = store.read("part-000002.parquet")
    store.delete("part-000002.parquet")
    if damage != "gone":
        store.write("part-000002.parquet", data[:-9] if damage == "cut short" else b"x" + data[1:])

    again = score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS)

    assert again.kept == 7
    assert digests(places[1]) == before


def _empty(folder: Path) -> Any:
    for path in folder.rglob("*.parquet"):
        path.unlink()


@pytest.mark.parametrize(
    ("break_it", "kind", "words"),
    [
        (_empty, UsageError, r"there is nothing to score at .*rows"),
        (lambda folder: (folder / "x.csv").write_text("a,b\n1,2\n"), DataError, r"x\.csv is not a parquet file"),
        (lambda folder: (folder / "x.parquet").write_bytes(b""), DataError, r"x\.parquet is not a parquet file"),
        (lambda folder: (folder / "x.parquet").write_bytes(b"PAR1" * 9), DataError, r"x\.parquet cannot be read"),
    ],
)
def test_what_cannot_be_scored_is_told_before_anything_is_written(
    bundle: Bundle, folder: Path, tmp_path: Path, scratch: Path, break_it: Any, kind: Any, words: str
) -> None:
    break_it(folder)
    with pytest.raises(kind, match=words):
        score_into_parts(bundle, str(folder), str(tmp_path / "scores"), scratch)
    assert not (tmp_path / "scores").exists()


def test_a_column_missing_in_the_last_file_is_told_before_anything_is_written(
    bundle: Bundle, rows: pa.Table, places: tuple[str, str], scratch: Path
) -> None:
    renamed = rows.rename_columns(["number0" if name == "number_0" else name for name in rows.column_names])
    pq.write_table(renamed, scratch / "z.parquet")
    open_store(places[0].rstrip("/")).upload("z.parquet", scratch / "z.parquet")

    with pytest.raises(DataError, match=r"rows/z\.parquet cannot be scored: .*'number_0'.*did you mean 'number"):
        score_into_parts(bundle, *places, scratch)
    assert not list(open_store(places[1]).list())


def test_files_whose_keys_are_of_other_types_are_refused(
    bundle: Bundle, rows: pa.Table, folder: Path, tmp_path: Path, scratch: Path
) -> None:
    pq.write_table(rows.drop_columns("decision_time"), folder / "z.parquet")
    with pytest.raises(DataError, match=r"'decision_time' is timestamp.* in .*a\.parquet and absent in .*z\.parquet"):
        score_into_parts(bundle, str(folder), str(tmp_path / "scores"), scratch)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_infinite_value_is_refused_with_its_file_and_row(
    bundle: Bundle, rows: pa.Table, folder: Path, tmp_path: Path, scratch: Path, processes: int
) -> None:
    values = np.zeros(rows.num_rows)
    values[700] = np.inf
    place = rows.schema.get_field_index("number_1")
    pq.write_table(rows.set_column(place, "number_1", pa.array(values)), folder / "z.parquet", row_group_size=100)

    with pytest.raises(DataError, match=r"z\.parquet cannot be scored: column 'number_1' .* in row 701, and"):
        score_into_parts(
            bundle, str(folder), str(tmp_path / "scores"), scratch, processes=processes, part_rows=PART_ROWS
        )
    assert not (tmp_path / "scores" / MANIFEST).exists()


def test_an_output_in_the_input_or_around_it_is_refused(bundle: Bundle, folder: Path, scratch: Path) -> None:
    (scratch / "link").symlink_to(folder)
    for output in (folder, folder / "scores", folder.parent, scratch / "link" / "scores"):
        with pytest.raises(UsageError, match="lie in one another"):
            score_into_parts(bundle, str(folder), str(output), scratch)
    with pytest.raises(UsageError, match="lie in one another"):
        score_into_parts(bundle, "s3://bucket/rows", "s3://bucket/rows/scores/", scratch)


def test_an_output_that_holds_something_else_is_refused(
    bundle: Bundle, places: tuple[str, str], scratch: Path, digests: Look
) -> None:
    open_store(places[1]).write("mine.txt", b"mine")
    with pytest.raises(UsageError, match=r"scores holds mine\.txt and no scores begun by this command"):
        score_into_parts(bundle, *places, scratch)
    assert list(digests(places[1])) == ["mine.txt"]


def test_finished_scores_of_other_rows_are_refused(
    bundle: Bundle, rows: pa.Table, folder: Path, tmp_path: Path, scratch: Path
) -> None:
    score_into_parts(bundle, str(folder), str(tmp_path / "scores"), scratch, processes=1)
    pq.write_table(rows.slice(3, 10), folder / "a.parquet")
    with pytest.raises(UsageError, match="holds the scores of other rows"):
        score_into_parts(bundle, str(folder), str(tmp_path / "scores"), scratch, processes=1)


def test_rows_that_change_while_they_are_scored_are_refused(
    bundle: Bundle, rows: pa.Table, places: tuple[str, str], scratch: Path
) -> None:
    store = open_store(places[0].rstrip("/"))

    def meddle(done: int, total: int) -> None:
        pq.write_table(rows.slice(7, 200), scratch / "other.parquet")
        store.upload("later/c.parquet", scratch / "other.parquet")

    with pytest.raises(DataError, match=r"later/c\.parquet was changed while rows were being scored"):
        score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS, watch=meddle)
    with pytest.raises(UsageError, match=r"begun with other rows: later/c\.parquet is new or was changed"):
        score_into_parts(bundle, *places, scratch, processes=1, part_rows=PART_ROWS)
