"""What a person sees while a pipeline runs: a line for each step, what it is doing, and a line for each worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from loanwright.cli.worker_lines import worker_lines
from loanwright.runtime.processes import Identity
from loanwright.runtime.records import SPOKEN, StepRecord, in_order, read_steps
from loanwright.storage import open_store

MARKS = {
    "running": "[yellow]▸[/]",
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "reused": "[cyan]=[/]",
    "waiting": "[dim]·[/]",
}
_PERIOD = 0.2
SAY_EVERY = 5
"""Seconds between two lines about one step, where lines cannot be redrawn."""


class View(Protocol):
    """How a kind of run is shown while it is at work."""

    def table(self, folder: Path) -> Table:
        """All of it, for a terminal."""

    def news(self, folder: Path) -> Iterator[str]:
        """What was not said yet, where lines cannot be redrawn."""


def progress(console: Console, run_id: str, folder: Path) -> AbstractContextManager[None]:
    """Shows the steps of a training run while the context is open."""
    return watching(console, run_id, folder, StepsView())


@contextmanager
def watching(console: Console, run_id: str, folder: Path, view: View) -> Iterator[None]:
    """Shows a run while the context is open: redrawn on a terminal, line by line elsewhere."""
    stop = threading.Event()
    show = _redraw if console.is_terminal else _lines

    def watch() -> None:
        with suppress(OSError):  # nobody reads any more, or the disk that the words go to is full: the run goes on
            show(console, run_id, folder, view, stop)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def _redraw(console: Console, run_id: str, folder: Path, view: View, stop: threading.Event) -> None:
    console.print(f"[dim]run {run_id}[/]", soft_wrap=True, highlight=False)
    with Live(console=console, refresh_per_second=8, redirect_stdout=False, redirect_stderr=False) as live:
        while not stop.wait(_PERIOD):
            live.update(view.table(folder))
        live.update(view.table(folder))


def _lines(console: Console, run_id: str, folder: Path, view: View, stop: threading.Event) -> None:
    console.print(f"run {run_id}")
    over = False
    while not over:
        over = stop.wait(_PERIOD)
        for line in view.news(folder):
            console.print(f"  {line}", highlight=False, soft_wrap=True)


class StepsView:
    """A line for each of training's steps."""

    def __init__(self) -> None:
        self._told: dict[str, str | int] = {}

    def table(self, folder: Path) -> Table:
        """Every step, and what the running one says."""
        records = read_steps(open_store(str(folder)))
        table = Table(box=None, show_header=False, padding=(0, 1))
        order = in_order(records)
        last = max((order.index(step) for step in records), default=-1)
        for position, step in enumerate(order):
            record = records.get(step)
            if record is None:
                state = "reused" if position < last else "waiting"
                table.add_row(MARKS[state], step, "reused" if state == "reused" else "")
            elif record.status == "running":
                table.add_row(
                    MARKS["running"], f"[bold]{step}[/]", f"{age(record):5.1f} s  [dim]{_last_line(folder)}[/]"
                )
                for line in _workers(step, folder):
                    table.add_row("", "", f"[dim]{line}[/]")
            else:
                table.add_row(MARKS[record.status], step, _done(record))
        return table

    def news(self, folder: Path) -> Iterator[str]:
        """A running step is spoken of again every few seconds."""
        for step, record in read_steps(open_store(str(folder))).items():
            passed = int(age(record) / SAY_EVERY) * SAY_EVERY
            news = passed if record.status == "running" else record.status
            if self._told.get(step) != news:
                self._told[step] = news
                yield f"{step}: {_words(record, passed, folder)}"
                for line in _workers(step, folder) if record.status == "running" and passed else ():
                    yield f"  {line}"


def age(record: StepRecord) -> float:
    """Seconds since the step's process began."""
    return Identity(record.pid, record.started).age()


def _workers(step: str, folder: Path) -> list[str]:
    return [escape(line) for line in worker_lines(folder)] if step == "train" else []


def _words(record: StepRecord, passed: int, folder: Path) -> str:
    if record.status != "running":
        return f"{record.status}  {_done(record)}"
    return f"{passed} s  {_last_line(folder)}" if passed else "…"


def _done(record: StepRecord) -> str:
    note = "  looked again: nothing to do" if record.result.get("nothing_to_do") else ""
    return f"{record.seconds:5.1f} s{note}"


def _last_line(folder: Path) -> str:
    try:
        with (folder / "log.txt").open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 2000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip().startswith(SPOKEN)]
    return escape(said[-1].removeprefix(SPOKEN).strip()[:80]) if said else ""
