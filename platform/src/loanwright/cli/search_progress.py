"""What a person sees while a search runs: a line for each generation, and the trials at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from loanwright.cli.progress import MARKS, SAY_EVERY, age, watching
from loanwright.runtime.records import StepRecord, read_steps
from loanwright.runtime.shown_steps import BEFORE_SEARCH
from loanwright.search.trials import record_name
from loanwright.storage import open_store


def search_progress(console: Console, run_id: str, folder: Path) -> AbstractContextManager[None]:
    """Shows a search while the context is open."""
    return watching(console, run_id, folder, SearchView())


class _Row(NamedTuple):
    """One line: its name, its mark, its words, and how long it has been at work."""

    name: str
    mark: str
    words: str
    seconds: float = 0.0

    @property
    def news(self) -> tuple[str, int]:
        """What must change for it to be said again, where lines cannot be redrawn."""
        aged = int(self.seconds / SAY_EVERY) if self.mark == "running" else -1
        return self.words.partition(";")[0], aged


class SearchView:
    """A line for each step and each generation that has begun."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, int]] = {}

    def table(self, folder: Path) -> Table:
        """All that has begun."""
        table = Table(box=None, show_header=False, padding=(0, 1))
        for row in _rows(read_steps(open_store(str(folder)))):
            table.add_row(MARKS[row.mark], f"[bold]{row.name}[/]" if row.mark == "running" else row.name, row.words)
        return table

    def news(self, folder: Path) -> Iterator[str]:
        """Each row whose words are new; while it only grows older, every few seconds."""
        for row in _rows(read_steps(open_store(str(folder)))):
            if self._told.get(row.name) != row.news:
                self._told[row.name] = row.news
                yield f"{row.name}: {row.words or '…'}"


def _rows(records: Mapping[str, StepRecord]) -> Iterator[_Row]:
    last = max((place for place, name in enumerate(BEFORE_SEARCH) if name in records), default=-1)
    proposed = sorted((int(name.removeprefix("propose_")), name) for name in records if name.startswith("propose_"))
    for place, name in enumerate(BEFORE_SEARCH):
        if name in records:
            yield _step(name, records[name])
        elif proposed or place < last:
            yield _Row(name, "reused", "reused")
    for number, name in proposed:
        over = number < proposed[-1][0] or "conclude" in records
        yield _generation(f"generation {number}", records[name], records, over=over)
    if "conclude" in records:
        yield _step("conclude", records["conclude"])


def _step(name: str, record: StepRecord) -> _Row:
    if record.status == "running":
        return _Row(name, "running", "", age(record))
    note = "  looked again: nothing to do" if record.result.get("nothing_to_do") else ""
    return _Row(name, record.status, f"{record.seconds:5.1f} s{note}")


def _generation(name: str, proposed: StepRecord, records: Mapping[str, StepRecord], *, over: bool) -> _Row:
    if proposed.status == "running":
        return _Row(name, "running", "drawing trials", age(proposed))
    if proposed.status == "failed":
        return _Row(name, "failed", "failed")
    trials = [record_name(uri) for uri in proposed.result["trials"]]
    if not trials:
        late = proposed.result["out_of_time"]
        return _Row(name, "reused", "the time is up" if late else "no combination is left to try")
    executed = [records[trial] for trial in trials if trial in records]
    if any(record.status == "failed" for record in executed):
        return _Row(name, "failed", "a trial failed")
    if over:
        reused = len(trials) - len(executed)
        words = f"{len(trials)} trials" + (f", {reused} of them reused" if reused else "")
        return _Row(name, "done" if executed else "reused", words)
    done = sum(record.status == "done" for record in executed)
    at_work = {
        place + proposed.result["first"]: age(records[trial])
        for place, trial in enumerate(trials)
        if trial in records and records[trial].status == "running"
    }
    shown = ", ".join(f"{trial} ({seconds:.0f} s)" for trial, seconds in at_work.items())
    words = f"{done} of {len(trials)} trials run" + (f"; at work: {shown}" if shown else "")
    return _Row(name, "running", words, max(at_work.values(), default=0.0))
