"""What became of the steps of a search, told from the records that the executed ones left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loanwright.runtime.records import StepRecord
from loanwright.runtime.shown_steps import search_steps
from loanwright.search.trials import record_name

URIS = [f"s3://here/trials/{number:064x}.json" for number in range(4)]
URIS = [uri.replace("/trials/", f"/trials/{number}") for number, uri in enumerate(URIS)]


def record(step: str, status: Any = "done", **result: Any) -> StepRecord:
    return StepRecord(step=step, status=status, pid=1, started=0.0, seconds=2.0, result=result)


def proposed(number: int, *trials: str, out_of_time: bool = False) -> StepRecord:
    return record(f"propose_{number}", trials=list(trials), out_of_time=out_of_time, first=0)


def shown(*records: StepRecord, finished: bool = True) -> dict[str, dict[str, Any]]:
    return search_steps({one.step: one for one in records}, 3, finished=finished)


def test_trials_that_were_not_run_are_reused() -> None:
    found = shown(
        record("ingest", nothing_to_do=True),
        proposed(1, *URIS[:2]),
        proposed(2, *URIS[2:]),
        record(record_name(URIS[3])),
        proposed(3, out_of_time=True),
        record("conclude"),
    )
    assert {name: step["status"] for name, step in found.items()} == {
        "ingest": "unchanged",
        "build_features": "reused",
        "generation 1": "done",
        "generation 2": "done",
        "generation 3": "out_of_time",
        "conclude": "done",
    }
    assert (found["generation 1"]["trials"], found["generation 1"]["run"]) == (2, 0)
    assert (found["generation 2"]["trials"], found["generation 2"]["run"], found["generation 2"]["seconds"]) == (
        2,
        1,
        2.0,
    )


def test_trials_side_by_side_take_the_time_of_the_clock() -> None:
    def ran(uri: str, started: float, seconds: float) -> StepRecord:
        return replace(record(record_name(uri)), started=started, seconds=seconds)

    found = shown(proposed(1, *URIS[:3]), ran(URIS[0], 10.0, 4.0), ran(URIS[1], 10.5, 5.0), ran(URIS[2], 14.0, 3.0))
    assert found["generation 1"]["seconds"] == 7.0


def test_a_search_that_was_ended_shows_how_far_it_came() -> None:
    found = shown(record("ingest"), proposed(1, *URIS), record(record_name(URIS[0]), "running"), finished=False)
    assert list(found) == ["ingest", "build_features", "generation 1"]
    assert found["generation 1"]["status"] == "running"
    failed = shown(record("ingest"), proposed(1, *URIS), record(record_name(URIS[0]), "failed"), finished=False)
    assert failed["generation 1"]["status"] == "failed"


def test_a_space_that_is_used_up_is_told_from_a_time_that_is_up() -> None:
    assert shown(proposed(1, *URIS), proposed(2), record("conclude"))["generation 2"]["status"] == "all_tried"
