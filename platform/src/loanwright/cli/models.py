"""`models`, `new`, `check`, `generate`: the declarations and what is made from them."""

from __future__ import annotations

from pathlib import Path

import typer

from loanwright.errors import LoanwrightError
from loanwright.runtime.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Adds these commands to the application."""
    app.command("models")(models)
    app.command("new")(new)
    app.command("check")(check)
    app.command("generate")(generate)


def models() -> None:
    """List the project's models, and what of them is registered."""
    from loanwright.config.reading import read_declaration
    from loanwright.runtime.project_models import model_folders

    settings = Settings.read()
    broken = 0
    for name, folder in model_folders(settings).items():
        try:
            title = read_declaration(folder / "model.yaml").model.title
        except LoanwrightError as error:
            broken += 1
            title = f"broken: {error.problem}"
        typer.echo(f"{name:24}{title}{_registered(settings, name)}")
    if broken:
        raise typer.Exit(2)


def _registered(settings: Settings, model: str) -> str:
    """What the registry has of a model, in words."""
    from loanwright.registry.lookup import find_model

    found = find_model(settings.registry_uri, model)
    if found is None or not found.versions:
        return "  (nothing registered)"
    aliases = "".join(f", {alias} {number}" for alias, number in sorted(found.aliases.items()))
    return f"  (versions {', '.join(str(version.number) for version in found.versions)}{aliases})"


def new(
    model: str = typer.Argument(help="The new model's name."),
    source: Path = typer.Option(..., "--from", help="A parquet or CSV file, one row per decision."),
    label: str = typer.Option("", help="The 0/1 column to predict; default: found by looking."),
    key: str = typer.Option("", help="The column that names a row; default: found by looking."),
) -> None:
    """Write a first declaration by looking at a file."""
    from loanwright.config.reading import sections_as_parameters
    from loanwright.runtime.checking import check_declaration
    from loanwright.runtime.compiling import compile_pipeline, compiled_path
    from loanwright.runtime.new_model import new_model

    settings = Settings.read()
    told: list[tuple[str, str]] = []
    folder = new_model(model, source, settings.pipelines, label=label or None, key=key or None, show=told.extend)
    check_declaration(folder)
    compile_pipeline(settings.project, folder, sections_as_parameters(folder / "model.yaml"), compiled_path(folder))
    typer.echo("Guessed, by looking at the file:")
    width = max(len(question) for question, _ in told)
    for question, answer in told:
        typer.echo(f"  {question.ljust(width)}  {answer}")
    typer.echo(f"Wrote {folder}. Read it, then: loanwright run {model}")


def check() -> None:
    """Check every declaration and every compiled pipeline against each other."""
    from loanwright.runtime.checking import check_project

    broken = 0
    for finding in check_project(Settings.read()):
        broken += finding.problem is not None
        typer.echo(f"{finding.model}: {finding.problem or 'ok'}", err=finding.problem is not None)
    if broken:
        raise typer.Exit(2)


def generate(
    only_check: bool = typer.Option(False, "--check", help="Write nothing; fail if anything is out of date."),
) -> None:
    """Write every generated file anew."""
    from loanwright.runtime.generating import generate as write_all
    from loanwright.runtime.generating import out_of_date

    stale = out_of_date(Settings.read()) if only_check else write_all(Settings.read())
    for path in stale:
        typer.echo(f"{'out of date' if only_check else 'wrote'}: {path}", err=only_check)
    if only_check and stale:
        raise typer.Exit(1)
