"""From a model's declaration and its overrides to what is run, checked before anything starts or is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loanwright.config.data import Data
from loanwright.config.declaration import SEARCH, SECTIONS, Declaration
from loanwright.config.parameters import check_size
from loanwright.config.reading import (
    parse_plain,
    parse_sections,
    read_declaration,
    search_as_parameter,
    sections_as_parameters,
)
from loanwright.data.ingestion import overridden
from loanwright.errors import DeclarationError, UsageError
from loanwright.features.texts.sql import compile_features
from loanwright.runtime.local_run import Request
from loanwright.runtime.overrides import apply_overrides
from loanwright.runtime.project_models import model_folder
from loanwright.runtime.settings import EMBEDDED_BUCKET, Settings
from loanwright.training.crew import check_crew

_TRAINING_ONLY = ("workers", "register_model")
"""Parameters of the training pipeline that the search pipeline does not have."""


def run_parameters(settings: Settings, model: str, assignments: Iterable[str]) -> Request:
    """The request to train `model`; relative paths of overridden sources are the caller's.

    Raises:
        UserError: the model, its declaration or an assignment is wrong.
    """
    folder = model_folder(settings, model)
    assignments = tuple(assignments)
    declared = read_declaration(folder / "model.yaml")
    _, parameters = _checked(settings, sections_as_parameters(declared), assignments)
    check_crew(parameters["workers"])
    check_size(parameters, model)
    return Request(model, folder, parameters, changes=assignments)


def search_parameters(settings: Settings, model: str, assignments: Iterable[str]) -> Request:
    """The request to search for `model`, as `run_parameters`.

    Raises:
        UserError: as there; or the model declares no search.
    """
    folder = model_folder(settings, model)
    assignments = tuple(assignments)
    declared = read_declaration(folder / "model.yaml")
    if declared.search is None:
        raise DeclarationError(
            f"{folder / 'model.yaml'} declares no search", fix="Add a section `search`: docs/search.md shows one"
        )
    for name in _TRAINING_ONLY:
        if any(assignment.partition("=")[0] == name for assignment in assignments):
            raise UsageError(
                f"--set {name}: a search has no such parameter: it registers nothing, and fits each fold alone"
            )
    sections = sections_as_parameters(declared) | search_as_parameter(declared)
    checked, parameters = _checked(settings, sections, assignments)
    if checked.search is None:
        raise UsageError("--set search: without a search there is nothing to run")
    for name in _TRAINING_ONLY:
        del parameters[name]
    check_size(parameters, model)
    return Request(model, folder, parameters, changes=assignments, generations=checked.search.generations)


def _checked(
    settings: Settings, declared: dict[str, dict[str, Any]], assignments: tuple[str, ...]
) -> tuple[Declaration, dict[str, Any]]:
    """The declaration with the assignments in it, and all parameters of a run of it."""
    parameters = apply_overrides(declared, assignments)
    # A section that was set to null is not there: it has its default, or is missed.
    sections = {name: parameters.pop(name) for name in (*SECTIONS, SEARCH) if name in parameters}
    plain = parse_plain(parameters)
    declaration = parse_sections(sections)
    compile_features(declaration.data, declaration.features)
    absolute = {
        name: uri if "://" in uri else str(Path(uri).absolute()) for name, uri in plain.source_overrides.items()
    }
    _check_reach(settings, overridden(declaration.data, absolute))
    return declaration, {
        **sections_as_parameters(declaration),
        **search_as_parameter(declaration),
        **sections,
        **plain.model_dump(),
        "source_overrides": absolute,
    }


def _check_reach(settings: Settings, data: Data) -> None:
    """A step knows one S3 server: beside the embedded one, no other bucket can be read."""
    own = f"s3://{EMBEDDED_BUCKET}"
    for source in data.sources:
        if settings.store is None and source.uri.startswith("s3://") and not f"{source.uri}/".startswith(f"{own}/"):
            raise UsageError(
                f"source {source.name!r} reads {source.uri}, but results are kept in the embedded S3 server, and "
                "its address and keys open no other bucket",
                fix="Set LOANWRIGHT_STORE to a bucket or a folder of your own, the AWS_* variables, and "
                "LOANWRIGHT_S3_ENDPOINT for a server other than AWS",
            )
