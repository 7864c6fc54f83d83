"""Contenders of `point_in_time`: each in a process of its own, in turn, and what they cost side by side."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
THREADS = "2"


@dataclass(frozen=True)
class Contender:
    """One way to compute a line's features: a script beside this one, with its arguments."""

    name: str
    script: str
    arguments: tuple[str, ...]
    python: Path = field(default_factory=lambda: Path(sys.executable))


@dataclass(frozen=True)
class Cost:
    """Medians over the rounds; memory is the most of any."""

    wall: float
    cpu: float
    peak: float
    """MiB."""


def run(contender: Contender) -> Cost:
    """Runs it once.

    Raises:
        SystemExit: it failed; what it said stands in the message.
    """
    command = [str(contender.python), str(HERE / contender.script), *contender.arguments]
    limits = {"POLARS_MAX_THREADS": THREADS, "OMP_NUM_THREADS": THREADS, "ARROW_NUM_THREADS": THREADS}
    silent = {"FEAST_USAGE": "False", "LOANWRIGHT_LOG": "error"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **limits, **silent})
    if ended.returncode:
        raise SystemExit(f"{contender.name} failed:\n{ended.stderr[-3000:]}")
    told = json.loads(ended.stdout.splitlines()[-1])
    return Cost(told["wall"], told["cpu"], told["peak"])


def alternated(contenders: Sequence[Contender], rounds: int) -> dict[str, Cost]:
    """All of them in turn, so often: name → what it cost."""
    found: dict[str, list[Cost]] = {each.name: [] for each in contenders}
    for _ in range(rounds):
        for each in contenders:
            found[each.name].append(run(each))
    return {
        name: Cost(
            statistics.median(cost.wall for cost in costs),
            statistics.median(cost.cpu for cost in costs),
            max(cost.peak for cost in costs),
        )
        for name, costs in found.items()
    }


def disagreements(ours: Path, theirs: Path, features: Sequence[str]) -> int:
    """How many values differ by more than a millionth; one that is missing on one side alone differs.

    Args:
        ours: parquet, with the decision's id in `unit_key`.
        theirs: parquet, with the decision's id in `decision_id`.
        features: columns of both.
    """
    one = pq.read_table(ours).sort_by("unit_key")
    other = pq.read_table(theirs).sort_by("decision_id")
    if not np.array_equal(one["unit_key"].to_numpy(), other["decision_id"].to_numpy()):
        raise SystemExit(f"{theirs.name} is not of the same decisions")
    differing = 0
    for name in features:
        mine, yours = (table[name].cast(pa.float64()).to_numpy() for table in (one, other))
        differing += int((~np.isclose(mine, yours, rtol=1e-6, atol=1e-6, equal_nan=True)).sum())
    return differing


def environment(folder: Path) -> Path:
    """The Python of a throw-away environment that has polars and Feast."""
    python = folder / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    wanted = ["feast[duckdb]==0.67.0", "polars==2.1.0", "numpy", "pandas", "pyarrow"]
    subprocess.run([str(uv), "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([str(uv), "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)
    return python
