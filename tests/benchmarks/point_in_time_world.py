"""The features of `pay_later_default` in `point_in_time`: at growing sizes of the synthetic world, and day by day.

    python point_in_time_world.py {snapshot|table} …

As a script it does one of the two in a process of its own: `snapshot STORE CACHE CUSTOMERS MONTHS CUTOFF` prints the
snapshot's URI and its rows, `table SNAPSHOT STORE SCRATCH LIMIT` builds the training table and tells what it cost.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clock import measured
from contenders import AS_A_STEP, Contender, Cost, Goal, Line, medians, run

ROOT = Path(__file__).parents[2]
SCRIPT = "point_in_time_world.py"
CUSTOMERS_PER_MILLION = 6_220
LIMIT_GIB = 3.0
ENGINE = "2GiB"
"""What the engine takes of a container of 3 GiB by itself: two thirds."""


def growing(folder: Path, sizes: list[float]) -> Iterator[dict[int, Line]]:
    """Line 5: time and peak memory at these millions of events; the line as far as it goes after each size."""
    found: list[Size] = []
    for millions in sizes:
        store = folder / f"{millions:g}"
        uri, rows = _snapshot(store, folder / "cache", round(millions * CUSTOMERS_PER_MILLION), 24)
        cost = run(_table(f"{rows:,} events", uri, store, ENGINE))
        found.append(Size(rows, _built(store)[1], cost))
        print(f"  {rows:,} events: {cost.wall:.1f} s, {cost.cpu:.1f} CPU s, {cost.peak:,.0f} MiB", flush=True)
        shutil.rmtree(store)
        yield {5: grown(found)}


@dataclass(frozen=True)
class Size:
    """What a world of one size cost."""

    rows: int
    decisions: int
    cost: Cost


def grown(sizes: list[Size]) -> Line:
    """Line 5 of these sizes, from the smallest on."""
    costs = {f"{size.rows:,} events, {size.decisions:,} decisions": size.cost for size in sizes}
    goals = [Goal("3 GiB of peak memory", max(cost.peak for cost in costs.values()) / 1024 / LIMIT_GIB, 1.0)]
    for size in sizes[1:]:
        times = size.rows / sizes[0].rows
        of = f"growth, {times:.1f} times the events"
        goals += [
            Goal(f"linear CPU time: {of}", size.cost.cpu / sizes[0].cost.cpu / times, 1.1),
            Goal(f"linear peak memory: {of}", size.cost.peak / sizes[0].cost.peak / times, 1.1),
        ]
    notes = [
        f"All features of the model, and not only 80 of them, over all of its sources. The engine's memory limit is "
        f"{ENGINE}, what it takes of a container of 3 GiB by itself; the peak is that of the whole process.",
        "The world has about 21 rows for each decision, so 5 million decisions are 107 million rows.",
    ]
    return Line("the 147 features of `pay_later_default` as its world grows", costs, goals, notes)


def daily(folder: Path, scale: float, rounds: int) -> dict[int, Line]:
    """Line 6: one more day of a year, with and without the table of the day before, of two lenders."""
    costs: dict[str, Cost] = {}
    goals: list[Goal] = []
    notes: list[str] = []
    for number, (customers, often) in enumerate(((60_000, rounds), (300_000, 1))):
        here = folder / str(customers)
        year = _year(here, max(1_000, round(customers * scale)), often)
        (full, whole), (day, more) = year.costs.items()
        costs |= year.costs
        goals += [
            Goal(f"wall: {day}, of {full}", more.wall / whole.wall, 0.05),
            Goal(f"CPU: {day}, of {full}", more.cpu / whole.cpu, 0.05),
        ]
        notes += year.notes
        if not number and not all(goal.met for goal in goals):
            notes.append(_profiled(year.whole, here / "store"))
        shutil.rmtree(here)
    return {6: Line("`pay_later_default`, one day more of a year", costs, goals, notes, rounds)}


@dataclass(frozen=True)
class _Year:
    whole: str
    """The snapshot of all of it; the table that stands is that of the day before."""
    costs: dict[str, Cost]
    """Of the full build, and of one day more."""
    notes: list[str]


def _year(here: Path, customers: int, rounds: int) -> _Year:
    store, cache = here / "store", here / "cache"
    whole, rows = _snapshot(store, cache, customers, 12)
    before, _ = _snapshot(store, cache, customers, 12, _end(whole) - timedelta(days=1))
    shutil.rmtree(cache)
    full, day = (f"{name}, {rows:,} events" for name in ("full build", "one day more"))
    found: dict[str, list[Cost]] = {full: [], day: []}
    for _ in range(rounds):
        _forget(store)
        found[full].append(run(_table(full, whole, store, ENGINE)))
        complete, decisions = _built(store)
        _forget(store)
        run(_table("the day before", before, store, ENGINE))
        _, earlier = _built(store)
        (noted,) = (store / "latest_tables").iterdir()
        before_it = noted.read_bytes()
        found[day].append(run(_table(day, whole, store, ENGINE)))
        if _built(store)[0] != complete:
            raise SystemExit("the table of one day more is not that of a full build")
        print(f"  {rows:,} events: {found[full][-1]}, {found[day][-1]}", flush=True)
    noted.write_bytes(before_it)
    added = f"adds {decisions - earlier:,} to {earlier:,} decisions; both ways give the same bytes"
    note = f"Of {rows:,} events the day {added}."
    return _Year(whole, {name: medians(them) for name, them in found.items()}, [note])


def _forget(store: Path) -> None:
    for kind in ("tables", "latest_tables"):
        shutil.rmtree(store / kind, ignore_errors=True)


def _built(store: Path) -> tuple[str, int]:
    """The digest of the table that was built last, and its rows."""
    noted = json.loads(next((store / "latest_tables").glob("*.json")).read_bytes())["table"]
    return noted, json.loads((store / "tables" / noted).read_bytes())["body"]["rows"]


def _end(snapshot: str) -> datetime:
    """When the last row of a snapshot was known."""
    return datetime.fromisoformat(json.loads(Path(snapshot).read_bytes())["body"]["observed_until"])


def _snapshot(store: Path, cache: Path, customers: int, months: int, cutoff: datetime | None = None) -> tuple[str, int]:
    given = [str(store), str(cache), str(customers), str(months), cutoff.isoformat() if cutoff else "-"]
    command = [sys.executable, str(Path(__file__)), "snapshot", *given]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr[-3000:])
    uri, rows = json.loads(ended.stdout.splitlines()[-1])
    return uri, rows


def _table(name: str, snapshot: str, store: Path, limit: str) -> Contender:
    return Contender(name, SCRIPT, ("table", snapshot, str(store), str(store / "scratch"), limit), variables=AS_A_STEP)


def _take(store: str, cache: str, customers: str, months: str, cutoff: str) -> None:
    from loanwright.config.reading import read_declaration
    from loanwright.data.ingestion import ingest
    from loanwright.data.world.addresses import world_at
    from loanwright.storage import open_store

    data = read_declaration(ROOT / "pipelines/pay_later_default/model.yaml").data
    overrides = {each.name: f"{each.uri}?customers={customers}&months={months}" for each in data.sources}
    found = ingest(
        data,
        open_store(store),
        cutoff=None if cutoff == "-" else datetime.fromisoformat(cutoff),
        overrides=overrides,
        cache=Path(cache),
        now=datetime(2100, 1, 1, tzinfo=UTC),
    )
    print(json.dumps([found.uri, world_at(overrides["checkouts"], Path(cache)).events]))


def building(snapshot: str, store: str, scratch: str, limit: str) -> Callable[[], str]:
    """What builds the training table, on the one before if there is one, and gives its URI."""
    from loanwright.config.reading import read_declaration
    from loanwright.features.build import build_training_table
    from loanwright.storage import open_store

    shutil.rmtree(scratch, ignore_errors=True)
    declared = read_declaration(ROOT / "pipelines/pay_later_default/model.yaml")
    given = (snapshot, declared.data, declared.features, open_store(store), Path(scratch))
    return lambda: build_training_table(*given, memory_limit=limit, threads=2)


def _profiled(snapshot: str, store: Path) -> str:
    given = [snapshot, str(store), str(store / "scratch"), ENGINE]
    command = [sys.executable, str(Path(__file__).with_name("point_in_time_profile.py")), *given]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    spent = json.loads(ended.stdout.splitlines()[-1])
    total = sum(spent.values())
    return (
        f"Profile of one day more, of {total:.1f} CPU s: "
        + ", ".join(f"{what} {seconds / total:.0%}" for what, seconds in spent.items())
        + ". Each group reads what its few decisions may see out of whole sources, which lie in parquet by time and "
        "not by key, and hot merchants are in every day; a third of what the texts cost is planning them, which a "
        "handful of rows needs too."
    )


if __name__ == "__main__":
    if sys.argv[1] == "snapshot":
        _take(*sys.argv[2:])
    else:
        measured(building(*sys.argv[2:]))
