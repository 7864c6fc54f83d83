"""What is out of date is found without writing, and written anew when asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loanwright.config.schema import MODEL_SCHEMA, REFERENCE
from loanwright.runtime.checking import Finding, check_project
from loanwright.runtime.generating import generate, out_of_date
from loanwright.runtime.settings import Settings
from tests.builders.project import ROOT, make_project

COMPILED = Path("pipelines/tiny/compiled/training.yaml")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project with one model whose generated files are all there, but for the compiled pipeline and the schemas."""
    project = make_project(tmp_path, rows=10)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / REFERENCE, tmp_path / REFERENCE)
    return Settings.read(project.variables, tmp_path)


def _contents(folder: Path) -> dict[Path, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path: path.read_bytes() for path in paths}


def test_looking_writes_nothing_and_writing_leaves_nothing_to_do(settings: Settings) -> None:
    before = _contents(settings.project)
    assert {COMPILED, MODEL_SCHEMA} <= set(out_of_date(settings))
    assert _contents(settings.project) == before
    assert {COMPILED, MODEL_SCHEMA} <= set(generate(settings))
    assert out_of_date(settings) == {}
    assert generate(settings) == []


def _finding(settings: Settings) -> str | None:
    (finding,) = check_project(settings)
    assert finding.model == "tiny"
    return finding.problem


def test_drift_is_found_wherever_it_comes_from(settings: Settings) -> None:
    assert "training.yaml is missing. Run make generate" in (_finding(settings) or "")
    generate(settings)
    assert list(check_project(settings)) == [Finding("tiny", None)]

    declaration = settings.pipelines / "tiny" / "model.yaml"
    text = declaration.read_text()
    declaration.write_text(text.replace("num_leaves: 7", "num_leaves: 8"))
    assert "is not what model.yaml and the components say now" in (_finding(settings) or "")
    assert list(out_of_date(settings)) == [COMPILED]
    declaration.write_text(text)
    assert _finding(settings) is None

    component = settings.project / "components" / "train" / "component.py"
    component.write_text(component.read_text().replace('"""Fits the booster', '"""Really fits the booster'))
    assert "is not what model.yaml and the components say now" in (_finding(settings) or "")
    assert set(out_of_date(settings)) == {COMPILED, Path("components/train/README.md")}

    by_hand = settings.project / COMPILED
    generate(settings)
    by_hand.write_text(by_hand.read_text().replace("num_leaves", "numleaves"))
    assert "is not what model.yaml and the components say now" in (_finding(settings) or "")


def test_a_model_is_named_as_its_folder_and_one_wrong_model_hides_no_other(settings: Settings) -> None:
    shutil.copytree(settings.pipelines / "tiny", settings.pipelines / "another")
    found = {finding.model: finding.problem for finding in check_project(settings)}
    assert "model.name: 'tiny' is not its folder's name, 'another'" in str(found["another"])
    assert "training.yaml is missing" in str(found["tiny"])


def test_what_the_declaration_cannot_mean_is_told_before_drift(settings: Settings) -> None:
    declaration = settings.pipelines / "tiny" / "model.yaml"
    declaration.write_text(declaration.read_text().replace("delays / nullif(income, 0)", "delays / nullif(incme, 0)"))
    assert "did you mean 'income'" in (_finding(settings) or "")
