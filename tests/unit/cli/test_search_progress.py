"""The lines of a search at work, from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from loanwright.cli.search_progress import SearchView
from loanwright.runtime.processes import Identity
from loanwright.runtime.records import StepRecord
from loanwright.search.trials import record_name
from loanwright.storage import open_store

URIS = [f"s3://here/trials/{number}{'0' * 63}.json" for number in range(3)]


def write(folder: Path, step: str, status: Any = "done", **result: Any) -> None:
    me = Identity.mine()
    StepRecord(step=step, status=status, pid=me.pid, started=me.started, seconds=2.0, result=result).write(
        open_store(str(folder))
    )


def test_each_generation_says_how_many_trials_are_done_and_which_are_at_work(tmp_path: Path) -> None:
    view = SearchView()
    write(tmp_path, "ingest", nothing_to_do=True)
    write(tmp_path, "propose_1", trials=URIS, first=6, out_of_time=False)
    write(tmp_path, record_name(URIS[0]), number=6)
    write(tmp_path, record_name(URIS[1]), "running")
    said = list(view.news(tmp_path))
    assert said[0].endswith("looked again: nothing to do")
    assert said[1] == "build_features: reused"
    assert said[2].startswith("generation 1: 1 of 3 trials run; at work: 7 (")
    console = Console(width=100, record=True)
    console.print(view.table(tmp_path))
    assert "1 of 3 trials run; at work: 7" in console.export_text()

    write(tmp_path, record_name(URIS[1]), number=7)
    write(tmp_path, "propose_2", trials=[], first=None, out_of_time=True)
    write(tmp_path, "conclude")
    assert list(view.news(tmp_path)) == [
        "generation 1: 3 trials, 1 of them reused",
        "generation 2: the time is up",
        "conclude:   2.0 s",
    ]
    assert list(view.news(tmp_path)) == [], "nothing is said twice"


def test_a_trial_that_failed_is_seen(tmp_path: Path) -> None:
    write(tmp_path, "propose_1", trials=URIS, first=0, out_of_time=False)
    write(tmp_path, record_name(URIS[2]), "failed")
    assert list(SearchView().news(tmp_path))[-1] == "generation 1: a trial failed"
