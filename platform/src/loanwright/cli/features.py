"""`features`: what a model's features are, and why they have the values they have."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from loanwright.errors import UsageError, near
from loanwright.runtime.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from loanwright.config.declaration import Declaration

_MODEL = typer.Argument(help="A folder of pipelines/.")
_JSON = typer.Option(False, "--json", help="As JSON.")


def add_to(app: typer.Typer) -> None:
    """Adds this group of commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Look at a model's features: what they are, and why they are so.")
    group.command("list")(list_features)
    group.command("show")(show)
    group.command("sql")(sql)
    group.command("preview")(preview)
    group.command("explain")(explain)
    group.command("lint")(lint)
    app.add_typer(group, name="features")


def list_features(model: str = _MODEL, as_json: bool = _JSON) -> None:
    """List every feature, each window by itself."""
    from loanwright.cli.feature_view import listed
    from loanwright.features.shown.describing import describe

    _, declaration = _declared(model)
    found = describe(declaration.data, declaration.features, declaration.model.owner)
    if as_json:
        _print([asdict(each) for each in found])
    else:
        _console().print(listed(found, declaration.model.owner))


def show(
    model: str = _MODEL,
    feature: str = typer.Argument(help="A feature's name, with its window."),
    as_json: bool = _JSON,
) -> None:
    """Show one feature: what it means in words, where it is declared, what derives from it."""
    from loanwright.cli.feature_view import shown
    from loanwright.features.declared.lineage import find, places
    from loanwright.features.shown.describing import describe

    path, declaration = _declared(model)
    find(declaration.features, feature)
    every = describe(declaration.data, declaration.features, declaration.model.owner)
    found = next(each for each in every if each.name == feature)
    file, line = places(path, declaration.features)[feature]
    place = f"{_short(file)}:{line}"
    if as_json:
        _print(asdict(found) | {"declared": place})
    else:
        shown(_console(), found, place)


def sql(
    model: str = _MODEL,
    group: int = typer.Option(0, min=0, help="Only the text of this feature group, from 1 on."),
    feature: str = typer.Option("", help="Only the texts that this feature needs."),
    dialect: str = typer.Option("duckdb", help="duckdb or spark."),
) -> None:
    """Print the SQL that makes the training table, or a part of it."""
    from loanwright.features.declared.lineage import only
    from loanwright.features.language.dialect import DUCKDB, SPARK
    from loanwright.features.texts.sql import compile_features

    dialects = {each.name: each for each in (DUCKDB, SPARK)}
    if dialect not in dialects:
        raise UsageError(f"there is no dialect {dialect!r}{near(dialect, dialects)}", fix="It is duckdb or spark")
    if group and feature:
        raise UsageError("--group and --feature exclude each other")
    _, declaration = _declared(model)
    features = only(declaration.features, [feature]) if feature else declaration.features
    compiled = compile_features(declaration.data, features, dialects[dialect])
    if not group:
        typer.echo(compiled.text.rstrip())
        return
    if group > len(features.groups):
        raise UsageError(f"there is no group {group}: {model} has {len(features.groups)}")
    own = f"group {group} reads the decisions' own rows, in the text of the decisions"
    typer.echo(compiled.groups.get(f"group_{group}", f"-- {own}\n{compiled.decisions}"))


def preview(
    model: str = _MODEL,
    rows: int = typer.Option(10, min=1, max=1000, help="How many of the latest decisions."),
    feature: list[str] = typer.Option([], help="Only this feature; may be given several times."),
    decision: list[str] = typer.Option([], help="The decision of this key instead; may be given several times."),
    as_json: bool = _JSON,
) -> None:
    """Compute the features of a few decisions."""
    from loanwright.cli.feature_view import previewed
    from loanwright.features.declared.lineage import find
    from loanwright.features.reading.previewing import preview as compute
    from loanwright.runtime.feature_data import snapshot_for
    from loanwright.runtime.workplace import workplace

    _, declaration = _declared(model)
    for name in feature:
        find(declaration.features, name)
    settings = Settings.read()
    with workplace(settings) as scratch:
        uri = snapshot_for(settings, declaration, _say)
        found = compute(uri, declaration.data, declaration.features, scratch, names=feature, rows=rows, keys=decision)
    if as_json:
        _print([asdict(each) for each in found])
    else:
        _console().print(previewed(found, declaration.data.unit.key))


def explain(
    model: str = _MODEL,
    feature: str = typer.Argument(help="A feature's name, with its window."),
    decision: str = typer.Option(..., help="The decision's key."),
    rows: int = typer.Option(20, min=0, help="Show so many rows at most, the newest first."),
    as_json: bool = _JSON,
) -> None:
    """Show which rows fed a feature at one decision, and why the others did not."""
    from loanwright.cli.feature_view import explained
    from loanwright.features.declared.lineage import find
    from loanwright.features.shown.explaining import explain as look
    from loanwright.runtime.feature_data import snapshot_for
    from loanwright.runtime.workplace import workplace

    _, declaration = _declared(model)
    find(declaration.features, feature)
    settings = Settings.read()
    with workplace(settings) as scratch:
        uri = snapshot_for(settings, declaration, _say)
        found = look(uri, declaration.data, declaration.features, feature, decision, scratch)
    if as_json:
        _print(_as_json(found, rows))
    else:
        explained(_console(), found, declaration.data.unit.name, rows)
    for each in found.differing:
        raise RuntimeError(f"{each.feature!r} is {each.value!r} by definition, and the engine makes it {each.engine!r}")


def lint(
    model: str = _MODEL,
    strict: bool = typer.Option(False, "--strict", help="End with 2 if anything is found."),
    as_json: bool = _JSON,
) -> None:
    """Name features that are unused, duplicate, constant, missing or suspicious."""
    from loanwright.cli.feature_view import found_odd
    from loanwright.features.shown.linting import lint_declaration
    from loanwright.runtime.feature_data import table_for
    from loanwright.runtime.feature_lint import lint_table
    from loanwright.runtime.workplace import workplace

    _, declaration = _declared(model)
    found = lint_declaration(declaration.data, declaration.features)
    settings = Settings.read()
    with workplace(settings) as scratch:
        table = table_for(settings, declaration)
        if table is None:
            _say(f"The declaration alone was looked at: no run has a table of these features (loanwright run {model}).")
        else:
            _say(f"The training table of run {table[0]} was looked at too.")
            found += lint_table(table[1], declaration, scratch)
    if as_json:
        _print([asdict(each) for each in found])
    else:
        found_odd(_console(), found)
    if strict and found:
        raise typer.Exit(2)


def _declared(model: str) -> tuple[Path, Declaration]:
    """The model's file and what it says, checked as far as that goes without data."""
    from loanwright.runtime.checking import check_declaration
    from loanwright.runtime.project_models import model_folder

    folder = model_folder(Settings.read(), model)
    return folder / "model.yaml", check_declaration(folder)


def _as_json(found: Any, rows: int) -> dict[str, Any]:
    told = {name: value for name, value in asdict(found).items() if name not in ("rows", "inputs")}
    told |= {"counts": found.counts, "rows": [asdict(row) for row in found.rows[:rows]]}
    return told | {"inputs": [_as_json(each, rows) for each in found.inputs]}


def _short(file: str) -> str:
    """A path as seen from here, if it lies below."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _say(words: str) -> None:
    typer.echo(words, err=True)


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=_moment))


def _moment(value: Any) -> str:
    from loanwright.data.engine import in_utc

    return in_utc(value)


def _console() -> Console:
    from rich.console import Console

    return Console()
