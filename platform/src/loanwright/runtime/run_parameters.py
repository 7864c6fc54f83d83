"""From a model's declaration and its overrides to what is run, checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loanwright.config.agreement import check_agreement
from loanwright.config.declaration import SECTIONS
from loanwright.config.reading import parse_sections, sections_as_parameters
from loanwright.runtime.local_run import Request
from loanwright.runtime.overrides import apply_overrides
from loanwright.runtime.project_models import model_folder
from loanwright.runtime.settings import Settings


def run_parameters(settings: Settings, model: str, assignments: Iterable[str]) -> Request:
    """The request to run `model`; relative paths of overridden sources are the caller's.

    Raises:
        UserError: the model, its declaration or an assignment is wrong.
    """
    folder = model_folder(settings, model)
    parameters = apply_overrides(sections_as_parameters(folder / "model.yaml"), assignments)
    overrides = parameters["source_overrides"]
    parameters["source_overrides"] = {
        name: uri if "://" in str(uri) else str(Path(str(uri)).absolute()) for name, uri in overrides.items()
    }
    check_agreement(parse_sections({name: parameters[name] for name in SECTIONS if name in parameters}))
    return Request(model, folder, parameters)
