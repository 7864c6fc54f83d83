"""Every declaration and every compiled pipeline of a project, held against each other without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loanwright.config.declaration import Declaration
from loanwright.config.reading import read_declaration, sections_as_parameters
from loanwright.errors import DeclarationError, LoanwrightError
from loanwright.features.sql import compile_features
from loanwright.runtime.compiling import compiled_path, pipeline_text
from loanwright.runtime.project_models import model_folders
from loanwright.runtime.settings import Settings


@dataclass(frozen=True)
class Finding:
    """What a check of one model found; `problem` is None when all is well."""

    model: str
    problem: str | None


def check_declaration(folder: Path) -> Declaration:
    """Reads a model's declaration and checks all that can be known without its data.

    Raises:
        DeclarationError: something in it is wrong.
    """
    declaration = read_declaration(folder / "model.yaml")
    compile_features(declaration.data, declaration.features)
    return declaration


def check_project(settings: Settings) -> Iterator[Finding]:
    """One finding for each model of the project."""
    for name, folder in model_folders(settings).items():
        try:
            check_declaration(folder)
            _check_compiled(settings, folder)
        except LoanwrightError as error:
            yield Finding(name, str(error))
        else:
            yield Finding(name, None)


def _check_compiled(settings: Settings, folder: Path) -> None:
    committed = compiled_path(folder)
    if not committed.exists():
        raise DeclarationError(f"{committed} is missing", fix="Run make generate")
    if pipeline_text(settings.project, folder, sections_as_parameters(folder / "model.yaml")) != committed.read_text():
        raise DeclarationError(
            f"{committed} is not what model.yaml and the components say now", fix="Run make generate and commit it"
        )
