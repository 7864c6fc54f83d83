"""`promote`, `verify`, `score`: what is done with registered models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loanwright.errors import UsageError
from loanwright.runtime.project_models import model_folders
from loanwright.runtime.settings import Settings
from loanwright.runtime.workplace import workplace

if TYPE_CHECKING:
    from loanwright.registry.bundles import Bundle


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the application."""
    app.command("promote")(promote)
    app.command("verify")(verify)
    app.command("score")(score)


def promote(version: str = typer.Argument(metavar="MODEL@VERSION", help="As in credit_default@3.")) -> None:
    """Make a version the champion, after verifying its bundle."""
    from loanwright.registry.promotion import promote as move

    settings = Settings.read()
    with workplace(settings) as scratch:
        promotion = move(settings.registry_uri, version, scratch)
    made = promotion.version
    if not promotion.moved:
        typer.echo(f"{made.model} version {made.number} is the champion already; its bundle is sound.")
        return
    instead = "" if promotion.replaced is None else f" instead of version {promotion.replaced}"
    typer.echo(f"{made.model} version {made.number} is now the champion{instead} (bundle {made.digest}).")


def verify(bundle: str = typer.Argument(help="A bundle's folder or address, or MODEL@VERSION or @ALIAS.")) -> None:
    """Check every hash of a bundle and replay its golden rows."""
    settings = Settings.read()
    with workplace(settings) as scratch:
        opened = _open(settings, bundle, scratch)
    typer.echo(f"Sound: every file is as listed, and the golden rows score as recorded ({opened.digest}).")


def score(
    model: str = typer.Option(..., help="MODEL@ALIAS, MODEL@VERSION, or a bundle's folder or address."),
    rows: Path = typer.Option(..., "--input", help="Parquet: the training table's feature columns."),
    output: Path = typer.Option(..., "--output", help="Parquet: written whole or not at all."),
) -> None:
    """Score a file of feature rows with a verified bundle."""
    from loanwright.registry.scoring import score_file

    settings = Settings.read()
    with workplace(settings) as scratch:
        scored = score_file(_open(settings, model, scratch), rows, output)
    typer.echo(f"Scored {scored:,} rows into {output}.")


def _open(settings: Settings, name: str, scratch: Path) -> Bundle:
    """The verified bundle of a version, or at a place."""
    from loanwright.registry.bundles import verify as open_verified
    from loanwright.registry.promotion import open_version, resolve

    if "@" in name and "/" not in name:
        return open_version(resolve(settings.registry_uri, name), scratch)
    if name in model_folders(settings) and not Path(name).exists():
        raise UsageError(f"{name!r} names a model and no version of it", fix=f"Write {name}@champion, or {name}@1")
    return open_verified(name if "://" in name else str(Path(name).absolute()), scratch)
