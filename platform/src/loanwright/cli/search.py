"""`search`: looks for better LightGBM parameters, and shows or takes over what to change."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from loanwright.cli.pipeline_runs import end_on_signals, fail_as
from loanwright.runtime.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds this command to the application."""
    app.command("search")(search)


def search(
    model: str = typer.Argument(help="A folder of pipelines/ whose model.yaml has a section `search`."),
    assignments: list[str] = typer.Option([], "--set", metavar="NAME=VALUE", help="Change a parameter for this run."),
    apply: bool = typer.Option(False, "--apply", help="Write what is proposed into model.yaml, and compile it anew."),
    no_cache: bool = typer.Option(False, "--no-cache", help="Run every trial, whatever was done before."),
) -> None:
    """Look for better LightGBM parameters on folds of the train part; killed, it goes on from the last whole trial."""
    from rich.console import Console

    from loanwright.cli.search_progress import search_progress
    from loanwright.cli.summary_view import show_summary
    from loanwright.runtime.local_run import run as run_locally
    from loanwright.runtime.run_parameters import search_parameters
    from loanwright.runtime.search_change import check_applicable

    settings = Settings.read()
    request = search_parameters(settings, model, assignments)
    if apply:
        check_applicable(request)
    console = Console(file=sys.stdout, soft_wrap=False)

    def watch(run_id: str, folder: Path) -> AbstractContextManager[None]:
        return search_progress(console, run_id, folder)

    end_on_signals()
    summary = run_locally(settings, replace(request, use_cache=not no_cache), watch, console.print)
    show_summary(console, summary)
    if summary.exit_code:
        fail_as(settings, summary)
    if summary.search:
        _show_change(settings, request.folder, summary.search, apply=apply, set_for_run=bool(request.changes))


def _show_change(settings: Settings, folder: Path, found: dict[str, Any], *, apply: bool, set_for_run: bool) -> None:
    from loanwright.runtime.search_change import apply as write
    from loanwright.runtime.search_change import proposed_change

    if not found["changes"]:
        return
    typer.echo()
    change = proposed_change(folder, found["training"], found["changes"])
    typer.echo(change.diff, nl=False)
    if not apply:
        typer.echo(
            f"\nTo take it over: edit the file, or loanwright search {folder.name} --apply (nothing is run again)."
        )
        return
    for path in write(settings.project, change):
        typer.echo(f"wrote {path.relative_to(settings.project)}")
