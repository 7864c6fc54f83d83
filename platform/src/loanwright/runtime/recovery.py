"""Ends what a dead run left behind: its steps that still live, its scratch space, its open record."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loanwright.runtime.processes import Identity
from loanwright.runtime.records import Summary, read_start, read_steps, read_summary, write_json
from loanwright.runtime.settings import Settings
from loanwright.storage import open_store


def recover(settings: Settings) -> list[str]:
    """Marks every run that died as interrupted; their ids. Call it with the state folder's lock held."""
    dead = []
    for folder in sorted(settings.runs.glob("*")):
        start = read_start(folder / "run.json")
        if start is None or read_summary(folder / "summary.json") is not None:
            continue
        end_steps(folder)
        summary = Summary(
            run_id=folder.name,
            model=start.model,
            status="interrupted",
            began=start.began,
            pipeline=start.pipeline,
            error="the run was killed",
            steps=steps_shown(folder),
        )
        write_json(folder / "summary.json", asdict(summary))
        dead.append(folder.name)
    shutil.rmtree(settings.state / "scratch", ignore_errors=True)
    return dead


def end_steps(folder: Path) -> None:
    """Ends the steps of a run that are still running though the run is not."""
    for record in read_steps(open_store(str(folder))).values():
        if record.status == "running":
            Identity(record.pid, record.started).end()


def steps_shown(folder: Path) -> dict[str, dict[str, Any]]:
    """The executed steps, as the summary holds them."""
    records = read_steps(open_store(str(folder))).values()
    return {record.step: {"status": record.status, "seconds": record.seconds} for record in records}
