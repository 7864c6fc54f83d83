"""The tables that a finished run ends with."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loanwright.runtime.records import Summary

_VERDICTS = {"pass": "[green]pass[/]", "warn": "[yellow]warn[/]", "block": "[red]block[/]"}
_STATUS = {
    "succeeded": "[green]succeeded[/]",
    "blocked": "[red]blocked by a gate[/]",
    "failed": "[red]failed[/]",
    "interrupted": "[yellow]interrupted[/]",
}
_STEPS = {
    "unchanged": "looked again: nothing to do",
    "not_asked": "not asked to: nothing registered",
    "reused": "reused",
    "blocked": "[red]registered nothing[/]",
    "failed": "[red]failed[/]",
    "running": "[yellow]not finished[/]",
    "out_of_time": "not begun: the time was up",
    "all_tried": "nothing was left to try",
}


def show_summary(console: Console, summary: Summary) -> None:
    """Prints metrics, gates, steps, the model and what can be done next."""
    console.print()
    if summary.metrics:
        console.print(_metrics(summary.metrics))
        console.print()
    if summary.gates:
        console.print(_gates(summary.gates))
        console.print()
    if summary.search:
        console.print(_search(summary.search))
        console.print()
    if summary.steps:
        console.print(_steps(summary.steps))
        console.print()
    _facts(console, summary)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, header_style="dim")
    return table


def _metrics(metrics: dict[str, Any]) -> Table:
    table = _table("Metrics on the test slice", "metric", "value", "interval")
    for name, interval in metrics.items():
        low, high = _number(interval["low"]), _number(interval["high"])
        table.add_row(name, _number(interval["value"]), f"{low} to {high}")
    return table


def _gates(gates: list[dict[str, Any]]) -> Table:
    table = _table("Gates", "gate", "verdict", "why")
    for gate in gates:
        table.add_row(gate["name"], _VERDICTS[gate["verdict"]], escape(gate["message"]))
    return table


def _search(found: dict[str, Any]) -> Table:
    """The best trial beside the declared training; the gain beside what the folds' spread explains."""
    table = _table(f"{found['metric']}, mean over the folds", "", "value", "")
    best, gain = found["best"], found["gain"]
    table.add_row("declared", _number(found["declared"]["mean"]), "")
    table.add_row("best", _number(best["mean"]), f"trial {best['number']} of {found['trials']}")
    if gain is None:
        table.add_row("gain", "–", "no trial is better: nothing is proposed")
    else:
        said = "" if found["changes"] else ": nothing is proposed"
        table.add_row("gain", _number(gain["mean"]), f"the folds' spread explains {_number(gain['margin'])}{said}")
    return table


def _steps(steps: dict[str, dict[str, Any]]) -> Table:
    table = _table("Steps", "step", "seconds", "")
    for name, step in steps.items():
        seconds = "" if step["seconds"] is None else f"{step['seconds']:.1f}"
        said = _STEPS.get(step["status"], "")
        if step.get("trials"):
            reused = step["trials"] - step["run"]
            said = (
                f"{step['trials']} trials"
                + (f", {reused} of them reused" if reused else "")
                + (f"; {said}" if said else "")
            )
        table.add_row(name, seconds, said)
    return table


def _facts(console: Console, summary: Summary) -> None:
    seconds = "" if summary.seconds is None else f" in {summary.seconds:.1f} s"
    rows = {"run": f"{summary.run_id}, {_STATUS[summary.status]}{seconds}"}
    if summary.changes:
        rows["set for this run"] = escape(", ".join(summary.changes))
    if summary.registry_version:
        rows["model"] = f"{summary.model}, version {summary.registry_version}"
    if summary.bundle_digest:
        rows["bundle digest"] = summary.bundle_digest
    if summary.report:
        rows["report"] = f"{escape(summary.report)}  (open it in a browser)"
    if summary.mlflow_run:
        rows["MLflow UI"] = "make ui"
    if summary.registry_version and summary.registry_version != (summary.champion or {}).get("version"):
        rows["make it champion"] = f"{_command()} promote {summary.model}@{summary.registry_version}"
    width = max(map(len, rows))
    for name, value in rows.items():
        console.print(f"[dim]{name.ljust(width)}[/]  {value}", soft_wrap=True, highlight=False)


def _command() -> str:
    """How this shell calls us: by name where the environment is active, else by path."""
    return "loanwright" if shutil.which("loanwright") else os.path.relpath(sys.argv[0])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
