"""What a model's compiled pipelines should hold, by path: training always, the search where one is declared."""

from __future__ import annotations

from pathlib import Path

from loanwright.config.declaration import Declaration
from loanwright.config.reading import search_as_parameter, sections_as_parameters
from loanwright.runtime.compiling import compiled_path, compiled_search_path, pipeline_text, search_text


def compiled_files(project: Path, folder: Path, declaration: Declaration) -> dict[Path, str]:
    """The texts of a model's compiled pipelines.

    Args:
        project: the project's folder.
        folder: the model's folder.
        declaration: what its `model.yaml` says.

    Raises:
        DeclarationError: a pipeline cannot be compiled, or the sections are too large for a step's arguments.
    """
    sections = sections_as_parameters(declaration)
    texts = {compiled_path(folder): pipeline_text(project, folder, sections)}
    if declaration.search is not None:
        parameters = sections | search_as_parameter(declaration)
        texts[compiled_search_path(folder)] = search_text(project, folder, parameters, declaration.search.generations)
    return texts
