"""A proposal as a change to a file: shown, taken over whole or not at all, and only where it was searched for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loanwright.config.reading import read_declaration
from loanwright.errors import DeclarationError, UsageError
from loanwright.runtime.checking import check_project
from loanwright.runtime.local_run import Request
from loanwright.runtime.search_change import apply, check_applicable, proposed_change
from loanwright.runtime.settings import Settings
from loanwright.storage import digest_of
from tests.builders.project import make_project

SEARCH = (
    "search: {space: {learning_rate: {low: 0.01, high: 0.3}}, generations: 2, trials_per_generation: 3, folds: 3}\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_project(tmp_path, rows=10)
    with (made.folder / "pipelines" / "tiny" / "model.yaml").open("a") as file:
        file.write(SEARCH)
    return Settings.read(made.variables, made.folder)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.pipelines / "tiny"


def digest(folder: Path) -> str:
    return digest_of(read_declaration(folder / "model.yaml").training.model_dump(mode="json"))


def test_the_diff_shows_the_changed_lines_alone(folder: Path) -> None:
    change = proposed_change(folder, digest(folder), {"learning_rate": 0.2345, "rounds": 30})
    lines = change.diff.splitlines()
    assert lines[:2] == ["--- a/pipelines/tiny/model.yaml", "+++ b/pipelines/tiny/model.yaml"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-training: {rounds: 20, seed: 1, parameters: {num_leaves: 7, learning_rate: 0.1}}",
        "+training: {rounds: 30, seed: 1, parameters: {num_leaves: 7, learning_rate: 0.2345}}",
    ]
    assert "learning_rate: 0.1}" in (folder / "model.yaml").read_text(), "showing writes nothing"


def test_taken_over_it_is_declared_and_compiled(settings: Settings, folder: Path) -> None:
    written = apply(settings.project, proposed_change(folder, digest(folder), {"learning_rate": 0.2345}))
    assert [path.name for path in written] == ["model.yaml", "training.yaml", "search.yaml"]
    assert read_declaration(folder / "model.yaml").training.parameters.learning_rate == 0.2345
    for name in ("training", "search"):
        compiled = yaml.safe_load((folder / "compiled" / f"{name}.yaml").read_text())
        defaults = compiled["root"]["inputDefinitions"]["parameters"]["training"]["defaultValue"]
        assert defaults["parameters"]["learning_rate"] == 0.2345
    assert [finding.problem for finding in check_project(settings)] == [None]


def test_a_change_that_is_not_sound_leaves_everything_as_it_was(settings: Settings, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(DeclarationError, match="learning_rate: must be at most 1, not 7"):
        apply(settings.project, proposed_change(folder, digest(folder), {"learning_rate": 7}))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_was_searched_for_another_training_is_refused(folder: Path) -> None:
    searched = digest(folder)
    path = folder / "model.yaml"
    path.write_text(path.read_text().replace("rounds: 20", "rounds: 21"))
    with pytest.raises(DeclarationError, match=r"declares another training by now than was searched\. Search again"):
        proposed_change(folder, searched, {"learning_rate": 0.2})


def test_what_was_searched_with_other_settings_is_not_applied(folder: Path) -> None:
    check_applicable(Request("tiny", folder, {}, changes=("search.generations=3", "search.budget=1h")))
    with pytest.raises(UsageError, match=r"--apply takes over .* 'training\.rounds=5' is set for this search alone"):
        check_applicable(Request("tiny", folder, {}, changes=("search.seed=3", "training.rounds=5")))


def test_a_compiled_search_that_is_declared_no_more_is_found(settings: Settings, folder: Path) -> None:
    apply(settings.project, proposed_change(folder, digest(folder), {"learning_rate": 0.2}))
    path = folder / "model.yaml"
    path.write_text(path.read_text().replace(SEARCH, ""))
    (finding,) = check_project(settings)
    assert finding.problem is not None
    assert "search.yaml is there, and no search is declared. Remove it" in finding.problem
