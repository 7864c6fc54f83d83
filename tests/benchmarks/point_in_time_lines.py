"""The lines of `point_in_time`: what is measured against what, and what is wanted of each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from contenders import AS_A_STEP, HERE, Contender, Cost, Goal, Line, alternated
from point_in_time_agreement import disagreements
from point_in_time_data import events, scores
from point_in_time_ours import WINDOWS

SIX = [f"{name}_{window}" for name in ("count", "sum", "mean", "std", "share", "ratio") for window in WINDOWS]
LATEST = ["latest_score", "latest_limit_minor", "latest_utilisation"]
OURS, HAND, NUMPY, ROLLING, ASOF = "loanwright", "DuckDB by hand", "numpy", "polars rolling", "polars join_asof"
LATE, FEAST, BY_ASOF = "loanwright, known times", "Feast 0.67", "DuckDB ASOF by hand"
HISTORIES = (10, 100)
"""Rows of each key in line 4: a score a month, and a balance twice a week."""

_WINDOW = {
    "windows": "ORDER_BY is the one sort of events and windows' edges, STREAMING_WINDOW the pass of its running sums.",
    "latest": "ORDER_BY is the one sort of rows and decisions, STREAMING_WINDOW the pass that hands the latest on.",
}


def windows(folder: Path, scale: float, rounds: int, rivals: Path) -> dict[int, Line]:
    """Lines 1 to 3, whose contenders run in turn: uniform keys, hot merchants, known times."""
    sizes = {"rows": round(5e6 * scale), "decisions": round(1e6 * scale), "customers": round(2e5 * scale)}
    worlds = {
        "uniform": partial(events, merchants=False, known=False),
        "hot": partial(events, merchants=True, known=False),
        "known": partial(events, merchants=False, known=True),
    }
    contenders = []
    for world, make in worlds.items():
        _apart(make, folder / world, **sizes)
        contenders.append(_ours(f"{world}/{OURS}", "windows", folder / world))
        if world != "known":
            contenders += [
                _theirs(f"{world}/{HAND}", "point_in_time_hand.py", "duckdb", folder / world),
                _theirs(f"{world}/{NUMPY}", "point_in_time_hand.py", "numpy", folder / world),
                _theirs(f"{world}/{ROLLING}", "point_in_time_rivals.py", "rolling", folder / world, rivals),
                _theirs(f"{world}/{ASOF}", "point_in_time_rivals.py", "join_asof", folder / world, rivals),
            ]
    costs = alternated(contenders, rounds)
    notes = {world: _agreeing(contenders, f"{world}/", SIX) for world in ("uniform", "hot")}
    size = f"{sizes['rows']:,} events, {sizes['decisions']:,} decisions"
    uniform, hot = (_of(costs, f"{world}/") for world in ("uniform", "hot"))
    known = costs[f"known/{OURS}"]
    lines = {
        1: Line(
            f"6 aggregates over 3 windows: {size}, {sizes['customers']:,} customers",
            uniform,
            [
                *_both("DuckDB by hand", uniform[OURS], uniform[HAND], 1.2),
                *_both("polars rolling", uniform[OURS], uniform[ROLLING], 1.0),
                *_both("polars join_asof", uniform[OURS], uniform[ASOF], 1.0),
            ],
            notes["uniform"],
            rounds,
        ),
        2: Line(
            f"the same with 2,000 merchants, some of them hot: {size}",
            hot,
            _both("our uniform case", hot[OURS], uniform[OURS], 1.5),
            notes["hot"],
            rounds,
        ),
        3: Line(
            f"line 1 with known times, 5 % late and 1 % restated rows: {size}",
            {OURS: uniform[OURS], LATE: known},
            _both("our line 1", known, uniform[OURS], 1.5),
            rounds=rounds,
        ),
    }
    for number, world in ((1, "uniform"), (2, "hot"), (3, "known")):
        if not all(goal.met for goal in lines[number].goals):
            lines[number].notes.append(_profiled(folder / world))
    return lines


def latest(folder: Path, scale: float, rounds: int, rivals: Path) -> dict[int, Line]:
    """Line 4: the latest row's values, of keys with a short and with a long history."""
    sizes = {"rows": round(2e6 * scale), "decisions": round(5e5 * scale)}
    contenders = []
    for each in HISTORIES:
        here = folder / f"{each}"
        _apart(scores, here, **sizes, customers=sizes["rows"] // each)
        contenders += [
            _ours(f"{each}/{OURS}", "latest", here),
            _theirs(f"{each}/{FEAST}", "point_in_time_rivals.py", "feast", here, rivals),
            _theirs(f"{each}/{BY_ASOF}", "point_in_time_hand.py", "asof", here),
        ]
    measured = alternated(contenders, rounds)
    costs: dict[str, Cost] = {}
    goals: list[Goal] = []
    notes = []
    for each in HISTORIES:
        of = _of(measured, f"{each}/")
        ours, theirs = of[OURS], of[FEAST]
        costs |= {f"{name}, {each} rows a key": cost for name, cost in of.items()}
        goals += [
            Goal(f"wall of Feast, {each} rows a key", ours.wall / theirs.wall, 0.1),
            Goal(f"CPU of Feast, {each} rows a key", ours.cpu / theirs.cpu, 0.1),
            Goal(f"peak memory of Feast, {each} rows a key", ours.peak / theirs.peak, 0.2),
        ]
        notes += [f"{each} rows a key: {note}" for note in _agreeing(contenders, f"{each}/", LATEST)]
        least = of[BY_ASOF]
        notes.append(
            f"{each} rows a key: the ASOF join by hand, which orders no ties, takes {least.wall / theirs.wall:.2f} of "
            f"Feast's wall seconds, {least.cpu / theirs.cpu:.2f} of its CPU seconds and "
            f"{least.peak / theirs.peak:.2f} of its memory."
        )
    if not all(goal.met for goal in goals):
        notes.append(_profiled(folder / f"{HISTORIES[-1]}"))
        notes.append("Feast joins a decision with all earlier rows of its key, so its cost grows with the history.")
    title = f"three latest values: {sizes['decisions']:,} decisions, {sizes['rows']:,} rows"
    return {4: Line(title, costs, goals, notes, rounds)}


def _ours(name: str, kind: str, folder: Path) -> Contender:
    given = (kind, str(folder), str(folder / "ours.parquet"))
    return Contender(name, "point_in_time_ours.py", given, variables=AS_A_STEP)


def _theirs(name: str, script: str, kind: str, folder: Path, python: Path | None = None) -> Contender:
    given = (kind, str(folder), str(folder / f"{kind}.parquet"))
    return Contender(name, script, given, python) if python else Contender(name, script, given)


def _of(costs: dict[str, Cost], start: str) -> dict[str, Cost]:
    return {name.removeprefix(start): cost for name, cost in costs.items() if name.startswith(start)}


def _both(against: str, ours: Cost, theirs: Cost, most: float) -> list[Goal]:
    return [
        Goal(f"wall of {against}", ours.wall / theirs.wall, most),
        Goal(f"CPU of {against}", ours.cpu / theirs.cpu, most),
    ]


def _agreeing(contenders: Sequence[Contender], start: str, features: list[str]) -> list[str]:
    ours, *others = (Path(each.arguments[2]) for each in contenders if each.name.startswith(start))
    named = [each.name.removeprefix(start) for each in contenders if each.name.startswith(start)][1:]
    found = {name: disagreements(ours, path, features) for name, path in zip(named, others, strict=True)}
    differing = [f"{name} differs in {count:,} values" for name, count in found.items() if count]
    return differing or [f"All {len(found) + 1} agree in every value."]


def _profiled(folder: Path) -> str:
    kind = "latest" if (folder / "scores.parquet").exists() else "windows"
    command = [sys.executable, str(HERE / "point_in_time_ours.py"), kind, str(folder), "-", "--profile"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    shares = json.loads(ended.stdout.splitlines()[-1])
    return (
        "Profile of our query: "
        + ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        + f". {_WINDOW[kind]}"
    )


def _apart(make: Callable[..., None], folder: Path, **sizes: int) -> None:
    if not any(folder.glob("*.parquet")):
        make(folder, **sizes)
