"""On a cluster nobody has looked at the parameters before the first step does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loanwright.config.reading import sections_as_parameters
from loanwright.runtime.records import read_steps
from loanwright.steps import ingest
from loanwright.storage import open_store

SMALLEST = Path(__file__).parents[1] / "config" / "valid" / "smallest.yaml"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data_cutoff": "{{workflow.name}}"}, "data_cutoff: holds '{{', which Argo would expand: "),
        ({"data_cutoff": "soon"}, "data_cutoff: 'soon' is not an RFC 3339 time"),
        ({"source_overrides": {"applicants": "{{workflow.name}}"}}, "source_overrides.applicants: holds '{{'"),
        ({"source_overrides": {"applicants": "mysql://u:pw@h/db"}}, "source_overrides.applicants: 'mysql://' is not"),
        ({"source_overrides": {"aplicants": "a.csv"}}, "source_overrides names 'aplicants', which is no source"),
        ({"workers": 2.0}, "workers: 2 processes are asked for"),
    ],
)
def test_wrong_parameters_end_the_step_with_2(
    changed: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOANWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "http://nowhere")
    monkeypatch.setenv("LOANWRIGHT_RUN_DIR", str(tmp_path / "run"))
    given = {"data_cutoff": "", "source_overrides": {}, "workers": 1.0} | changed
    with pytest.raises(SystemExit) as ended:
        ingest.run(sections_as_parameters(SMALLEST), **given)
    assert ended.value.code == 2
    record = read_steps(open_store(str(tmp_path / "run")))["ingest"]
    assert (record.error or "").startswith(said)
    assert "pw" not in (tmp_path / "run" / "steps" / "ingest.json").read_text()
