"""What is made once and kept is made again when it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from loanwright.runtime import local_run
from loanwright.runtime.settings import Settings
from tests.builders.project import make_project


@pytest.mark.parametrize("text", ["", "components: 'half of", "[1]", "{a: null}"])
def test_a_damaged_compiled_pipeline_is_compiled_anew(tmp_path: Path, text: str) -> None:
    project = make_project(tmp_path, rows=1)
    settings = Settings.read(project.variables, project.folder)
    request = local_run.Request("tiny", settings.pipelines / "tiny", {})
    first = local_run._pipeline(settings, request)
    (compiled,) = (settings.state / "compiled").glob("*.yaml")
    whole = compiled.read_text()
    compiled.write_text(text)
    assert local_run._pipeline(settings, request).pipeline_spec == first.pipeline_spec
    assert compiled.read_text() == whole
