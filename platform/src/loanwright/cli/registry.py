"""`promote`, `verify`, `score`: what is done with registered models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loanwright.cli.scoring_progress import ScoringProgress
from loanwright.errors import UsageError, near
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
    rows: str = typer.Option(..., "--input", help="Parquet: a file, a folder, or s3://bucket/prefix/."),
    output: str = typer.Option(
        ..., "--output", help="*.parquet or *.csv, or a folder or s3://bucket/prefix/ of parts."
    ),
    reasons: int = typer.Option(0, min=0, help="Give each row so many reason codes at most."),
    processes: int | None = typer.Option(None, min=1, help="How many score at a time; default: one a processor."),
) -> None:
    """Score feature rows with a verified bundle: a file into a file, or any number of files into parts."""
    settings = Settings.read()
    if _is_place(output):
        _score_into_parts(settings, model, rows, output, reasons, processes)
        return
    if processes is not None:
        raise UsageError(f"{output} is one file, which one process writes", fix="Give a folder as --output")
    if rows.startswith("s3://") or Path(rows).is_dir():
        raise UsageError(f"{rows} may be many files, and {output} is one", fix="Give a folder as --output")
    from loanwright.registry.scoring import score_file

    with workplace(settings) as scratch:
        opened = _open(settings, model, scratch)
        scored = score_file(opened, Path(rows), Path(output), reasons=reasons, watch=ScoringProgress())
    typer.echo(f"Scored {scored:,} rows into {output}.")


def _score_into_parts(
    settings: Settings, model: str, rows: str, output: str, reasons: int, processes: int | None
) -> None:
    from loanwright.registry.batch.run import score_into_parts

    with workplace(settings) as scratch:
        scored = score_into_parts(
            _open(settings, model, scratch),
            rows,
            output,
            scratch,
            reasons=reasons,
            processes=processes,
            watch=ScoringProgress(),
        )
    parts = f"{scored.parts:,} part{'' if scored.parts == 1 else 's'}"
    kept = f", of which {scored.kept:,} whole already" if scored.kept else ""
    typer.echo(f"{scored.rows:,} rows are scored in {output}: {parts}{kept}.")


def _is_place(output: str) -> bool:
    """Whether an output is a folder or prefix of parts, and not one file."""
    if output.startswith("s3://"):
        if output.lower().endswith((".parquet", ".pq", ".csv")):
            raise UsageError(f"scores go to S3 in parts, and {output} names a file", fix="Give a prefix that ends in /")
        return True
    return output.endswith("/") or Path(output).is_dir() or not Path(output).suffix


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
