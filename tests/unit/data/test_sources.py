"""The readers: what each accepts, and what it refuses before a row is read."""

from __future__ import annotations

import gzip
import traceback
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy

from loanwright.data import sources_csv
from loanwright.errors import DataError, DeclarationError, EnvironmentFault
from tests.unit.data.declarations import GOOD, HEADER, applicants, run
from tests.unit.data.test_ingestion import stored

TEXT = "\n".join(GOOD) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("plain.csv", TEXT.encode(), {}),
        ("no newline at the end.csv", TEXT.rstrip().encode(), {}),
        ("a byte order mark.csv", TEXT.encode("utf-8-sig"), {}),
        ("windows.csv", TEXT.replace("\n", "\r\n").encode(), {}),
        ("old macintosh.csv", TEXT.replace("\n", "\r").encode(), {}),
        ("blank lines.csv", ("\n\n" + TEXT.replace("\n2", "\n\n2") + "\n\n").encode(), {}),
        ("quoted.csv", TEXT.replace("a", '"a"').replace(HEADER.replace("a", '"a"'), HEADER).encode(), {}),
        ("padded.csv", TEXT.replace(",30", ", 30 ").replace("id,", " id ,").encode(), {}),
        ("whole floats.csv", TEXT.replace(",30", ",30.0").replace("\n2,", "\n2.,").encode(), {}),
        ("tabs.tsv", TEXT.replace(",", "\t").encode(), {"delimiter": "\t"}),
        ("gzipped.csv.gz", gzip.compress(TEXT.encode()), {}),
        ("two members.csv.gz", gzip.compress(TEXT[:70].encode()) + gzip.compress(TEXT[70:].encode()), {}),
        ("wide.csv", TEXT.encode("utf-16"), {"encoding": "utf-16"}),
        ("declared.data", TEXT.encode(), {"format": "csv"}),
        ("null words.csv", TEXT.replace("40,,b", "40,NA,b").encode(), {"columns": {"income": {"null_values": ["NA"]}}}),
        ("more.csv", TEXT.replace("\n", ",0\n").replace("bad,0", "bad,more").encode(), {"extra_columns": "ignore"}),
    ],
)
def test_csv_in_many_forms_is_one_snapshot(name: str, content: bytes, source: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "reference.csv").write_text(TEXT)
    assert (
        run(applicants(tmp_path / name, **source), tmp_path).uri
        == run(applicants(tmp_path / "reference.csv"), tmp_path).uri
    )


def test_a_csv_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_csv, "BLOCK", 512)
    lines = [f"{number},2025-01-01,30,1,{'ab'[number % 2]},{number % 2}" for number in range(2_000)]
    (tmp_path / "a.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    found = run(applicants(tmp_path / "a.csv"), tmp_path)
    assert stored(found.uri)["id"].to_pylist() == list(range(2_000))


def test_other_encodings_are_read_as_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT.replace(",b,", ",é,").encode("cp1252"))
    data = applicants(tmp_path / "a.csv", encoding="cp1252", columns={"kind": {"values": ["a", "é"]}})
    assert stored(run(data, tmp_path).uri)["kind"].to_pylist() == ["a", "é", "a"]


@pytest.mark.parametrize(
    ("written", "zone", "meant"),
    [
        ("2025-01-02", None, datetime(2025, 1, 2, tzinfo=UTC)),
        ("2025-07-02", "Europe/Berlin", datetime(2025, 7, 1, 22, tzinfo=UTC)),
        ("2025-01-02T10:00:00Z", "Europe/Berlin", datetime(2025, 1, 2, 10, tzinfo=UTC)),
        ("2025-01-02T10:00:00", "Europe/Berlin", datetime(2025, 1, 2, 9, tzinfo=UTC)),
        ("2025-07-02 10:00", "Europe/Berlin", datetime(2025, 7, 2, 8, tzinfo=UTC)),
        ("2025-01-02T10:00:00+02:30", None, datetime(2025, 1, 2, 7, 30, tzinfo=UTC)),
        ("2025-01-02 10:00:00.123456 UTC", None, datetime(2025, 1, 2, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2025-01-02T10:00Z", None, datetime(2025, 1, 2, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_written(written: str, zone: str | None, meant: datetime, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT.replace("2025-01-02", written))
    found = run(applicants(tmp_path / "a.csv", columns={"at": {"time_zone": zone}}), tmp_path)
    assert dict(zip(*stored(found.uri).select(["id", "at"]).to_pydict().values(), strict=True))[2] == meant


@pytest.mark.parametrize(
    ("written", "meant"), [("true", 1), ("FALSE", 0), ("1", 1), ("0", 0), (" True ", 1), ("", None)]
)
def test_booleans_are_read_as_written(written: str, meant: int | None, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT.replace(",40,", f",{written},"))
    changes = {"type": "boolean", "nullable": True, "min": None, "max": None}
    lines = (tmp_path / "a.csv").read_text().replace(",30,", ",true,").replace(",50,", ",0,")
    (tmp_path / "a.csv").write_text(lines)
    found = run(applicants(tmp_path / "a.csv", columns={"age": changes}), tmp_path)
    assert stored(found.uri)["age"].to_pylist() == [True, None if meant is None else bool(meant), False]


def test_parquet_in_many_physical_types_is_one_snapshot(tmp_path: Path) -> None:
    reference = tmp_path / "a.csv"
    reference.write_text(TEXT)
    day = [datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC), datetime(2025, 1, 3, 10, tzinfo=UTC)]
    table = pa.table(
        {
            "bad": pa.array([0, 1, 0], pa.uint8()),
            "id": pa.array([1, 2, 3], pa.float64()),
            "at": pa.array(day, pa.timestamp("ns", tz="Europe/Berlin")),
            "age": pa.array([Decimal(30), Decimal(40), Decimal(50)], pa.decimal128(10, 2)),
            "income": pa.array([100.5, float("nan"), 1000], pa.float32()),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        }
    )
    (tmp_path / "data/day=1").mkdir(parents=True)
    pq.write_table(table, tmp_path / "data/day=1/part-0.parquet")
    (tmp_path / "data/_SUCCESS").write_bytes(b"")
    (tmp_path / "data/.part-0.parquet.crc").write_bytes(b"crc")
    assert run(applicants(tmp_path / "data"), tmp_path).uri == run(applicants(reference), tmp_path).uri


def test_integers_may_be_categories(tmp_path: Path) -> None:
    table = pa.table({name: [column] for name, column in zip(HEADER.split(","), [1, None, 30, 1.0, 7, 1], strict=True)})
    table = table.set_column(1, "at", pa.array([datetime(2025, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")))
    table = pa.concat_tables([table, table.set_column(0, "id", [[2]]).set_column(5, "bad", [[0]])])
    pq.write_table(table, tmp_path / "a.parquet")
    found = run(applicants(tmp_path / "a.parquet", columns={"kind": {"values": [7, 8]}}), tmp_path)
    assert stored(found.uri)["kind"].to_pylist() == ["7", "7"]


@pytest.mark.parametrize(
    ("uri", "error", "says"),
    [
        ("{here}/nothing.csv", DataError, "source 'applicants': there is no file or folder {here}/nothing.csv"),
        ("{here}/empty", DataError, "source 'applicants': folder {here}/empty holds no file"),
        ("file://host/file.csv", DeclarationError, "'file://host/file.csv' is no address that can be read"),
        ("postgresql://user:pw@host/db", DeclarationError, "'…@host/db' is no address that can be read"),
        ("public://taiwn/clients", DeclarationError, "names no public data set (did you mean 'taiwan'?)"),
        ("public://taiwan/client", DeclarationError, "names no table of taiwan (did you mean 'clients'?)"),
        ("sql+env://ONLY_A_VARIABLE", DeclarationError, "Write sql+env://VARIABLE/table"),
        ("sql+env://NOT_SET_HERE/rows", EnvironmentFault, "the environment variable NOT_SET_HERE is not set"),
    ],
)
def test_an_address_that_leads_nowhere(uri: str, error: type[Exception], says: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(error) as caught:
        run(applicants("declared.csv"), tmp_path, overrides={"applicants": uri.replace("{here}", str(tmp_path))})
    assert says.replace("{here}", str(tmp_path)) in str(caught.value)


def database(path: Path, monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> str:
    """A database with the good rows, or these; the variable that holds its address."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}/secret.db")
    table = sqlalchemy.Table(
        "applicants",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.Integer),
        sqlalchemy.Column("at", sqlalchemy.DateTime),
        sqlalchemy.Column("age", sqlalchemy.Integer),
        sqlalchemy.Column("income", sqlalchemy.Numeric(12, 2)),
        sqlalchemy.Column("kind", sqlalchemy.String),
        sqlalchemy.Column("bad", sqlalchemy.Boolean),
    )
    table.metadata.create_all(engine)
    good = [
        {"id": 1, "at": datetime(2025, 1, 1), "age": 30, "income": Decimal("100.50"), "kind": "a", "bad": False},  # noqa: DTZ001
        {"id": 2, "at": datetime(2025, 1, 2), "age": 40, "income": None, "kind": "b", "bad": True},  # noqa: DTZ001
        {"id": 3, "at": datetime(2025, 1, 3, 10), "age": 50, "income": Decimal(1000), "kind": "a", "bad": False},  # noqa: DTZ001
    ]
    with engine.begin() as connection:
        connection.execute(table.insert(), rows or good)
    engine.dispose()
    monkeypatch.setenv("THE_DATABASE", f"sqlite:///{path}/secret.db")
    return "sql+env://THE_DATABASE/applicants"


BOOLEAN_LABEL = {"at": {"time_zone": "UTC"}, "bad": {"type": "boolean", "values": None}}


def test_a_database_table_is_read_each_time_and_named_by_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loanwright.data.sources_sql._ROWS", 2)
    data = applicants(database(tmp_path, monkeypatch), columns=BOOLEAN_LABEL)
    data = data.model_copy(update={"label": data.label.model_copy(update={"positive": True})})
    first, second = run(data, tmp_path), run(data, tmp_path)
    assert first.uri == second.uri
    assert (first.unchanged, second.unchanged) == (False, False)
    assert stored(first.uri)["bad"].to_pylist() == [False, True, False]
    assert stored(first.uri)["income"].to_pylist() == [100.5, None, 1000.0]


def test_what_a_database_says_wrong_never_shows_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = database(tmp_path, monkeypatch)
    with pytest.raises(DataError) as missing:
        run(applicants(uri.replace("applicants", "aplicants")), tmp_path)
    assert "there is no such table (did you mean 'applicants'?)" in str(missing.value)
    faults = {
        "nonsense secret": "the environment variable THE_DATABASE holds no database address",
        "nosuch://user:secret@host/db": "the driver that the database address in THE_DATABASE asks for is not inst",
        "postgresql+psycopg2://user:secret@host/db": "asks for is not installed",
        "sqlite:////secret/folder/db": "source 'applicants' reads, refused or failed (OperationalError)",
    }
    for address, says in faults.items():
        monkeypatch.setenv("THE_DATABASE", address)
        with pytest.raises(EnvironmentFault) as caught:
            run(applicants(uri), tmp_path)
        assert says in str(caught.value)
        assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_values_of_several_types_in_a_database_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = database(tmp_path, monkeypatch)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/secret.db")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE applicants SET id = 'A-17' WHERE id = 2"))
    engine.dispose()
    with pytest.raises(DataError, match=r"column 'id': 1 row does not hold a whole number, as in 'A-17'"):
        run(applicants(uri, columns=BOOLEAN_LABEL), tmp_path)
