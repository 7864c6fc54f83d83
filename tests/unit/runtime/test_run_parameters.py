"""What a run is asked to do is checked whole before it starts: nothing of a wrong request is ever written."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.config.learning import Calibration
from loanwright.errors import UserError
from loanwright.runtime.run_parameters import run_parameters, search_parameters
from loanwright.runtime.settings import Settings
from tests.builders.project import Project, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"), rows=1)


def refusal(project: Project, *assignments: str, **variables: str) -> str:
    with pytest.raises(UserError) as caught:
        run_parameters(Settings.read({**project.variables, **variables}, project.folder), "tiny", assignments)
    return str(caught.value)


def test_relative_addresses_are_the_callers_and_numbers_are_whole(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.read(project.variables, project.folder)
    request = run_parameters(settings, "tiny", ["source_overrides.applicants=a.csv", "workers=1.0"])
    assert request.parameters["source_overrides"] == {"applicants": str(tmp_path / "a.csv")}
    assert repr(request.parameters["workers"]) == "1"
    assert (request.parameters["data_cutoff"], request.parameters["register_model"]) == ("", True)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("source_overrides.aplicants=a.csv", "source_overrides names 'aplicants', which is no source (did you mean "
         "'applicants'?). The sources are applicants"),
        ("source_overrides=foo", "source_overrides: must be a mapping, not 'foo'"),
        ("data_cutoff=tomorrow", "data_cutoff: 'tomorrow' is not an RFC 3339 time such as '2026-01-31T00:00:00Z'"),
        ("register_model=maybe", "register_model: must be true or false, not 'maybe'"),
        ("split.fractions.test=0.3", "split.fractions: train, calibration and test add up to 1.1, not 1"),
        ("gates=null", "gates: is missing"),
        ("data.unit.source=other", "data.unit.source: there is no source 'other'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_before_anything_runs(project: Project, assignment: str, said: str) -> None:
    assert refusal(project, assignment) == said


def test_more_workers_than_this_machine_bears_start_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loanwright.training.crew.usable_threads", lambda: 2)
    assert "1,000 workers are asked for, and this machine has 2 cores" in refusal(project, "workers=1000")


def test_a_section_that_has_a_default_gets_it_back(project: Project) -> None:
    settings = Settings.read(project.variables, project.folder)
    request = run_parameters(settings, "tiny", ["calibration=null"])
    assert request.parameters["calibration"] == Calibration().model_dump(mode="json", exclude_none=True)


def test_bad_sql_starts_no_run(project: Project) -> None:
    assert "delays_per_income" in refusal(project, "features.derived.delays_per_income.expression=pg_sleep(9)")


def test_an_override_counts_into_the_size_of_the_parameters(project: Project) -> None:
    said = refusal(project, f"source_overrides.applicants=/{'x' * 100_000}")
    assert said.startswith("the parameters of 'tiny' take 10")
    assert "a step's arguments hold 100 kB: source_overrides 100.0 kB, " in said


def test_another_bucket_needs_a_store_of_ones_own(project: Project) -> None:
    assignment = "source_overrides.applicants=s3://team/applicants/"
    assert refusal(project, assignment) == (
        "source 'applicants' reads s3://team/applicants/, but results are kept in the embedded S3 server, and its "
        "address and keys open no other bucket. Set LOANWRIGHT_STORE to a bucket or a folder of your own, the AWS_* "
        "variables, and LOANWRIGHT_S3_ENDPOINT for a server other than AWS"
    )
    assert "reads s3://loanwright-2/x" in refusal(project, "data.sources.applicants.uri=s3://loanwright-2/x")
    own = Settings.read({**project.variables, "LOANWRIGHT_STORE": "s3://team/models"}, project.folder)
    assert run_parameters(own, "tiny", [assignment]).parameters["source_overrides"]["applicants"].startswith("s3://")
    embedded = Settings.read(project.variables, project.folder)
    run_parameters(embedded, "tiny", ["source_overrides.applicants=s3://loanwright/applicants/"])


def test_the_command_ends_with_2_and_leaves_no_trace_of_a_password(project: Project) -> None:
    ended = project.command("run", "tiny", "--set", "source_overrides.applicants=postgresql://u:hushhush@h/db")
    assert ended.code == 2
    assert "source_overrides.applicants: 'postgresql://' is not read" in ended.err
    assert "hushhush" not in ended.out + ended.err
    assert not [path for path in project.state.rglob("*") if path.is_file() and b"hushhush" in path.read_bytes()]
    assert not list(project.state.glob("runs/*"))


@pytest.fixture
def searching(tmp_path: Path) -> Settings:
    made = make_project(tmp_path, rows=1)
    with (made.folder / "pipelines" / "tiny" / "model.yaml").open("a") as file:
        file.write("search: {space: {num_leaves: {low: 3, high: 15}}, generations: 2}\n")
    return Settings.read(made.variables, made.folder)


def test_a_search_is_asked_for_with_all_sections_and_its_own(searching: Settings) -> None:
    request = search_parameters(searching, "tiny", ["search.generations=4", "training.rounds=5"])
    assert request.generations == 4
    assert request.parameters["search"]["generations"] == 4
    assert request.parameters["training"]["rounds"] == 5
    assert not {"workers", "register_model"} & set(request.parameters)
    assert "search" not in run_parameters(searching, "tiny", []).parameters


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("workers=1", "--set workers: a search has no such parameter"),
        ("register_model=false", "--set register_model: a search has no such parameter"),
        ("search=null", "--set search: without a search there is nothing to run"),
        ("search.space.num_leaves.low=1", "search.space.num_leaves: must be at least 2, not 1"),
        ("search.generation=1", "search.generation: unknown key (did you mean 'generations'?)"),
        ("training.early_stopping.patience=0", "training.early_stopping.patience: must be at least 1, not 0"),
    ],
)
def test_a_wrong_search_is_told_before_anything_runs(searching: Settings, assignment: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        search_parameters(searching, "tiny", [assignment])
    assert str(caught.value).startswith(said)


def test_a_model_without_a_search_says_what_to_add(project: Project) -> None:
    with pytest.raises(UserError, match=r"declares no search. Add a section `search`: docs/search\.md shows one"):
        search_parameters(Settings.read(project.variables, project.folder), "tiny", [])
