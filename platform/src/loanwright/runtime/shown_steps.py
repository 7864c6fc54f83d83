"""What became of each step of a run, from the records that the executed ones left: a reused step leaves none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loanwright.errors import GateBlocked
from loanwright.runtime.records import STEPS, StepRecord, in_order
from loanwright.search.trials import record_name

Shown = dict[str, dict[str, Any]]
"""By step: `status`, and `seconds` where it was executed."""
BEFORE_SEARCH = STEPS[:2]
"""The steps that a search begins with, as training does."""


def training_steps(records: Mapping[str, StepRecord], *, finished: bool) -> Shown:
    """The steps of a training run: executed, or reused if a later one has a record."""
    return _in_order(records, in_order(records), finished=finished)


def search_steps(records: Mapping[str, StepRecord], generations: int, *, finished: bool) -> Shown:
    """The steps of a search, each generation's trials taken as one.

    Args:
        records: by name.
        generations: how many the pipeline has.
        finished: whether the run came to its end.
    """
    planned = [*BEFORE_SEARCH, *(f"propose_{number + 1}" for number in range(generations)), "conclude"]
    shown: Shown = {}
    for name, step in _in_order(records, planned, finished=finished).items():
        number = name.removeprefix("propose_")
        if number == name:
            shown[name] = step
        elif name in records:
            shown[f"generation {number}"] = _generation(records, records[name], finished=finished)
    return shown


def _generation(records: Mapping[str, StepRecord], proposed: StepRecord, *, finished: bool) -> dict[str, Any]:
    """One generation: how many trials there were, how many were run now, and the seconds they took by the clock."""
    trials = [record_name(uri) for uri in proposed.result.get("trials", [])]
    executed = [records[name] for name in trials if name in records]
    ends = [record.started + (record.seconds or 0.0) for record in executed]
    seconds = round(max(ends) - min(record.started for record in executed), 2) if executed else None
    found = {"seconds": seconds, "trials": len(trials), "run": len(executed)}
    if proposed.status != "done" or any(record.status == "failed" for record in executed):
        return found | {"status": "failed"}
    if not trials:
        return found | {"status": "out_of_time" if proposed.result.get("out_of_time") else "all_tried"}
    if any(record.status != "done" for record in executed) or not (executed or finished):
        return found | {"status": "running"}
    return found | {"status": "done"}


def _in_order(records: Mapping[str, StepRecord], planned: Sequence[str], *, finished: bool) -> Shown:
    last = max((planned.index(step) for step in records if step in planned), default=-1)
    shown: Shown = {}
    for position, step in enumerate(planned):
        record = records.get(step)
        if record is not None:
            shown[step] = {"status": _status(record), "seconds": record.seconds}
        elif finished or position < last:
            shown[step] = {"status": "reused", "seconds": None}
    return shown


def _status(record: StepRecord) -> str:
    if record.status == "done" and record.result.get("nothing_to_do"):
        return "unchanged"
    if record.status == "done" and record.result.get("not_asked"):
        return "not_asked"
    return "blocked" if record.code == GateBlocked.exit_code else record.status
