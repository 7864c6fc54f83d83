"""`promote`, `verify`, `score`: what is done with registered models."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loanwright.errors import UsageError, near
from loanwright.runtime.project_models import model_folders
from loanwright.runtime.settings import Settings
from loanwright.runtime.workplace import workplace

if TYPE_CHECKING:
    from loanwright.registry.bundles import Bundle


_EVERY = 2.0
"""Seconds between two words of progress."""


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
    output: Path = typer.Option(..., "--output", help="*.parquet or *.csv: written whole or not at all."),
    reasons: int = typer.Option(0, min=0, help="Give each row so many reason codes at most."),
) -> None:
    """Score a file of feature rows with a verified bundle."""
    from loanwright.registry.scoring import score_file

    settings = Settings.read()
    with workplace(settings) as scratch:
        scored = score_file(_open(settings, model, scratch), rows, output, reasons=reasons, watch=_every_few_seconds())
    typer.echo(f"Scored {scored:,} rows into {output}.")


def _every_few_seconds() -> Callable[[int], None]:
    """What tells of the rows that are scored, every two seconds."""
    spoke = time.monotonic()

    def tell(done: int) -> None:
        nonlocal spoke
        if time.monotonic() - spoke > _EVERY:
            spoke = time.monotonic()
            typer.echo(f"{done:,} rows scored", err=True)

    return tell


def _open(settings: Settings, name: str, scratch: Path) -> Bundle:
    """The verified bundle of a version, or at a place."""
    from loanwright.registry.bundles import verify as open_verified
    from loanwright.registry.promotion import open_version, resolve

    if "@" in name and "/" not in name:
        return open_version(resolve(settings.registry_uri, name), scratch)
    place = Path(name)
    if "://" in name and not name.endswith("://"):
        return open_verified(name, scratch)
    if not name or not place.exists():
        models = model_folders(settings)
        if name in models:
            raise UsageError(f"{name!r} names a model and no version of it", fix=f"Write {name}@champion, or {name}@1")
        raise UsageError(
            f"there is no bundle {name!r}{near(name, models)}",
            fix="Give MODEL@ALIAS, MODEL@VERSION, a bundle's folder, or the s3:// address of its manifest",
        )
    if not place.is_dir() and place.name != "manifest.json":
        raise UsageError(f"{name} is a file and no bundle", fix="Give the bundle's folder")
    return open_verified(str(place.absolute()), scratch)
