"""`loanwright features`: its words, its exit codes, and what data it looks at."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from loanwright.cli.feature_view import previewed
from loanwright.cli.main import app
from loanwright.config.reading import read_declaration
from loanwright.errors import DeclarationError, LoanwrightError, UsageError
from loanwright.features.build import build_training_table
from loanwright.features.reading.previewing import Decision
from loanwright.runtime.feature_data import snapshot_for
from loanwright.runtime.records import Summary, write_json
from loanwright.runtime.settings import Settings
from loanwright.runtime.workplace import workplace
from loanwright.storage import open_store
from tests.builders.project import make_project

VISITS = """
    - name: visits
      uri: visits.csv
      key: [visit_id]
      event_time: at
      known_time: known
      synthetic: true
      columns:
        - {name: visit_id, type: integer}
        - {name: applicant_id, type: integer}
        - {name: at, type: time}
        - {name: known, type: time}
        - {name: pages, type: integer}
features:
"""
GROUP = """
    - source: visits
      key: applicant_id
      features:
        - {name: pages, aggregate: sum, column: pages, windows: [10d, all], description: "Pages seen."}
        - {name: visits_30d, aggregate: count, window: 30d, owner: web}
        - {name: last_pages, aggregate: last, column: pages, monotone: decreasing}
  derived:
"""
ROWS = """visit_id,applicant_id,at,known,pages
1,3,2025-12-30T10:00:00Z,2025-12-30T10:00:00Z,4
2,3,2025-12-01T10:00:00Z,2025-12-02T10:00:00Z,7
3,3,2026-01-02T10:00:00Z,2026-01-02T10:00:00Z,1
4,3,2025-12-31T10:00:00Z,2026-01-05T10:00:00Z,2
5,4,2025-12-31T10:00:00Z,2025-12-31T10:00:00Z,9
"""
Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls `loanwright features` in a project whose model also has features of visits."""
    made = make_project(tmp_path, rows=60)
    path = tmp_path / "pipelines" / "tiny" / "model.yaml"
    text = path.read_text().replace("features:\n", VISITS.lstrip("\n"), 1)
    path.write_text(text.replace("\n  derived:\n", GROUP, 1))
    (tmp_path / "visits.csv").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOANWRIGHT_STATE", str(made.state))
    monkeypatch.setenv("LOANWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("LOANWRIGHT_TRACKING_URI", "LOANWRIGHT_S3_PORT"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["features", *arguments])


def told(result: Result) -> str:
    """What a command printed, on one line, if it went well."""
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_list_shows_every_window_in_80_columns(call: Call) -> None:
    listed = call("list", "tiny")
    assert "visits by applicant_id" in listed.stdout
    assert "pages_10d sum pages in 10d Pages seen. pages_all sum pages Pages seen." in told(listed)
    assert "visits_30d count in 30d, owner web" in told(listed)
    assert "delays value delays, increasing" in told(listed)
    assert "delays_per_income delays / nullif(income, 0)" in told(listed)
    assert listed.stdout.endswith("\n8 features\n")
    assert max(map(len, listed.stdout.splitlines())) <= 80
    found = {each["name"]: each for each in json.loads(call("list", "tiny", "--json").stdout)}
    assert found["pages_10d"]["window"] == "10d"
    assert (found["visits_30d"]["owner"], found["income"]["owner"]) == ("web", "tests")


def test_show_tells_what_a_feature_means_and_where_it_is_declared(call: Call) -> None:
    shown = told(call("show", "tiny", "pages_10d"))
    assert (
        "sum of pages over visits whose applicant_id is the applicant's, in [t - 10d, t), rows known before t, "
        "in the version known then; missing stays missing"
    ) in shown
    assert "declared pipelines/tiny/model.yaml:" in shown
    assert "feeds delays_per_income" in told(call("show", "tiny", "income"))
    derived = json.loads(call("show", "tiny", "delays_per_income", "--json").stdout)
    assert derived["inputs"] == ["income", "delays"]
    file, line = derived["declared"].split(":")
    assert "delays_per_income" in Path(file).read_text().splitlines()[int(line) - 1]


def test_sql_prints_all_a_group_or_what_a_feature_needs(call: Call) -> None:
    whole = call("sql", "tiny").stdout
    assert whole.startswith("-- decisions\n")
    assert "-- group_2\n" in whole
    group = call("sql", "tiny", "--group", "2").stdout
    assert "source_visits" in group
    assert "-- decisions" not in group
    assert call("sql", "tiny", "--group", "1").stdout.startswith("-- group 1 reads the decisions' own rows")
    assert "source_visits" not in call("sql", "tiny", "--feature", "delays_per_income").stdout
    assert "unix_micros" in call("sql", "tiny", "--dialect", "spark").stdout


def test_preview_reads_the_sources_if_there_is_no_run(call: Call) -> None:
    shown = call("preview", "tiny", "--rows", "2", "--feature", "pages_all", "--feature", "income")
    assert "No run of this model has a snapshot of what is declared now: reading its sources." in shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["applicant_id", "decided", "label", "pages_all", "income"]
    assert [line.split()[:2] for line in lines[1:]] == [["59", "2026-01-01"], ["60", "2026-01-01"]]
    every = json.loads(call("preview", "tiny", "--decision", "3", "--decision", "4", "--json").stdout)
    assert [(each["key"], each["values"]["pages_all"]) for each in every] == [(3, 11.0), (4, 9.0)]
    assert len(every[0]["values"]) == 8
    assert call("preview", "tiny").stdout.count("delays_per_income") == 4, "three decisions beside each other"


def test_explain_shows_which_rows_fed_a_feature_and_why_others_did_not(call: Call) -> None:
    shown = told(call("explain", "tiny", "pages_10d", "--decision", "3"))
    assert "pages_10d = 4 at applicant 3, decided 2026-01-01" in shown
    assert "rows of visits: counted: 1; too late: not before the window's end: 1; not yet known: 1;" in shown
    assert "outside the window: 1" in shown
    assert "2025-12-30 10:00:00 2025-12-30 10:00:00 4 counted" in shown.replace("2025-12-30 2025-12-30", "")
    fewer = told(call("explain", "tiny", "pages_10d", "--decision", "3", "--rows", "1"))
    assert "and 3 older ones" in fewer
    found = json.loads(call("explain", "tiny", "pages_10d", "--decision", "3", "--json").stdout)
    assert [(row["key"]["visit_id"], row["why"]) for row in found["rows"]] == [
        (3, "too late: not before the window's end"),
        (4, "not yet known"),
        (1, "counted"),
        (2, "outside the window"),
    ]
    assert (found["value"], found["time"]) == (4.0, "2026-01-01T00:00:00Z")
    derived = json.loads(call("explain", "tiny", "delays_per_income", "--decision", "3", "--json").stdout)
    assert [each["feature"] for each in derived["inputs"]] == ["income", "delays"]


def test_explain_ends_with_an_internal_error_if_engine_and_definition_differ(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loanwright.features.reading.previewing import computed

    def wrong(*arguments: Any) -> list[Decision]:
        return [replace(each, values=each.values | {"pages_all": 12.0}) for each in computed(*arguments)]

    monkeypatch.setattr("loanwright.features.shown.explaining.computed", wrong)
    ended = call("explain", "tiny", "pages_all", "--decision", "3")
    assert isinstance(ended.exception, RuntimeError)
    assert str(ended.exception) == "'pages_all' is 11.0 by definition, and the engine makes it 12.0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "tinny"], "there is no model 'tinny' (did you mean 'tiny'?). The models are tiny"),
        (["show", "tiny", "pages_10"], "there is no feature 'pages_10' (did you mean 'pages_10d'?)"),
        (["sql", "tiny", "--feature", "delay"], "there is no feature 'delay' (did you mean 'delays'?)"),
        (["sql", "tiny", "--group", "3"], "there is no group 3: tiny has 2"),
        (["sql", "tiny", "--dialect", "sparc"], "there is no dialect 'sparc' (did you mean 'spark'?)"),
        (["sql", "tiny", "--group", "1", "--feature", "income"], "--group and --feature exclude each other"),
        (["preview", "tiny", "--feature", "incom"], "there is no feature 'incom' (did you mean 'income'?)"),
        (["preview", "tiny", "--decision", "x"], "'x' is no 'applicant_id', which is an integer"),
        (["explain", "tiny", "income", "--decision", "61"], "there is no applicant whose applicant_id is 61"),
        (["explain", "tiny", "incom", "--decision", "1"], "there is no feature 'incom' (did you mean 'income'?)"),
    ],
)
def test_what_is_not_there_is_told(call: Call, arguments: list[str], message: str) -> None:
    ended = call(*arguments)
    assert isinstance(ended.exception, UsageError)
    assert message in str(ended.exception)


def test_a_wrong_declaration_is_told_before_data_is_read(call: Call) -> None:
    path = Path("pipelines/tiny/model.yaml")
    path.write_text(path.read_text().replace("aggregate: last, column: pages", "aggregate: last, column: page"))
    Path("visits.csv").unlink()
    for command in (["list"], ["sql"], ["preview"], ["lint"], ["explain", "pages_all", "--decision", "1"]):
        ended = call(command[0], "tiny", *command[1:])
        assert isinstance(ended.exception, DeclarationError)
        assert "source 'visits' has no column 'page' (did you mean 'pages'?)" in str(ended.exception)


def a_run(name: str, **steps: dict[str, Any]) -> None:
    """Leaves what a run leaves that was begun at that minute."""
    folder = Settings.read().runs / f"tiny-{name}"
    summary = Summary(f"tiny-{name}", "tiny", "succeeded", f"2026-01-01T00:{name}:00Z")
    write_json(folder / "summary.json", asdict(summary))
    for step, result in steps.items():
        write_json(folder / "steps" / f"{step}.json", {"result": result})


def test_lint_looks_at_the_table_of_the_features_as_they_are_now(call: Call, tmp_path: Path) -> None:
    path = Path("pipelines/tiny/model.yaml")
    odd = "- {name: bad_twice, aggregate: value, column: seen_bad, monotone: decreasing}\n        "
    odd += "- {name: again, aggregate: value, column: seen_bad}\n        "
    text = path.read_text().replace("- {name: income, aggregate", odd + "- {name: income, aggregate")
    text = text.replace("- {name: bad, type", "- {name: seen_bad, type: integer}\n        - {name: bad, type")
    text = text.replace(
        "{name: visits_30d, aggregate: count, window: 30d", "{name: visits_9y, aggregate: count, window: 3285d"
    )
    path.write_text(text.replace("\nsplit:", '\n    - {name: nothing, expression: "0 * delays"}\n\nsplit:'))
    lines = Path("applicants.csv").read_text().splitlines()
    Path("applicants.csv").write_text(
        "\n".join([f"{lines[0]},seen_bad", *(f"{line},{line[-1]}" for line in lines[1:])]) + "\n"
    )

    alone = call("lint", "tiny")
    assert "The declaration alone was looked at: no run has a table of these features" in alone.stderr
    assert told(alone) == "feature rule again duplicate means the same as 'bad_twice'"

    declaration = read_declaration(path)
    settings = Settings.read()
    with workplace(settings) as scratch:
        snapshot = snapshot_for(settings, declaration, print)
        store = open_store(str(tmp_path / "store"))
        table = build_training_table(snapshot, declaration.data, declaration.features, store, scratch)
    a_run("01", ingest={"snapshot": snapshot}, build_features={"training_table": table})
    a_run("02", ingest={"snapshot": f"{store.root}/snapshots/{'0' * 64}.json"})

    preview = call("preview", "tiny", "--rows", "1")
    assert "Looking at snapshot" in preview.stderr
    assert "of run tiny-01." in preview.stderr

    linted = call("lint", "tiny", "--json", "--strict")
    assert linted.exit_code == 2
    assert "The training table of run tiny-01 was looked at too." in linted.stderr
    found = {(each["feature"], each["rule"]): each["says"] for each in json.loads(linted.stdout)}
    assert found["again", "duplicate"] == "equals 'bad_twice' in every row"
    assert found["bad_twice", "suspicious"] == "alone has an AUC of 1.000: does it know the outcome?"
    assert found["bad_twice", "monotone"] == "is declared decreasing, and alone goes the other way (AUC 1.000)"
    assert found["nothing", "constant"] == "is 0.0 in all 60 rows"
    assert found["last_pages", "missing"] == "is missing in 96.7% of the rows"
    assert (
        "has a window of 3285d, and from the latest decision back 'visits' has 30 days" in found["visits_9y", "window"]
    )
    assert not [name for name, _ in found if name in ("income", "delays", "channel")]

    changed = path.read_text().replace("delays / nullif(income, 0)", "delays / (1 + income)")
    path.write_text(changed)
    assert "The declaration alone was looked at" in call("lint", "tiny").stderr


def test_large_numbers_are_written_out_and_an_open_label_says_so() -> None:
    decision = Decision(7, datetime(2026, 1, 2, tzinfo=UTC), None, {"age": 69_850_612.25, "share": 0.1234567})
    printed = io.StringIO()
    Console(file=printed, width=80).print(previewed([decision], "loan_id"))
    assert printed.getvalue().split("\n")[1].split() == ["7", "2026-01-02", "open", "69850612", "0.123457"]


def test_lint_of_sound_features_ends_well_even_if_strict(call: Call) -> None:
    ended = call("lint", "tiny", "--strict")
    assert (ended.exit_code, ended.stdout) == (0, "Nothing odd found.\n")


def test_a_source_that_is_wrong_is_told(call: Call) -> None:
    Path("visits.csv").write_text(ROWS + "6,4,2025-12-31T10:00:00Z,2025-12-30T10:00:00Z,9\n")
    ended = call("preview", "tiny")
    assert isinstance(ended.exception, LoanwrightError)
    assert "1 row is known before 'at', when it happened" in str(ended.exception)
