"""`world`: the synthetic pay-later lender."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from loanwright.data.world.recipe import CUSTOMERS, MONTHS, SEED
from loanwright.runtime.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds this command to the application."""
    app.command("world")(world)


def world(
    customers: int = typer.Option(CUSTOMERS, help="How many customers; about 165 rows each at 24 months."),
    seed: int = typer.Option(SEED, help="Another seed is another world."),
    months: int = typer.Option(MONTHS, help="How many months it covers, up to 2026-01-01."),
    output: Path = typer.Option(None, help="The folder to make it in; default: the state folder's own."),
) -> None:
    """Make the synthetic pay-later lender's tables, if they are not there already."""
    from loanwright.data.world.addresses import world_folder
    from loanwright.data.world.generation import generate
    from loanwright.data.world.marginals import marginals

    folder = output or world_folder(Path(Settings.read().variables()["LOANWRIGHT_DATA_CACHE"]))
    made = generate(folder, customers=customers, seed=seed, months=months, processes=os.cpu_count() or 1)
    for name, rows in made.rows.items():
        typer.echo(f"{name:20}{rows:>14,} rows")
    typer.echo(f"{'in all':20}{made.events:>14,} rows, all synthetic\n")
    for rate in marginals(made):
        mark = "" if rate.plausible else "  OUTSIDE the public range"
        typer.echo(f"{rate.name:20}{rate.value:>8.2%}  ({rate.low:.1%} to {rate.high:.1%} of {rate.of}){mark}")
    typer.echo(f"\n{made.folder}")
