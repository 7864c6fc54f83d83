"""`run`, `runs`, `show`: pipeline runs on this machine."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import typer

from loanwright.errors import UsageError, near
from loanwright.runtime.records import Summary, read_json, read_summaries
from loanwright.runtime.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the application."""
    app.command("run")(run)
    app.command("runs")(runs)
    app.command("show")(show)


def run(
    model: str = typer.Argument(help="A folder of pipelines/."),
    assignments: list[str] = typer.Option([], "--set", metavar="NAME=VALUE", help="Change a parameter for this run."),
    no_cache: bool = typer.Option(False, "--no-cache", help="Run every step, whatever was done before."),
    shards: int | None = typer.Option(
        None,
        "--shards",
        min=1,
        max=1024,
        help="Compute features for one part of the keys after the other: less memory.",
    ),
    fan_out: int | None = typer.Option(
        None, "--fan-out", min=1, max=1024, help="Compute features in so many tasks, as pods of a cluster would."
    ),
) -> None:
    """Run a model's pipeline here: real rows in, a registered, explained model out."""
    from rich.console import Console

    from loanwright.cli.progress import progress
    from loanwright.cli.summary_view import show_summary
    from loanwright.runtime.local_run import run as run_locally
    from loanwright.runtime.run_parameters import run_parameters

    settings = Settings.read()
    settings = settings if shards is None else replace(settings, feature_shards=shards)
    request = run_parameters(settings, model, assignments)
    console = Console(file=sys.stdout, soft_wrap=False)

    def watch(run_id: str, folder: Path) -> AbstractContextManager[None]:
        return progress(console, run_id, folder)

    end_on_signals()
    request = replace(request, use_cache=not no_cache, fan_out=fan_out)
    summary = run_locally(settings, request, watch, console.print)
    show_summary(console, summary)
    if summary.exit_code:
        fail_as(settings, summary)


def end_on_signals() -> None:
    """A run that is told to stop, or whose terminal is closed, ends as one that is interrupted by hand."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _as_interrupt)


def fail_as(settings: Settings, summary: Summary) -> NoReturn:
    """Ends the command as the run ended: with its words and its exit code."""
    if "--debug" in sys.argv:
        _show_traces(settings.runs / summary.run_id)
    print(f"Error: {summary.error}", file=sys.stderr)
    raise typer.Exit(summary.exit_code or 1)


def runs(as_json: bool = typer.Option(False, "--json", help="One JSON list.")) -> None:
    """List the runs of this state folder, the newest first."""
    settings = Settings.read()
    found = sorted(read_summaries(settings.runs).values(), key=lambda summary: summary.began, reverse=True)
    if as_json:
        typer.echo(json.dumps([asdict(summary) for summary in found], indent=2))
        return
    if not found:
        typer.echo("No runs yet: loanwright run MODEL")
        return
    columns = ("run_id", "status", "seconds", "registry_version")
    rows = [["run", "status", "seconds", "version"]]
    rows += [["" if (value := getattr(summary, name)) is None else str(value) for name in columns] for summary in found]
    widths = [max(len(row[position]) for row in rows) for position in range(len(columns))]
    for row in rows:
        # A run's id is what `show` takes: it is never cut, whatever the terminal's width.
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show(
    run_id: str = typer.Argument(metavar="RUN", help="A run's id (or its beginning), a model, or 'latest'."),
    as_json: bool = typer.Option(False, "--json", help="The summary as JSON."),
) -> None:
    """Show how a run ended."""
    from rich.console import Console

    from loanwright.cli.summary_view import show_summary

    summary = _find(Settings.read(), run_id)
    if as_json:
        typer.echo(json.dumps(asdict(summary), indent=2))
    else:
        show_summary(Console(), summary)


def _find(settings: Settings, run_id: str) -> Summary:
    known = read_summaries(settings.runs)
    newest_first = sorted(known, key=lambda name: (known[name].began, name), reverse=True)
    of_model = [name for name in newest_first if run_id in ("latest", known[name].model)]
    begun = [name for name in newest_first if name.startswith(run_id)]
    if of_model:
        run_id = of_model[0]
    elif len(begun) == 1:
        run_id = begun[0]
    if run_id not in known:
        raise UsageError(f"there is no run {run_id!r}{near(run_id, known)}", fix="`loanwright runs` lists them")
    return known[run_id]


def _show_traces(folder: Path) -> None:
    for path in sorted((folder / "steps").glob("*.json")):
        trace = (read_json(path) or {}).get("trace")
        if trace:
            print(trace, file=sys.stderr)


def _as_interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
