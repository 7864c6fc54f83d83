"""What a killed run left is ended and told, and nothing else is touched."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from loanwright.runtime.processes import Identity
from loanwright.runtime.records import RunStart, StepRecord, Summary, write_json
from loanwright.runtime.recovery import recover
from loanwright.runtime.settings import Settings
from loanwright.storage import open_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "state", None, None, None, None)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def _dead_run(settings: Settings, *records: StepRecord) -> Path:
    folder = settings.runs / "tiny-1"
    start = RunStart("tiny-1", "tiny", pid=1, started=0.0, began="2026-01-01T00:00:00Z", parameters={})
    write_json(folder / "run.json", asdict(start))
    for record in records:
        record.write(open_store(str(folder)))
    return folder


def test_a_step_that_outlived_its_run_is_ended_and_the_run_is_interrupted(
    settings: Settings, sleeper: subprocess.Popen[bytes]
) -> None:
    left = Identity.of(sleeper.pid)
    folder = _dead_run(
        settings,
        StepRecord("ingest", "done", pid=2, started=1.0, seconds=3.5),
        StepRecord("train", "running", pid=left.pid, started=left.started),
    )
    (settings.state / "scratch" / "tiny-1").mkdir(parents=True)

    assert recover(settings) == ["tiny-1"]
    assert left.process() is None
    sleeper.wait(timeout=5)
    summary = Summary(**json.loads((folder / "summary.json").read_text()))
    assert (summary.run_id, summary.model, summary.status) == ("tiny-1", "tiny", "interrupted")
    assert (summary.began, summary.error) == ("2026-01-01T00:00:00Z", "the run was killed")
    assert summary.steps == {
        "ingest": {"status": "done", "seconds": 3.5},
        "train": {"status": "running", "seconds": None},
    }
    assert not (settings.state / "scratch").exists()
    assert recover(settings) == [], "told once"


def test_another_process_that_got_the_id_lives_on(settings: Settings, sleeper: subprocess.Popen[bytes]) -> None:
    other = Identity.of(sleeper.pid)
    _dead_run(settings, StepRecord("train", "running", pid=other.pid, started=other.started - 100))
    assert recover(settings) == ["tiny-1"]
    assert other.process() is not None
    assert sleeper.poll() is None


def test_a_step_that_had_ended_is_not_ended_again(settings: Settings, sleeper: subprocess.Popen[bytes]) -> None:
    done = Identity.of(sleeper.pid)
    _dead_run(settings, StepRecord("train", "done", pid=done.pid, started=done.started))
    recover(settings)
    assert sleeper.poll() is None


def test_a_run_that_ended_or_never_began_is_left_as_it_is(settings: Settings) -> None:
    folder = _dead_run(settings)
    write_json(folder / "summary.json", asdict(Summary("tiny-1", "tiny", "failed", "2026-01-01T00:00:00Z")))
    before = (folder / "summary.json").read_text()
    (settings.runs / "half" / "steps").mkdir(parents=True)
    (settings.runs / "half" / "run.json").write_text('{"run_id": "ha')
    assert recover(settings) == []
    assert (folder / "summary.json").read_text() == before
    assert not (settings.runs / "half" / "summary.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"model": null}'])
def test_half_a_summary_is_none_and_half_a_start_is_no_run(settings: Settings, text: str) -> None:
    folder = _dead_run(settings)
    (folder / "summary.json").write_text(text)
    (settings.runs / "other").mkdir()
    (settings.runs / "other" / "run.json").write_text(text)
    assert recover(settings) == ["tiny-1"]
    assert not (settings.runs / "other" / "summary.json").exists()


def test_a_step_record_that_nobody_here_wrote_is_none(settings: Settings) -> None:
    folder = _dead_run(settings)
    (folder / "steps").mkdir()
    changes: dict[str, dict[str, object]] = {
        "a": {"pid": "1"},
        "b": {"started": None},
        "c": {"result": []},
        "d": {"more": 1},
    }
    for name, changed in changes.items():
        record = asdict(StepRecord("train", "running", pid=1, started=0.0)) | changed
        write_json(folder / "steps" / f"{name}.json", record)
    assert recover(settings) == ["tiny-1"]
