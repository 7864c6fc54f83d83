"""Every declaration and every compiled pipeline of a project, held against each other without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loanwright.config.declaration import Declaration
from loanwright.config.reading import read_declaration
from loanwright.errors import DeclarationError, LoanwrightError
from loanwright.features.texts.sql import compile_features
from loanwright.runtime.compiled_files import compiled_files
from loanwright.runtime.compiling import compiled_search_path
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
            _check_compiled(settings, folder, check_declaration(folder))
        except LoanwrightError as error:
            yield Finding(name, str(error))
        else:
            yield Finding(name, None)


def _check_compiled(settings: Settings, folder: Path, declaration: Declaration) -> None:
    if declaration.search is None and compiled_search_path(folder).exists():
        raise DeclarationError(f"{compiled_search_path(folder)} is there, and no search is declared", fix="Remove it")
    for committed, text in compiled_files(settings.project, folder, declaration).items():
        if not committed.exists():
            raise DeclarationError(f"{committed} is missing", fix="Run make generate")
        if text != committed.read_text():
            raise DeclarationError(
                f"{committed} is not what model.yaml and the components say now", fix="Run make generate and commit it"
            )
