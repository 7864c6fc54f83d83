"""An ingest gives the same snapshot for the same rows, whatever else differs, and reads nothing twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.config.data import Data
from loanwright.data import snapshot
from loanwright.errors import DataError, DeclarationError, UsageError
from loanwright.storage import fetch, open_store, read_manifest
from tests.unit.data.declarations import GOOD, HEADER, NOW, applicants, run

DAY = timedelta(days=1)


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((HEADER, *(rows or GOOD[1:]))) + "\n")
    return path


def stored(uri: str, table: str = "applicants") -> pa.Table:
    """The rows of one table of a snapshot, by its manifest's word alone."""
    manifest = read_manifest(uri, "snapshots")
    paths = [fetch(manifest, manifest.file(name), Path("/nowhere")) for name in manifest.body["tables"][table]["files"]]
    return pa.concat_tables([pq.read_table(path) for path in paths])


def test_a_snapshot_holds_the_rows_in_their_types_and_order(tmp_path: Path) -> None:
    found = run(applicants(write(tmp_path / "a.csv", *reversed(GOOD[1:]))), tmp_path)
    assert stored(found.uri).to_pylist() == [
        {"id": 1, "at": datetime(2025, 1, 1, tzinfo=UTC), "age": 30, "income": 100.5, "kind": "a", "bad": 0},
        {"id": 2, "at": datetime(2025, 1, 2, tzinfo=UTC), "age": 40, "income": None, "kind": "b", "bad": 1},
        {"id": 3, "at": datetime(2025, 1, 3, 10, tzinfo=UTC), "age": 50, "income": 1000.0, "kind": "a", "bad": 0},
    ]
    body = read_manifest(found.uri).body
    assert body["tables"]["applicants"] == {
        "rows": 3,
        "columns": [
            {"name": "id", "type": "integer"},
            {"name": "at", "type": "time"},
            {"name": "age", "type": "integer"},
            {"name": "income", "type": "number"},
            {"name": "kind", "type": "category"},
            {"name": "bad", "type": "integer"},
        ],
        "min_time": "2025-01-01T00:00:00Z",
        "max_time": "2025-01-03T10:00:00Z",
        "files": body["tables"]["applicants"]["files"],
    }
    assert (body["data_cutoff"], body["observed_until"]) == ("", "2025-01-03T10:00:00Z")
    assert body["synthetic"] is False
    assert found.rows == {"applicants": 3}
    assert {"source": "applicants", "rule": "min", "column": "age", "rows": 3, "broken": 0} in found.validation


def test_the_snapshot_is_the_same_whatever_is_not_its_rows(tmp_path: Path) -> None:
    """Order, place, form, the deal over files, the clock: none of them enters the digest."""
    rows = [
        f"{number},2025-01-{1 + number % 28:02d},{18 + number % 60},{number}.5,a,{number % 2}" for number in range(500)
    ]
    first = run(applicants(write(tmp_path / "a.csv", *rows)), tmp_path)
    backwards = run(applicants(write(tmp_path / "elsewhere/b.csv", *reversed(rows))), tmp_path, now=NOW + 40 * DAY)
    write(tmp_path / "dealt/one.csv", *rows[1::2])
    write(tmp_path / "dealt/two.csv", *rows[0::2])
    dealt = run(applicants(tmp_path / "dealt"), tmp_path)
    pq.write_table(stored(first.uri), tmp_path / "p.parquet", row_group_size=7)
    parquet = run(applicants(tmp_path / "p.parquet"), tmp_path)
    other_store = run(applicants(tmp_path / "a.csv"), open_store(str(tmp_path / "other")))
    assert first.uri == backwards.uri == dealt.uri == parquet.uri
    assert other_store.uri.rpartition("/")[2] == first.uri.rpartition("/")[2]
    changed = run(applicants(write(tmp_path / "c.csv", *rows[:-1])), tmp_path)
    assert changed.uri != first.uri


def test_large_tables_are_dealt_into_files_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "ROW_GROUP", 100)
    monkeypatch.setattr(snapshot, "ROWS_PER_FILE", 300)
    rows = [f"{number},2025-01-01,30,1,a,{number % 2}" for number in range(1_250)]
    found = run(applicants(write(tmp_path / "a.csv", *rows)), tmp_path)
    manifest = read_manifest(found.uri)
    files = [pq.ParquetFile(fetch(manifest, entry, tmp_path)) for entry in manifest.files]
    groups = [[file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] for file in files]
    assert groups == [[100, 100, 100]] * 4 + [[50]]
    assert [entry.rows for entry in manifest.files] == [300, 300, 300, 300, 50]
    assert stored(found.uri)["id"].to_pylist() == list(range(1_250))


def test_unchanged_sources_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = applicants(write(tmp_path / "a.csv"))
    first = run(data, tmp_path)
    monkeypatch.setattr("loanwright.data.ingestion._read", refused)
    second = run(data, tmp_path)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert (second.uri, second.rows, second.validation) == (first.uri, first.rows, first.validation)
    moved = applicants((tmp_path / "a.csv").rename(tmp_path / "moved.csv"))
    assert run(moved, tmp_path).unchanged


def refused(*_: object, **__: object) -> None:
    raise AssertionError("the sources were read")


@pytest.mark.parametrize(
    "change",
    [
        {"cutoff": datetime(2025, 1, 3, tzinfo=UTC)},
        {"code_digest": "another"},
    ],
)
def test_what_decides_the_outcome_is_looked_at_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    data = applicants(write(tmp_path / "a.csv"))
    run(data, tmp_path)
    assert not run(data, tmp_path, **change).unchanged


def test_a_changed_file_contract_or_a_lost_snapshot_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    first = run(applicants(path), tmp_path)
    assert not run(applicants(path, columns={"age": {"max": 90}}), tmp_path).unchanged
    Path(first.uri).unlink()
    again = run(applicants(path), tmp_path)
    assert (again.unchanged, again.uri) == (False, first.uri)
    lost = Path(first.uri).parent / read_manifest(first.uri).files[0].path
    lost.write_bytes(b"cut")
    assert (run(applicants(path), tmp_path).unchanged, lost.stat().st_size > 3) == (False, True)
    for damaged in (Path(first.uri), *(tmp_path / "store" / "ingests").iterdir()):
        damaged.write_bytes(b"{")
    assert not run(applicants(path), tmp_path).unchanged
    assert run(applicants(path), tmp_path).unchanged
    Path(first.uri).write_bytes(b"{}")
    assert not run(applicants(path), tmp_path).unchanged
    write(path, *GOOD[1:], "4,2025-01-04,30,1,b,1")
    changed = run(applicants(path), tmp_path)
    assert not changed.unchanged
    assert changed.rows == {"applicants": 4}


def test_finding_nothing_to_do_imports_nothing_heavy(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    run(applicants(path), tmp_path)
    script = f"""
import sys
from tests.unit.data.declarations import applicants, run
from pathlib import Path
assert run(applicants({str(path)!r}), Path({str(tmp_path)!r})).unchanged
print([name for name in ("duckdb", "pyarrow", "pandas", "numpy", "sqlalchemy", "boto3") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": "."}
    )
    assert done.stdout == "[]\n"


def test_freshness_is_told_by_the_clock_even_if_nothing_changed(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv"), max_age="30d")
    assert not run(data, tmp_path, now=datetime(2025, 2, 2, tzinfo=UTC)).unchanged
    assert run(data, tmp_path, now=datetime(2025, 2, 2, 10, tzinfo=UTC)).unchanged
    with pytest.raises(DataError, match=r"the newest row is from 2025-01-03T10:00:00Z, 30 days old; at most 30 days"):
        run(data, tmp_path, now=datetime(2025, 2, 2, 10, 0, 1, tzinfo=UTC))


def test_rows_known_at_or_after_the_cutoff_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", *GOOD[1:], "4,2025-01-03,17,-5,zzz,7", "5,2025-01-02T23:59:59.999999Z,30,1,b,1")
    found = run(applicants(path), tmp_path, cutoff=datetime(2025, 1, 3, tzinfo=UTC))
    assert stored(found.uri)["id"].to_pylist() == [1, 2, 5]
    body = read_manifest(found.uri).body
    assert (body["data_cutoff"], body["observed_until"]) == ("2025-01-03T00:00:00Z",) * 2
    left_out = {"source": "applicants", "rule": "data_cutoff", "column": "at", "rows": 5, "broken": 2}
    assert left_out in found.validation
    with pytest.raises(DataError, match=r"there are no rows known before the data cut-off \(5 rows after it\)"):
        run(applicants(path), tmp_path, cutoff=datetime(2020, 1, 1, tzinfo=UTC))


def test_a_cutoff_to_come_is_refused(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv"))
    run(data, tmp_path, cutoff=NOW)
    with pytest.raises(DataError, match="the data cut-off, 2026-01-15T12:00:01\\+00:00, lies in the future"):
        run(data, tmp_path, cutoff=NOW + timedelta(seconds=1))


def test_a_unit_is_known_at_its_decision_where_nothing_else_is_said(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv"), event_time=None)
    found = run(data, tmp_path, cutoff=datetime(2025, 1, 2, tzinfo=UTC).replace(hour=1))
    assert found.rows == {"applicants": 2}


def test_a_cutoff_needs_a_time(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv"), event_time=None).model_dump(mode="json")
    data["decision_time"] = {"constant": "2025-06-01T00:00:00Z"}
    with pytest.raises(DataError) as caught:
        run(Data.model_validate(data), tmp_path, cutoff=NOW)
    assert str(caught.value) == (
        "a data cut-off was given, but no source has a time to hold against it. "
        "Leave data_cutoff empty, or declare an event_time or known_time"
    )


def test_restated_rows_need_a_known_time(tmp_path: Path) -> None:
    header, columns = "id,month,known,bill", []
    for name, kind in {"id": "integer", "month": "time", "known": "time", "bill": "integer"}.items():
        columns.append({"name": name, "type": kind})
    lines = ["1,2025-01-31,2025-02-01,100", "1,2025-01-31,2025-03-01,90", "2,2025-01-31,2025-02-01,5"]
    (tmp_path / "bills.csv").write_text("\n".join([header, *lines]) + "\n")
    data = applicants(write(tmp_path / "a.csv")).model_dump(mode="json")
    bills = {"name": "bills", "uri": str(tmp_path / "bills.csv"), "key": ["id", "month"], "columns": columns}

    def declared(**times: str) -> Data:
        return Data.model_validate(data | {"sources": [*data["sources"], bills | times]})

    with pytest.raises(DataError, match=r"2 rows have the same key as another row, as in id 1 and month 2025-01-31"):
        run(declared(event_time="month"), tmp_path)
    found = run(declared(event_time="month", known_time="known"), tmp_path)
    assert stored(found.uri, "bills")["bill"].to_pylist() == [100, 5, 90]
    manifest = read_manifest(found.uri)
    assert manifest.body["observed_until"] == "2025-03-01T00:00:00Z", "known, not happened"
    (again,) = manifest.body["tables"]["bills"]["restated"]
    assert pq.read_table(fetch(manifest, manifest.file(again), tmp_path))["bill"].to_pylist() == [100, 90]
    assert "restated" not in manifest.body["tables"]["applicants"], "whose rows have one version each"
    once = tmp_path / "once"
    once.mkdir()
    (tmp_path / "bills.csv").write_text("\n".join([header, *lines[:1], *lines[2:]]) + "\n")
    found = run(declared(event_time="month", known_time="known"), once)
    assert read_manifest(found.uri).body["tables"]["bills"]["restated"] == []
    (tmp_path / "bills.csv").write_text("\n".join([header, lines[0], lines[1]]) + "\n")
    body = read_manifest(run(declared(event_time="month", known_time="known"), once).uri).body["tables"]["bills"]
    assert body["restated"] == body["files"]
    (tmp_path / "bills.csv").write_text("\n".join([header, *lines, "1,2025-01-31,2025-03-01,80"]) + "\n")
    with pytest.raises(DataError, match=r"2 rows have the same key and known time as another row"):
        run(declared(event_time="month", known_time="known"), tmp_path)


def test_all_breaks_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv", "1,2025-01-01,17,1,c,0", "2,2025-01-01,,1,b,1")).model_dump(mode="json")
    other = data["sources"][0] | {"name": "others", "uri": str(tmp_path / "nothing.csv")}
    with pytest.raises(DataError) as caught:
        run(Data.model_validate(data | {"sources": [*data["sources"], other]}), tmp_path)
    assert str(caught.value).splitlines() == [
        "the data breaks its contract in 4 places:",
        "  source 'applicants', column 'age': 1 row has no value, as in id 2",
        "  source 'applicants', column 'age': 1 row is below 18, as in 17",
        "  source 'applicants', column 'kind': 1 row holds a value that is not declared, as in 'c'",
        f"  source 'others': there is no file or folder {tmp_path}/nothing.csv",
    ]


def test_only_ten_breaks_are_listed(tmp_path: Path) -> None:
    columns = [{"name": name, "type": "integer"} for name in ["id", *(f"column{n}" for n in range(14))]]
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    data = applicants(path).model_dump(mode="json")
    data["sources"][0] |= {"columns": columns, "event_time": None}
    data |= {"decision_time": {"constant": "2025-01-01"}}
    with pytest.raises(DataError) as caught:
        run(Data.model_validate(data), tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == "the data breaks its contract in 14 places:"
    assert len(lines) == 12
    assert lines[-1] == "  and 4 more"


def test_an_override_reads_another_address(tmp_path: Path) -> None:
    data = applicants(tmp_path / "not there.csv")
    here = write(tmp_path / "b.csv")
    assert run(data, tmp_path, overrides={"applicants": str(here)}).rows == {"applicants": 3}
    with pytest.raises(UsageError) as caught:
        run(data, tmp_path, overrides={"aplicants": str(here)})
    assert str(caught.value) == (
        "source_overrides names 'aplicants', which is no source (did you mean 'applicants'?). "
        "The sources are applicants"
    )


def test_max_age_without_a_time_is_a_wrong_declaration(tmp_path: Path) -> None:
    data = applicants(write(tmp_path / "a.csv"), event_time=None, max_age="1d").model_dump(mode="json")
    data["decision_time"] = {"constant": "2025-06-01T00:00:00Z"}
    with pytest.raises(DeclarationError, match="has a max_age, but no event_time or known_time"):
        run(Data.model_validate(data), tmp_path)


def test_a_file_that_is_written_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv")
    from loanwright.data import validation

    whole: Callable[..., Any] = validation.validate

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        write(path, *GOOD[1:], "4,2025-01-04,30,1,b,1")
        return whole(*arguments, **named)

    monkeypatch.setattr(validation, "validate", meanwhile)
    with pytest.raises(DataError, match="source 'applicants' was changed while it was read"):
        run(applicants(path), tmp_path)
    assert not (tmp_path / "store").exists()


def test_made_up_rows_are_marked_as_such(tmp_path: Path) -> None:
    table = stored(run(applicants(write(tmp_path / "a.csv")), tmp_path).uri)
    marked = table.replace_schema_metadata({"loanwright.synthetic": "true"})
    pq.write_table(marked, tmp_path / "made.parquet")
    assert read_manifest(run(applicants(tmp_path / "made.parquet"), tmp_path).uri).body["synthetic"] is True
    declared = run(applicants(tmp_path / "a.csv", synthetic=True), tmp_path)
    assert (declared.unchanged, read_manifest(declared.uri).body["synthetic"]) == (False, True)
