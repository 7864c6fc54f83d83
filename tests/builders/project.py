"""A project of its own in a temporary folder, with one tiny model on made-up rows, driven by the real CLI."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CLI = Path(sys.executable).with_name("loanwright")
MODEL = """\
model: {name: tiny, title: Tiny, description: Synthetic rows for tests., owner: tests}
data:
  unit: {name: applicant, source: applicants, key: applicant_id}
  decision_time: {constant: "2026-01-01T00:00:00Z"}
  label: {name: bad, column: bad, matures_after: 30d}
  sources:
    - name: applicants
      uri: applicants.csv
      key: [applicant_id]
      synthetic: true
      columns:
        - {name: applicant_id, type: integer}
        - {name: income, type: number, nullable: true, min: 0}
        - {name: delays, type: integer, min: 0}
        - {name: channel, type: category, values: [web, shop, app]}
        - {name: region, type: category, barred: true, slice: true}
        - {name: bad, type: integer, values: [0, 1], barred: true}
features:
  groups:
    - source: applicants
      key: applicant_id
      features:
        - {name: income, aggregate: value, column: income}
        - {name: delays, aggregate: value, column: delays, monotone: increasing}
        - {name: channel, aggregate: value, column: channel, type: category}
  derived:
    - {name: delays_per_income, expression: "delays / nullif(income, 0)"}
split: {method: hash, fractions: {train: 0.6, calibration: 0.2, test: 0.2}}
training: {rounds: 20, seed: 1, parameters: {num_leaves: 7, learning_rate: 0.1}}
calibration: {method: sigmoid}
evaluation: {bootstrap: {resamples: 50}, slices: [{column: region}]}
gates:
  rules:
    - {name: auc_floor, metric: auc, min: 0.6}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A project's folder and the environment its commands get."""

    folder: Path
    variables: Mapping[str, str]

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.variables["LOANWRIGHT_STATE"])

    def with_variables(self, **more: str) -> Project:
        """The same project with another environment."""
        return Project(self.folder, {**self.variables, **more})

    def command(self, *arguments: str) -> Ended:
        """Runs the CLI to its end."""
        ended = subprocess.run(
            [CLI, *arguments], cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def run(self, *arguments: str) -> tuple[Ended, dict[str, Any]]:
        """Runs the tiny model; how it ended, and its summary."""
        ended = self.command("run", "tiny", *arguments)
        return ended, self.summary()

    def summary(self) -> dict[str, Any]:
        """The summary of the newest run."""
        ended = self.command("show", "latest", "--json")
        value: dict[str, Any] = json.loads(ended.out) if ended.code == 0 else {}
        return value

    def started(self, *arguments: str, command: str = "run") -> subprocess.Popen[bytes]:
        """Starts a run, or another command on the tiny model, and leaves it running."""
        log = (self.folder / "started.log").open("ab")
        with log:
            return subprocess.Popen(
                [CLI, command, "tiny", *arguments], cwd=self.folder, env=self.variables, stdout=log, stderr=log
            )

    def step_record(self, step: str) -> dict[str, Any]:
        """The newest run's record of one step; empty if there is none yet."""
        runs = sorted(self.state.glob("runs/*"), key=lambda path: path.stat().st_mtime)
        path = runs[-1] / "steps" / f"{step}.json" if runs else Path("absent")
        try:
            value: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return value

    def change(self, old: str, new: str) -> None:
        """Edits the declaration."""
        path = self.folder / "pipelines" / "tiny" / "model.yaml"
        text = path.read_text()
        if old not in text:
            raise ValueError(f"{old!r} is not in {path}")
        path.write_text(text.replace(old, new))

    def stop(self) -> None:
        """Stops the S3 server."""
        self.command("stop")


def make_project(folder: Path, rows: int = 1500) -> Project:
    """A project with the repository's own pipeline and components, and the model `tiny`."""
    shutil.copytree(ROOT / "components", folder / "components", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pipelines" / "tiny").mkdir(parents=True)
    for shape in (ROOT / "pipelines").glob("*.py"):
        shutil.copy(shape, folder / "pipelines")
    (folder / "pipelines" / "tiny" / "model.yaml").write_text(MODEL)
    (folder / "pyproject.toml").touch()
    write_rows(folder / "applicants.csv", rows)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOANWRIGHT_", "AWS_", "MLFLOW_"))
    }
    return Project(folder, {**kept, "LOANWRIGHT_STATE": str(folder / "state"), "PYTHONDONTWRITEBYTECODE": ""})


def write_rows(path: Path, rows: int, seed: int = 7) -> None:
    """Synthetic applicants: more delays and less income go bad more often."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["applicant_id", "income", "delays", "channel", "region", "bad"])
        for number in range(1, rows + 1):
            income = round(draw.lognormvariate(8, 0.5), 2)
            delays = min(9, int(draw.expovariate(0.8)))
            risk = 0.08 + 0.09 * delays + (0.1 if income < 2000 else 0)
            writer.writerow(
                [
                    number,
                    "" if draw.random() < 0.05 else income,
                    delays,
                    draw.choice(["web", "shop", "app"]),
                    draw.choice(["north", "south"]),
                    int(draw.random() < risk),
                ]
            )


def wait_until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Waits for something to happen.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.02)


def kill(pid: int) -> None:
    """As `kill -9`."""
    os.kill(pid, signal.SIGKILL)
