"""The commands' own words and exit codes, without running a pipeline."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loanwright.cli.main import app, main
from loanwright.errors import EnvironmentFault, GateBlocked, LoanwrightError, UsageError
from loanwright.runtime.doctor import Diagnosis
from loanwright.runtime.records import Summary, write_json
from loanwright.runtime.settings import Settings
from tests.builders.project import make_project

COMMAND = sys.modules["loanwright.cli.main"]  # the package gives its function that name
COMPILED = Path("pipelines/tiny/compiled/training.yaml")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command is called."""
    made = make_project(tmp_path, rows=10)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "declaration.md").write_bytes(
        (Path(__file__).parents[3] / "docs" / "declaration.md").read_bytes()
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOANWRIGHT_STATE", str(made.state))
    for name in ("LOANWRIGHT_STORE", "LOANWRIGHT_TRACKING_URI", "LOANWRIGHT_S3_PORT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_generate_check_tells_and_writes_nothing(project: Path) -> None:
    told = CliRunner().invoke(app, ["generate", "--check"])
    assert told.exit_code == 1
    assert f"out of date: {COMPILED}" in told.stderr
    assert not (project / COMPILED).exists()
    assert not (project / "docs" / "schema").exists()

    wrote = CliRunner().invoke(app, ["generate"])
    assert wrote.exit_code == 0
    assert f"wrote: {COMPILED}" in wrote.stdout
    assert CliRunner().invoke(app, ["generate", "--check"]).exit_code == 0


def test_check_tells_each_model_and_ends_with_2_if_one_is_wrong(project: Path) -> None:
    assert CliRunner().invoke(app, ["generate"]).exit_code == 0
    sound = CliRunner().invoke(app, ["check"])
    assert (sound.exit_code, sound.stdout) == (0, "tiny: ok\n")
    path = project / "pipelines" / "tiny" / "model.yaml"
    path.write_text(path.read_text().replace("num_leaves", "num_leafs"))
    wrong = CliRunner().invoke(app, ["check"])
    assert wrong.exit_code == 2
    assert "did you mean 'num_leaves'" in wrong.stderr


def test_models_lists_titles_what_is_registered_and_broken_ones_without_stopping(project: Path) -> None:
    listed = CliRunner().invoke(app, ["models"])
    assert listed.stdout.split() == ["tiny", "Tiny", "(nothing", "registered)"]
    broken = project / "pipelines" / "another"
    broken.mkdir()
    (broken / "model.yaml").write_text("model: [")
    listed = CliRunner().invoke(app, ["models"])
    assert listed.exit_code == 2
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [["another", "broken:"], ["tiny", "Tiny"]]


def test_runs_are_never_cut_and_found_by_their_beginning_or_model(project: Path) -> None:
    state = Settings.read().runs
    for number, began in ((1, "2026-01-01T00:00:00Z"), (2, "2026-01-02T00:00:00Z")):
        run_id = f"{'long_' * 12}model-2026010{number}-000000-abcd"
        summary = Summary(run_id, "long", "succeeded", began, registry_version=str(number))
        write_json(state / run_id / "summary.json", asdict(summary))
    lines = CliRunner().invoke(app, ["runs"], env={"COLUMNS": "40"}).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [f"{'long_' * 12}model-2026010{n}-000000-abcd" for n in (2, 1)]
    for asked, version in (("latest", "2"), ("long", "2"), (f"{'long_' * 12}model-20260101", "1")):
        shown = CliRunner().invoke(app, ["show", asked, "--json"])
        assert json.loads(shown.stdout)["registry_version"] == version
    assert isinstance(CliRunner().invoke(app, ["show", "long_"]).exception, UsageError)


def test_runs_of_other_versions_are_shown_and_damaged_summaries_are_not(project: Path) -> None:
    runs = Settings.read().runs
    later = asdict(Summary("later", "tiny", "succeeded", "2026-01-02T00:00:00Z")) | {"of_a_later_version": 1}
    earlier = {"run_id": "earlier", "model": "tiny", "status": "failed", "began": "2026-01-01T00:00:00Z"}
    for name, value in {"later": later, "earlier": earlier, "other": {"a": None}}.items():
        write_json(runs / name / "summary.json", value)
    (runs / "half").mkdir()
    (runs / "half" / "summary.json").write_text('{"run_id":')
    listed = json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)
    assert [run["run_id"] for run in listed] == ["later", "earlier"]
    assert "later" in CliRunner().invoke(app, ["show", "latest"]).stdout
    assert CliRunner().invoke(app, ["show", "earlier"]).exit_code == 0


@pytest.mark.usefixtures("project")
def test_ui_refuses_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = CliRunner().invoke(app, ["ui", "--port", str(port)]).exception
    assert isinstance(failed, EnvironmentFault)
    assert str(failed) == f"port {port} is taken. Name another: loanwright ui --port 5001"


def test_ui_serves_the_registry_quietly_and_leaves_nothing_where_it_is_called(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda _, command, variables: started.append((command, variables)))
    monkeypatch.setattr("loanwright.registry.client.initialise", lambda _: None)
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "sqlite:///elsewhere.db")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    assert CliRunner().invoke(app, ["ui", "--port", port]).exit_code == 0
    ((command, variables),) = started
    options = dict(itertools.pairwise(command))
    assert options["--port"] == port
    assert options["--backend-store-uri"] == f"sqlite:///{project}/state/mlflow/mlflow.db"
    assert options["--default-artifact-root"] == f"{project}/state/mlflow/artifacts"
    assert {name: value for name, value in variables.items() if name.startswith("MLFLOW_")} == {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "tinny"], "there is no bundle 'tinny' (did you mean 'tiny'?). Give MODEL@ALIAS, MODEL@VERSION"),
        (["verify", "tiny"], "'tiny' names a model and no version of it. Write tiny@champion, or tiny@1"),
        (["verify", ""], "there is no bundle ''. Give"),
        (["verify", "s3://"], "there is no bundle 's3://'. Give"),
        (["verify", "applicants.csv"], "applicants.csv is a file and no bundle. Give the bundle's folder"),
        (["score", "--model", "tinny", "--input", "x", "--output", "y"], "there is no bundle 'tinny' (did you mean"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_names_no_bundle_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("loanwright.cli.registry.workplace", lambda _: nullcontext(tmp_path))
    failed = CliRunner().invoke(app, arguments).exception
    assert isinstance(failed, UsageError)
    assert str(failed).startswith(said)


@pytest.mark.usefixtures("project")
def test_ui_names_an_outside_registry_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "https://anna:s3cret@mlflow.example:8443/team")
    told = CliRunner().invoke(app, ["ui"])
    assert told.exit_code == 0
    assert told.output == "The registry is a server of its own: https://mlflow.example:8443/team\n"


@pytest.mark.usefixtures("project")
def test_prune_refuses_an_outside_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWRIGHT_STORE", "s3://theirs")
    refused = CliRunner().invoke(app, ["prune"])
    assert isinstance(refused.exception, UsageError)
    assert "LOANWRIGHT_STORE is s3://theirs" in str(refused.exception)


@pytest.mark.usefixtures("project")
def test_the_doctor_ends_with_a_fault_if_anything_is_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [Diagnosis("disk", False, "0.1 GB free", "Free 2 GB"), Diagnosis("memory", True, "9 GB", "Close programs")]
    monkeypatch.setattr("loanwright.runtime.doctor.diagnose", lambda _: iter(seen))
    told = CliRunner().invoke(app, ["doctor"])
    assert told.stdout == "BAD disk: 0.1 GB free. Free 2 GB\nok  memory: 9 GB\n"
    assert isinstance(told.exception, EnvironmentFault)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UsageError("there is no such thing", fix="Look again"), 2, "Error: there is no such thing. Look again\n"),
        (GateBlocked("blocked by auc_floor"), 3, "Error: blocked by auc_floor\n"),
        (EnvironmentFault("S3 does not answer"), 1, "Error: S3 does not answer\n"),
        (LoanwrightError("something"), 1, "Error: something\n"),
        (KeyboardInterrupt(), 130, "Error: interrupted\n"),
        (ZeroDivisionError("by 0"), 1, "Error: internal error, ZeroDivisionError: by 0 (--debug shows where)\n"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_failure_is_one_sentence_and_an_exit_code(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(COMMAND, "app", fail)
    monkeypatch.setattr(sys, "argv", ["loanwright", "run", "tiny"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err == words


def test_debug_shows_where_it_comes_from(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise UsageError("there is no such thing")

    monkeypatch.setattr(COMMAND, "app", fail)
    monkeypatch.setattr(sys, "argv", ["loanwright", "--debug", "run", "tiny"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().err
    assert "in fail" in told
    assert told.endswith("Error: there is no such thing\n")
