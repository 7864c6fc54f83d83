"""A first declaration from a file: what is guessed, what is refused, and that what is written runs."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loanwright.config.declaration import Declaration
from loanwright.config.reading import read_declaration
from loanwright.errors import DeclarationError, LoanwrightError, UsageError
from loanwright.runtime.new_model import new_model

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = 600


def loans(rows: int = ROWS, **more: Any) -> dict[str, Any]:
    """A table with a key, a label that depends on age and purpose, and things in between."""
    rng = np.random.default_rng(7)
    age = rng.integers(18, 80, rows)
    purpose = np.array(["car", "home", "no"])[rng.integers(0, 3, rows)]
    bad = (rng.random(rows) < 1 / (1 + np.exp(1 - (50 - age) / 15 - (purpose == "car")))).astype(int)
    income = [None if i % 11 == 0 else round(float(x), 2) for i, x in enumerate(rng.lognormal(8, 1, rows))]
    return {
        "Loan ID": list(range(1, rows + 1)),
        "age": age.tolist(),
        "income": income,
        "Purpose": purpose.tolist(),
        "default_12m": bad.tolist(),
    } | more


def parquet(folder: Path, table: Mapping[str, Any], name: str = "loans.parquet") -> Path:
    path = folder / name
    pq.write_table(pa.table(dict(table)), path)
    return path


def csv(
    folder: Path, table: Mapping[str, Any], name: str = "loans.csv", delimiter: str = ",", missing: str = ""
) -> Path:
    rows = [delimiter.join(table), *(
        delimiter.join(missing if value is None else str(value) for value in row)
        for row in zip(*table.values(), strict=True)
    )]  # fmt: skip
    data = ("\n".join(rows) + "\n").encode()
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def made(tmp_path: Path, source: Path, **asked: str) -> Declaration:
    folder = new_model("loans", source, tmp_path / "pipelines", now=NOW, **asked)
    assert folder == tmp_path / "pipelines" / "loans"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "model.yaml"]
    return read_declaration(folder / "model.yaml")


def refused(tmp_path: Path, source: Path, **asked: str) -> LoanwrightError:
    with pytest.raises(LoanwrightError) as caught:
        new_model("loans", source, tmp_path / "pipelines", now=NOW, **asked)
    assert not list((tmp_path / "pipelines").glob("**/*")), "nothing is left half-done"
    return caught.value


def types(declaration: Declaration) -> dict[str, str]:
    return {column.name: column.type for column in declaration.data.unit_source.columns}


def test_the_first_declaration_of_a_parquet_file(tmp_path: Path) -> None:
    declaration = made(tmp_path, parquet(tmp_path, loans()))
    data = declaration.data
    assert (data.unit.name, data.unit.key, data.label.column, data.label.positive) == (
        "loan",
        "Loan ID",
        "default_12m",
        1,
    )
    assert data.unit_source.uri == "loans.parquet", "relative to the project, whose folder pipelines/ lies in"
    assert types(declaration) == {
        "Loan ID": "integer", "age": "integer", "income": "number", "Purpose": "category", "default_12m": "integer",
    }  # fmt: skip
    assert [column.name for column in data.unit_source.columns if column.nullable] == ["income"]
    assert [(f.name, f.type) for group in declaration.features.groups for f in group.features] == [
        ("age", "number"), ("income", "number"), ("purpose", "category"),
    ]  # fmt: skip
    assert data.decision_time.constant == NOW
    assert declaration.split.method == "hash"


@pytest.mark.parametrize(
    ("name", "delimiter", "missing"), [("loans.csv", ",", ""), ("loans.csv.gz", ";", "NA"), ("loans.txt", "\t", "null")]
)
def test_a_csv_file_gives_the_same_as_a_parquet_file(tmp_path: Path, name: str, delimiter: str, missing: str) -> None:
    from_parquet = made(tmp_path, parquet(tmp_path, loans()))
    other = tmp_path / "other"
    other.mkdir()
    from_csv = made(other, csv(other, loans(), name, delimiter, missing))
    source = from_csv.data.unit_source
    assert source.delimiter == delimiter
    income = source.column("income")
    assert income is not None
    assert income.null_values == ((missing,) if missing else ())
    assert types(from_csv) == types(from_parquet)
    assert from_csv.features == from_parquet.features


def test_what_is_written_is_the_same_each_time(tmp_path: Path) -> None:
    source = parquet(tmp_path, loans())
    digests = set()
    for number in range(2):
        folder = new_model("loans", source, tmp_path / f"pipelines{number}", now=NOW)
        digests.add(hashlib.sha256((folder / "model.yaml").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_columns_that_give_the_label_away_are_barred(tmp_path: Path) -> None:
    table = loans()
    bad = table["default_12m"]
    table |= {
        "status": ["late" if b else "ok" for b in bad],
        "loss": [float(i + 1) if b else 0.0 for i, b in enumerate(bad)],
        "recovered_on": [date(2025, 1, 1) + timedelta(days=i % 90) if b else None for i, b in enumerate(bad)],
        "bad_score": [1.0 + i if b else -1.0 - i for i, b in enumerate(bad)],
        "nearly": [b if i else 1 - b for i, b in enumerate(bad)],
    }
    declaration = made(tmp_path, parquet(tmp_path, table))
    assert declaration.data.label.column == "default_12m"
    barred = [column.name for column in declaration.data.unit_source.columns if column.barred]
    assert barred == ["status", "loss", "recovered_on", "bad_score"]
    assert declaration.features.names() == ("age", "income", "purpose", "nearly")
    text = (tmp_path / "pipelines" / "loans" / "model.yaml").read_text()
    assert "{name: status, type: category, barred: true}  # CHECK: barred, as it tells the label in every row" in text


def test_columns_that_only_name_the_rows_are_no_features(tmp_path: Path) -> None:
    amounts = [1000 + 7 * i for i in range(ROWS)]
    rows = {"row": list(range(ROWS)), "customer_id": [9 * i for i in range(ROWS)], "amount": amounts}
    source = parquet(tmp_path, loans(**rows))
    features = made(tmp_path, source).features.names()
    assert "amount" in features
    assert not {"row", "customer_id"} & set(features)
    text = (tmp_path / "pipelines" / "loans" / "model.yaml").read_text()
    assert text.count("CHECK: no feature, as it names the rows; the key may be this one") == 2


def test_protected_attributes_are_barred_and_sliced_by(tmp_path: Path) -> None:
    table = loans(**{"Marital-Status": [["single", "married"][i % 2] for i in range(ROWS)]})
    declaration = made(tmp_path, parquet(tmp_path, table))
    column = declaration.data.unit_source.column("Marital-Status")
    assert column is not None
    assert column.barred
    assert column.slice
    assert [each.column for each in declaration.evaluation.slices] == ["Marital-Status"]


def test_a_file_with_decision_times_is_split_by_time(tmp_path: Path) -> None:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(ROWS)]
    declaration = made(tmp_path, csv(tmp_path, loans(applied_on=days)))
    assert declaration.data.decision_time.column == "applied_on"
    assert declaration.data.unit_source.event_time == "applied_on"
    split = declaration.split
    assert split.method == "time"
    assert split.calibration_from == datetime(2024, 12, 26, tzinfo=UTC)
    assert split.test_from == datetime(2025, 4, 25, tzinfo=UTC)
    assert split.until == datetime(2025, 8, 23, tzinfo=UTC)


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d-%m-%y", "%Y/%m/%d %H:%M"])
@pytest.mark.parametrize("days", [2, 300])
def test_dates_that_no_contract_reads_are_named_and_are_no_features(tmp_path: Path, form: str, days: int) -> None:
    written = [(date(2025, 1, 1) + timedelta(days=i % days)).strftime(form) for i in range(ROWS)]
    told: list[tuple[str, str]] = []
    source = csv(tmp_path, loans(decided_on=written))
    folder = new_model("loans", source, tmp_path / "pipelines", now=NOW, show=told.extend)
    declaration = read_declaration(folder / "model.yaml")
    assert "decided_on" not in {f.column for group in declaration.features.groups for f in group.features}
    assert declaration.data.decision_time.column is None
    assert dict(told)["decision time"] == "a constant day: no column tells it"
    assert dict(told)["no features"].startswith("decided_on (dates that are not read: write days as 2026-01-31")
    assert "# CHECK: no feature, as dates that are not read: write days as" in (folder / "model.yaml").read_text()


def test_a_letter_in_a_category_does_not_fill_the_declaration(tmp_path: Path) -> None:
    purposes = ["x" * 2_000_000, *["car", "home"] * (ROWS // 2)][:ROWS]
    made(tmp_path, parquet(tmp_path, loans(Purpose=purposes)))
    text = (tmp_path / "pipelines" / "loans" / "model.yaml").read_text()
    assert f"# car, home, {'x' * 40}\n" in text


def test_texts_that_only_begin_like_dates_are_texts(tmp_path: Path) -> None:
    versions = [f"1.2.{i % 3}" if i else "1.2.x" for i in range(ROWS)]
    declaration = made(tmp_path, csv(tmp_path, loans(version=versions)))
    assert "version" in {f.column for group in declaration.features.groups for f in group.features}


def test_what_was_guessed_is_told_and_written(tmp_path: Path) -> None:
    table = loans()
    table |= {
        "sex": [i % 2 for i in range(ROWS)],
        "status": ["late" if bad else "ok" for bad in table["default_12m"]],
        "remark": [f"text {i} of {i % 7}" for i in range(ROWS - 1)] + ["text 1 of 1"],
        "same": [1] * ROWS,
        "a\nb": [1] * ROWS,
    }
    told: list[tuple[str, str]] = []
    folder = new_model("loans", parquet(tmp_path, table), tmp_path / "pipelines", now=NOW, show=told.extend)
    assert told == [
        ("source", "loans.parquet"),
        ("key", "Loan ID"),
        ("label", "default_12m, feared is 1"),
        ("decision time", "a constant day: no column tells it"),
        ("split", "by a hash of the key"),
        ("categories", "Purpose, status"),
        ("barred", "status (tells the label in every row); sex (seems to be a protected attribute)"),
        ("no features", "same (always the same); remark (text of many values)"),
        ("left out", "'a\\nb' (its name cannot stand in a declaration)"),
    ]
    head = (folder / "model.yaml").read_text().partition("model:")[0]
    for question, answer in told[1:]:
        assert f"#   {question}: {answer}" in head


def test_a_file_outside_the_project_is_named_as_such(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    source = parquet(tmp_path, loans())
    folder = new_model("loans", source, tmp_path / "project" / "pipelines", now=NOW, show=told.extend)
    assert told[0] == ("source", f"{source} (outside the project)")
    assert f'uri: "{source}"  # CHECK: outside the project' in (folder / "model.yaml").read_text()


def test_a_path_for_a_name_is_answered_with_where_the_folder_will_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'pipelines/x' is no name.*; it becomes the folder .*/pipelines/NAME"):
        new_model("pipelines/x", parquet(tmp_path, loans()), tmp_path / "pipelines", now=NOW)


def test_times_without_a_zone_say_so(tmp_path: Path) -> None:
    times = [f"{datetime(2024, 1, 1) + timedelta(days=i):%Y-%m-%d %H:%M:%S}" for i in range(ROWS)]  # noqa: DTZ001
    declaration = made(tmp_path, csv(tmp_path, loans(created=times)))
    column = declaration.data.unit_source.column("created")
    assert column is not None
    assert column.time_zone == "UTC"
    assert declaration.split.method == "time"


@pytest.mark.parametrize(
    "days",
    [
        [date(2024, 1, 1) + timedelta(days=i % 20) for i in range(ROWS)],
        [date(2036, 1, 1) + timedelta(days=i) for i in range(ROWS)],
        [None, *(date(2024, 1, 1) + timedelta(days=i) for i in range(ROWS - 1))],
    ],
    ids=["too few days", "in the future", "missing in a row"],
)
def test_times_that_no_split_can_go_by(tmp_path: Path, days: list[date]) -> None:
    declaration = made(tmp_path, csv(tmp_path, loans(applied_on=days)))
    assert (declaration.split.method, declaration.data.decision_time.column) == ("hash", None)


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        ([0, 1], 1),
        ([0.0, 1.0], 1),
        ([False, True], True),
        (["no", "yes"], "yes"),
        (["good", "bad"], "bad"),
        ([1, 2], 2),
    ],
)
def test_labels_of_all_kinds(tmp_path: Path, values: list[Any], positive: object) -> None:
    table = loans()
    table["default_12m"] = [values[bad] for bad in table["default_12m"]]
    label = made(tmp_path, parquet(tmp_path, table)).data.label
    if values == [1, 2]:  # nothing tells which is feared: the rarer one is taken
        positive = min(values, key=table["default_12m"].count)
    assert label.positive == positive
    assert type(label.positive) is type(positive)


def test_the_label_and_the_key_may_be_said(tmp_path: Path) -> None:
    table = loans(accepted=[i % 3 % 2 for i in range(ROWS)], code=[f"c{i}" for i in range(ROWS)])
    declaration = made(tmp_path, parquet(tmp_path, table), label="accepted", key="code")
    assert (declaration.data.label.column, declaration.data.unit.key) == ("accepted", "code")


def test_names_that_are_no_names_become_some(tmp_path: Path) -> None:
    odd = {"30-59 Days": 1, "label": 1, "Größe": 1, "a b": 1, "a_b": 1, "MonthlyIncome": 1, "x: y": 1}
    numbers = {name: [(i * 7 + len(name)) % 5 for i in range(ROWS)] for name in odd}
    declaration = made(tmp_path, parquet(tmp_path, loans(**numbers)), label="default_12m")
    assert declaration.features.names()[3:] == (
        "x_30_59_days", "label_2", "gr_e", "a_b", "a_b_2", "monthly_income", "x_y",
    )  # fmt: skip


def test_what_cannot_be_declared_is_left_out(tmp_path: Path) -> None:
    table = loans(**{
        "nested": [[1] for _ in range(ROWS)],
        "{{x}}": list(range(ROWS)),
        "AGE": list(range(ROWS)),
        "unbounded": [float("inf")] * ROWS,
        "same": [1] * ROWS,
        "nothing": pa.nulls(ROWS),
        "essay": [f"word {i}" for i in range(ROWS)],
    })  # fmt: skip
    declaration = made(tmp_path, parquet(tmp_path, table))
    source = declaration.data.unit_source
    assert source.extra_columns == "ignore"
    assert {"nested", "{{x}}", "AGE", "unbounded"}.isdisjoint(types(declaration))
    assert declaration.features.names() == ("age", "income", "purpose")
    text = (tmp_path / "pipelines" / "loans" / "model.yaml").read_text()
    assert "# left out: unbounded, as it holds infinite values" in text
    assert "# left out: AGE, as its name is that of 'age' but for case" in text
    assert "{{" not in text


def test_another_encoding_is_found(tmp_path: Path) -> None:
    path = csv(tmp_path, loans(Ort=[["Köln", "Bonn"][i % 2] for i in range(ROWS)]))
    path.write_bytes(path.read_bytes().decode().encode("cp1252"))
    declaration = made(tmp_path, path)
    assert declaration.data.unit_source.encoding == "cp1252"
    path.write_bytes(path.read_bytes().decode("cp1252").encode("utf-16"))
    other = new_model("other", path, tmp_path / "pipelines", now=NOW)
    assert read_declaration(other / "model.yaml").data.unit_source.encoding == "utf-16"


def test_a_file_whose_name_tells_nothing(tmp_path: Path) -> None:
    source = made(tmp_path, csv(tmp_path, loans(), "loans.data")).data.unit_source
    assert source.format == "csv"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = parquet(tmp_path, loans())
    made(tmp_path, source)
    before = (tmp_path / "pipelines" / "loans" / "model.yaml").read_bytes()
    with pytest.raises(UsageError, match=r"pipelines/loans is there already\. Give another name, or remove it$"):
        new_model("loans", source, tmp_path / "pipelines")
    assert (tmp_path / "pipelines" / "loans" / "model.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["", "Loans", "1st", "../loans", "a-b", "x" * 64])
def test_what_is_no_name_for_a_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a model"):
        new_model(name, parquet(tmp_path, loans()), tmp_path / "pipelines")


def without(table: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values for name, values in table.items() if name not in names}


REFUSED: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "no key": (
        without(loans(), "Loan ID"),
        {},
        "no column names the rows: every integer or text column is the same in several rows, or missing in some. "
        "Add a column that numbers the rows, and give its name with --key",
    ),
    "no label": (
        without(loans(), "default_12m"),
        {},
        "no column can be the label: none has two values such as 0 and 1, in every row. Give its name with --label",
    ),
    "several labels": (
        loans(bad_before=[i % 2 for i in range(ROWS)]),
        {},
        "several columns may be the label: 'default_12m', 'bad_before'. Say which one it is with --label",
    ),
    "a label that is not there": (
        loans(),
        {"label": "default_12"},
        "there is no column 'default_12' (did you mean 'default_12m'?). Correct --label",
    ),
    "a label of many values": (loans(), {"label": "Purpose"}, "'Purpose' has 3 different values: a label has two"),
    "a label of one value": (
        loans(paid=[1] * ROWS),
        {"label": "paid"},
        "'paid' has 1 different values: a label has two",
    ),
    "a label with gaps": (
        loans(late=[None, *(i % 2 for i in range(ROWS - 1))]),
        {"label": "late"},
        "'late' has no value in 1 rows. Leave out the rows whose outcome is not known yet",
    ),
    "a label that is the key": (
        loans(),
        {"label": "Loan ID"},
        "'Loan ID' is the key: a label has two values. Give another --label",
    ),
    "a key that is not there": (loans(), {"key": "loan"}, "there is no column 'loan'. Correct --key"),
    "a key that repeats": (
        loans(),
        {"key": "age"},
        "'age' is the same in several rows, so it names no row. Give another --key",
    ),
    "a key with gaps": (
        loans(ref=[None, *(f"r{i}" for i in range(ROWS - 1))]),
        {"key": "ref"},
        "'ref' has 1 rows without a value, so it names no row. Give another --key",
    ),
    "a key that is a number": (
        loans(ref=[i + 0.5 for i in range(ROWS)]),
        {"key": "ref"},
        "'ref' is of type 'number', so it names no row. Give another --key",
    ),
    "too few of one outcome": (
        loans() | {"default_12m": [1] * 9 + [0] * (ROWS - 9)},
        {},
        "the rarer outcome has 9 rows: too few to train, calibrate and test on. "
        "Bring at least 100 rows of either outcome",
    ),
    "nothing to predict from": (
        without(loans(), "age", "income", "Purpose"),
        {},
        "no column is left to predict from. Bring a file with more columns",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    table, asked, said = REFUSED[case]
    error = refused(tmp_path, parquet(tmp_path, table), **asked)
    assert str(error) == said
    assert error.exit_code == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path, tmp_path / "no.csv"), UsageError)
    broken = parquet(tmp_path, loans())
    broken.write_bytes(broken.read_bytes()[:-100])
    assert "cut short or damaged" in str(refused(tmp_path, broken))
    header = csv(tmp_path, {name: [] for name in loans()})
    assert str(refused(tmp_path, header)) == f"{header} has no rows"
    ragged = csv(tmp_path, loans())
    ragged.write_text(ragged.read_text() + "1,2\n")
    assert "1 rows have another number of values than the header, as in 2 values in '1,2'" in str(
        refused(tmp_path, ragged)
    )


def test_a_file_too_wide_for_a_declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = parquet(tmp_path, loans(**{f"{'x' * 190}_{i}": [(i + j) % 9 for j in range(ROWS)] for i in range(250)}))
    error = refused(tmp_path, wide)
    assert isinstance(error, DeclarationError)
    assert "a step's arguments hold 100 kB" in str(error)
    monkeypatch.setattr("loanwright.runtime.file_look._MOST_COLUMNS", 100)
    assert str(refused(tmp_path, wide)) == (
        f"{wide} has 255 columns: a declaration has no room for more than 100. Make a file of the columns that matter"
    )


def test_a_long_file_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loanwright.runtime.file_look._FEWEST_ROWS", 100)
    monkeypatch.setattr("loanwright.runtime.file_look._MOST_CELLS", 5 * 500)
    declaration = made(tmp_path, parquet(tmp_path, loans()))
    text = (tmp_path / "pipelines" / "loans" / "model.yaml").read_text()
    assert "a look at the first 500 rows of loans.parquet" in text
    nullable = [column.name for column in declaration.data.unit_source.columns if column.nullable]
    assert nullable == ["age", "income", "Purpose"], "rows not looked at may lack a value"


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("timed", [False, True], ids=["by hash", "by time"])
def test_what_is_written_runs_to_a_training_table(
    tmp_path: Path, kind: str, timed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loanwright.data.ingestion import ingest
    from loanwright.features.build import build_training_table
    from loanwright.storage import open_store, read_manifest

    table = loans(renewed=[["true", "false"][i % 2] for i in range(ROWS)], sex=[i % 2 for i in range(ROWS)])
    if timed:
        table["applied on"] = [date(2024, 1, 1) + timedelta(days=i) for i in range(ROWS)]
    declaration = made(tmp_path, parquet(tmp_path, table) if kind == "parquet" else csv(tmp_path, table))
    assert declaration.split.method == ("time" if timed else "hash")
    monkeypatch.chdir(tmp_path)
    store = open_store(str(tmp_path / "store"))
    snapshot = ingest(declaration.data, store, cutoff=None, overrides={}, cache=tmp_path / "cache", now=NOW).uri
    body = read_manifest(build_training_table(snapshot, declaration.data, declaration.features, store, tmp_path)).body
    assert body["rows"] == ROWS
    assert body["positives"] == sum(table["default_12m"])
    assert [feature["name"] for feature in body["features"]] == list(declaration.features.names())
    assert json.dumps(body["carried"]) == '["sex"]'


@pytest.mark.slow
@pytest.mark.parametrize("timed", [False, True], ids=["by hash", "by time"])
def test_what_is_written_trains_and_is_measured(tmp_path: Path, timed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from loanwright.data.ingestion import ingest
    from loanwright.evaluation.measure import evidence_of
    from loanwright.evaluation.subject import Subject
    from loanwright.features.build import build_training_table
    from loanwright.storage import open_store
    from loanwright.training.calibrate import calibrate
    from loanwright.training.train import train

    table = loans(3_000)
    if timed:
        table["applied_on"] = [date(2023, 1, 1) + timedelta(days=i // 3) for i in range(3_000)]
    said = made(tmp_path, parquet(tmp_path, table))
    monkeypatch.chdir(tmp_path)
    store, scratch = open_store(str(tmp_path / "store")), tmp_path / "scratch"
    snapshot = ingest(said.data, store, cutoff=None, overrides={}, cache=tmp_path / "cache", now=NOW).uri
    rows = build_training_table(snapshot, said.data, said.features, store, scratch)
    booster = train(rows, said.split, said.training, store, scratch).uri
    calibrator = calibrate(rows, booster, said.split, said.calibration, store, scratch)
    evidence = evidence_of(Subject.open(rows, booster, calibrator, said.split, scratch), said.evaluation)
    auc = evidence.metrics["auc"].value
    assert auc is not None
    assert auc > 0.7
