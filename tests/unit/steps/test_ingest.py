"""The step by itself, as a cluster runs it: its parameters, its validation report, and when it looks anew."""

from __future__ import annotations

import json
import logging
import sqlite3
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from loanwright.config.reading import sections_as_parameters
from loanwright.runtime.identity import environment_digest
from loanwright.runtime.records import StepRecord, read_steps
from loanwright.steps import ingest
from loanwright.storage import open_store, split_uri

SMALLEST = Path(__file__).parents[1] / "config" / "valid" / "smallest.yaml"


@pytest.fixture(autouse=True)
def own_words() -> Iterator[None]:
    """A step gives its process's words a form of their own; tests after these want theirs back."""
    logger = logging.getLogger("loanwright")
    before = logger.handlers[:], logger.propagate, logger.level
    yield
    logger.handlers[:], logger.propagate, level = before
    logger.setLevel(level)


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOANWRIGHT_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("LOANWRIGHT_TRACKING_URI", "http://nowhere")
    monkeypatch.setenv("LOANWRIGHT_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("LOANWRIGHT_RUN_ID", "run-1")
    monkeypatch.setenv("BANK", f"sqlite:///{tmp_path}/bank.db")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data_cutoff": "{{workflow.name}}"}, "data_cutoff: holds '{{', which Argo would expand: "),
        ({"data_cutoff": "soon"}, "data_cutoff: 'soon' is not an RFC 3339 time"),
        ({"source_overrides": {"applicants": "{{workflow.name}}"}}, "source_overrides.applicants: holds '{{'"),
        ({"source_overrides": {"applicants": "mysql://u:pw@h/db"}}, "source_overrides.applicants: 'mysql://' is not"),
        ({"source_overrides": {"aplicants": "a.csv"}}, "source_overrides names 'aplicants', which is no source"),
        ({"workers": 0.0}, "workers: must be at least 1, not 0"),
    ],
)
def test_wrong_parameters_end_the_step_with_2(changed: dict[str, Any], said: str, run_folder: Path) -> None:
    given = {"data_cutoff": "", "source_overrides": {}, "workers": 1.0} | changed
    with pytest.raises(SystemExit) as ended:
        ingest.run(sections_as_parameters(SMALLEST), **given)
    assert ended.value.code == 2
    assert (_record(run_folder).error or "").startswith(said)
    assert "pw" not in (run_folder / "steps" / "ingest.json").read_text()


def test_the_validation_report_lies_beside_the_run_for_files_and_databases(run_folder: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "bank.db")) as bank, bank:
        bank.execute("CREATE TABLE applicants (id INTEGER, income REAL, bad INTEGER)")
        bank.executemany("INSERT INTO applicants VALUES (?, ?, ?)", [(1, 2.5, 0), (2, 3.5, 1)])
    for uri in (_file(tmp_path), "sql+env://BANK/applicants"):
        snapshot = ingest.run(sections_as_parameters(SMALLEST), "", {"applicants": uri}, 1.0)
        report = json.loads((run_folder / "validation.json").read_text())
        assert (report["snapshot"], report["rows"]) == (snapshot, {"applicants": 2})
        assert {"source": "applicants", "rule": "key", "column": None, "rows": 2, "broken": 0} in report["checks"]
        store, name = split_uri(_record(run_folder).result["validation"])
        assert (store.root, name) == (f"{tmp_path}/store/runs/run-1", "validation.json")
        assert json.loads(store.read(name)) == report
        (run_folder / "validation.json").unlink()


def test_other_libraries_look_at_the_data_anew(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "installed"
    (installed / "pyarrow-1.0.dist-info").mkdir(parents=True)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(installed))

    def nothing_to_do() -> bool:
        environment_digest.cache_clear()
        ingest.run(sections_as_parameters(SMALLEST), "", {"applicants": _file(tmp_path)}, 1.0)
        return bool(_record(run_folder).result["nothing_to_do"])

    try:
        assert [nothing_to_do(), nothing_to_do()] == [False, True]
        (installed / "pyarrow-1.0.dist-info").rename(installed / "pyarrow-2.0.dist-info")
        assert [nothing_to_do(), nothing_to_do()] == [False, True]
    finally:
        environment_digest.cache_clear()


def _file(folder: Path) -> str:
    path = folder / "applicants.csv"
    path.write_text("id,income,bad\n1,2.5,0\n2,3.5,1\n")
    return str(path)


def _record(run_folder: Path) -> StepRecord:
    return read_steps(open_store(str(run_folder)))["ingest"]
