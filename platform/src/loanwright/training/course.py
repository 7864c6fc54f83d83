"""How a booster's training went: what it measured round by round, and what happened to its workers.

The first is part of the booster, the same whoever trains it. The second is of the run that made it: it is kept
beside the booster, for people to read, and no digest counts it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loanwright.errors import NotStored
from loanwright.storage import Store, canonical_json, fetch, read_manifest
from loanwright.training.gang.history import Outcome, Restart, Segment


@dataclass(frozen=True)
class Course:
    """What is known of a training.

    Attributes:
        metric: the early-stopping metric; empty without.
        validation: that metric on the held rows after each round.
        rounds: how many were fitted.
        best_round: how many of them the model has.
        run: the run that trained it; empty if nobody knows.
        outcome: what happened in that run; None if nobody knows.
    """

    metric: str
    validation: tuple[float, ...]
    rounds: int
    best_round: int
    run: str = ""
    outcome: Outcome | None = None


def keep_outcome(store: Store, booster: str, run: str, outcome: Outcome) -> None:
    """Stores what happened in the run that trained a booster.

    Args:
        store: where the booster lies.
        booster: its digest.
        run: the run's id.
        outcome: what happened.
    """
    store.write(_place(booster), canonical_json({"booster": booster, "run": run, "outcome": asdict(outcome)}))


def read_course(store: Store, booster: str, scratch: Path) -> Course:
    """How the training of the booster of that digest went.

    Raises:
        NotStored: there is no such booster.
        IntegrityFault: it is not what was written.
    """
    manifest = read_manifest(f"{store.root}/boosters/{booster}/manifest.json", "boosters")
    log = json.loads(fetch(manifest, manifest.file("training_log.json"), scratch).read_bytes())
    run, outcome = _outcome(store, booster)
    return Course(
        metric=str(log["metric"]),
        validation=tuple(float(value) for value in log["validation"]),
        rounds=int(log["rounds"]),
        best_round=int(log["best_round"]),
        run=run,
        outcome=outcome,
    )


def _outcome(store: Store, booster: str) -> tuple[str, Outcome | None]:
    try:
        kept = json.loads(store.read(_place(booster)))
        return str(kept["run"]), _parsed(kept["outcome"])
    except (NotStored, ValueError, TypeError, KeyError):
        return "", None  # for people to read: a report is no worse without it than it was before


def _parsed(value: Mapping[str, Any]) -> Outcome:
    return Outcome(
        ranks=int(value["ranks"]),
        seconds=float(value["seconds"]),
        restarts=tuple(Restart(**one) for one in value["restarts"]),
        segments=tuple(Segment(**one) for one in value["segments"]),
    )


def _place(booster: str) -> str:
    return f"trainings/{booster}.json"
