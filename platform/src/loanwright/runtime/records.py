"""What a step, and then a run, leaves behind about itself: small JSON files beside the run.

KFP's local runner keeps neither a step's exit code nor its words, and the run API of a cluster carries no
error text, so each step writes its own record and the CLI speaks from that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar

from loanwright.errors import NotStored
from loanwright.storage import Store, canonical_json

STEPS = ("ingest", "build_features", "train", "calibrate", "evaluate", "gate", "register")

SPOKEN = "»"
"""What a step's own words begin with in the run's log, among KFP's."""


@dataclass(frozen=True)
class StepRecord:
    """One executed step. `seconds` is wall time from the process's start; `result` is what the CLI shows."""

    step: str
    status: Literal["running", "done", "failed"]
    pid: int
    started: float
    seconds: float | None = None
    code: int | None = None
    error: str | None = None
    trace: str | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What a person is told of the step's name."""
        return f"trial {self.result['number']}" if "number" in self.result else self.step

    def write(self, place: Store) -> None:
        """Stores the record below the run's place."""
        place.write(f"steps/{self.step}.json", canonical_json(asdict(self)))


def read_steps(place: Store) -> dict[str, StepRecord]:
    """The records of the steps that were executed, by step, in the order of their start."""
    records = []
    for stored in place.list("steps/"):
        try:
            record = StepRecord(**json.loads(place.read(stored.key)))
        except (NotStored, ValueError, TypeError):
            continue  # half a record is no record
        if _holds(record, step=str, status=str, pid=int, started=int | float, result=dict):
            records.append(record)
    return {record.step: record for record in sorted(records, key=lambda record: record.started)}


def in_order(steps: Iterable[str]) -> list[str]:
    """A pipeline's steps in their order; of these, those that compute shares of features stand before their join."""
    shares = [step for step in steps if step not in STEPS]
    joining = STEPS.index("build_features")
    return [*STEPS[:joining], *shares, *STEPS[joining:]]


@dataclass(frozen=True)
class RunStart:
    """What is known of a run when it starts: `run.json`."""

    run_id: str
    model: str
    pid: int
    started: float
    began: str
    parameters: dict[str, Any]
    changes: tuple[str, ...] = ()
    pipeline: str = "training"


@dataclass(frozen=True)
class Summary:
    """How a run ended: `summary.json`. Absent values are null; `report` is an absolute path."""

    run_id: str
    model: str
    status: Literal["succeeded", "failed", "blocked", "interrupted"]
    began: str
    changes: tuple[str, ...] = ()
    """What was set for this run alone, beside the committed declaration."""
    seconds: float | None = None
    exit_code: int | None = None
    error: str | None = None
    metrics: dict[str, Any] | None = None
    gates: list[dict[str, Any]] | None = None
    champion: dict[str, Any] | None = None
    report: str | None = None
    bundle: str | None = None
    bundle_digest: str | None = None
    registry_version: str | None = None
    mlflow_run: str | None = None
    unchanged: bool | None = None
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    pipeline: str = "training"
    search: dict[str, Any] | None = None
    """What a search found: its outcome's manifest."""


Form = TypeVar("Form", RunStart, Summary)


def read_start(path: Path) -> RunStart | None:
    """A run's `run.json`; None if it is absent, or not what a run wrote."""
    start = _known(RunStart, read_json(path))
    return start if start and _holds(start, run_id=str, model=str, began=str) else None


def read_summary(path: Path) -> Summary | None:
    """A run's `summary.json`; None if it is absent, or not what a run wrote."""
    summary = _known(Summary, read_json(path))
    whole = summary and _holds(summary, run_id=str, model=str, status=str, began=str, steps=dict)
    return summary if whole else None


def read_summaries(runs: Path) -> dict[str, Summary]:
    """The summaries of all runs in a folder, by run."""
    found = {path.parent.name: read_summary(path) for path in runs.glob("*/summary.json")}
    return {name: summary for name, summary in found.items() if summary is not None}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(value, indent=2, sort_keys=False, allow_nan=False) + "\n")
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object's file; None if it is absent or not whole."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _known(kind: type[Form], value: dict[str, Any] | None) -> Form | None:
    """The value as that form; what another version added to it is left out."""
    try:
        return kind(**{name: (value or {})[name] for name in kind.__dataclass_fields__ if name in (value or {})})
    except TypeError:
        return None


def _holds(record: object, **types: type | UnionType) -> bool:
    """Whether the record's fields are of these types: a file can hold JSON that nobody here wrote."""
    return all(isinstance(getattr(record, name), kind) for name, kind in types.items())
