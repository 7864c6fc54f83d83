"""Contenders of a benchmark: each in a process of its own, in turn, and what they cost side by side."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
THREADS = "2"
AS_A_STEP = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""What our contenders run with, as every step does (`loanwright.steps`)."""


@dataclass(frozen=True)
class Contender:
    """One way to do a line's work: a script beside this one, with its arguments."""

    name: str
    script: str
    arguments: tuple[str, ...]
    python: Path = field(default_factory=lambda: Path(sys.executable))
    threads: str = THREADS
    """For libraries that take the number from the environment."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """More of the environment."""


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds; memory is the most of any."""

    wall: float
    cpu: float
    peak: float
    """MiB."""


@dataclass(frozen=True)
class Goal:
    """A ratio and what it is to be."""

    says: str
    ratio: float
    most: float

    @property
    def met(self) -> bool:
        """Whether it is at most what is wanted."""
        return self.ratio <= self.most


@dataclass(frozen=True)
class Line:
    """What one line of a benchmark's table found."""

    title: str
    costs: dict[str, Cost]
    goals: list[Goal]
    notes: list[str] = field(default_factory=list)
    rounds: int = 1

    def as_json(self) -> dict[str, Any]:
        """As kept between runs."""
        return asdict(self)

    @staticmethod
    def of(kept: dict[str, Any]) -> Line:
        """The line of `as_json`."""
        costs = {name: Cost(**cost) for name, cost in kept["costs"].items()}
        return Line(kept["title"], costs, [Goal(**goal) for goal in kept["goals"]], kept["notes"], kept["rounds"])


def told(contender: Contender) -> dict[str, Any]:
    """Runs it once; what its last line told, as JSON.

    Raises:
        SystemExit: it failed; what it said stands in the message.
    """
    command = [str(contender.python), str(HERE / contender.script), *contender.arguments]
    threads = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS")
    limits = dict.fromkeys(threads, contender.threads)
    silent = {"FEAST_USAGE": "False", "LOANWRIGHT_LOG": "error"}
    environment = {**os.environ, **limits, **silent, **contender.variables}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ended.returncode:
        raise SystemExit(f"{contender.name} failed:\n{ended.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def run(contender: Contender) -> Cost:
    """Runs it once; raises as `told`."""
    found = told(contender)
    return Cost(found["wall"], found["cpu"], found["peak"])


def alternated(contenders: Sequence[Contender], rounds: int) -> dict[str, Cost]:
    """All of them in turn, so often: name → what it cost."""
    found: dict[str, list[Cost]] = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            found[each.name].append(run(each))
    return {name: medians(costs) for name, costs in found.items()}


def medians(costs: Sequence[Cost]) -> Cost:
    """Of several runs of one contender."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.peak for cost in costs),
    )


def environment(folder: Path, *wanted: str) -> Path:
    """The Python of a throw-away environment with these packages."""
    python = folder / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([str(uv), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([str(uv), "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)
    return python


def kept(page: Path, lines: Mapping[int, Line]) -> dict[int, Line]:
    """These lines, and those of earlier runs that were not measured again: they stand as JSON beside their page."""
    file = page.with_suffix(".json")
    earlier = json.loads(file.read_bytes()) if file.exists() else {}
    every = {**earlier, **{str(number): line.as_json() for number, line in lines.items()}}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(every, indent=1) + "\n", encoding="utf-8")
    return {int(number): Line.of(line) for number, line in every.items()}
