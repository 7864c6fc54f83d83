"""Compiles a model's pipelines: the shape from code, the sections of its declaration as defaults."""

from __future__ import annotations

import hashlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from types import ModuleType
from typing import Any

from loanwright.errors import DeclarationError

HEADER = "# DO NOT EDIT: compiled from model.yaml and {shape} by `make generate`.\n"


def compiled_path(folder: Path) -> Path:
    """Where a model's committed training pipeline lies."""
    return folder / "compiled" / "training.yaml"


def compiled_search_path(folder: Path) -> Path:
    """Where the committed search pipeline of a model lies that declares a search."""
    return folder / "compiled" / "search.yaml"


def shape_path(project: Path, folder: Path) -> Path:
    """The file that gives a model's pipeline its shape: its own, or the one for all."""
    own = folder / "pipeline.py"
    return own if own.exists() else project / "pipelines" / "training.py"


def shape_digest(project: Path, folder: Path, fan_out: int | None = None) -> str:
    """SHA-256 over all that a pipeline's shape may be made of: which file gives it, all it can import, its fan-out."""
    file = shape_path(project, folder).relative_to(project).as_posix()
    digest = hashlib.sha256(f"{file}\0{fan_out or ''}\0".encode())
    sources = [path for top in ("components", "pipelines") for path in (project / top).rglob("*.py")]
    for path in [project / "components" / "images" / "pins.json", *sorted(sources)]:
        digest.update(f"{path.relative_to(project).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compile_pipeline(
    project: Path, folder: Path, parameters: dict[str, Any], target: Path, *, fan_out: int | None = None
) -> Path:
    """Compiles the training pipeline of the model in `folder` into `target`, whole or not at all.

    Raises:
        DeclarationError: as `pipeline_text`.
    """
    return _written(pipeline_text(project, folder, parameters, fan_out=fan_out), target)


def compile_search(project: Path, folder: Path, parameters: dict[str, Any], generations: int, target: Path) -> Path:
    """Compiles the search pipeline for the model in `folder` into `target`, whole or not at all."""
    return _written(search_text(project, folder, parameters, generations), target)


def pipeline_text(project: Path, folder: Path, parameters: dict[str, Any], *, fan_out: int | None = None) -> str:
    """The compiled training pipeline of the model in `folder`.

    Args:
        project: the project's folder.
        folder: the model's folder.
        parameters: defaults of the pipeline's parameters.
        fan_out: how many tasks compute the features; absent: as the shape has it.

    Raises:
        DeclarationError: the model's own pipeline.py has no pipeline `training`, or its fan-out cannot be chosen.
    """
    shape = shape_path(project, folder)
    with _importable(project):
        pipeline = _pipeline(_load(shape, project), shape, fan_out)
    return _text(pipeline, f"{folder.name.replace('_', '-')}-training", parameters, shape.relative_to(project))


def search_text(project: Path, folder: Path, parameters: dict[str, Any], generations: int) -> str:
    """The compiled search pipeline for the model in `folder`.

    Args:
        project: the project's folder.
        folder: the model's folder.
        parameters: defaults of the pipeline's parameters.
        generations: how many it has at most; a run may be asked for fewer.

    Raises:
        DeclarationError: the project has no search pipeline.
    """
    shape = project / "pipelines" / "search.py"
    if not shape.exists():
        raise DeclarationError(f"{shape} is not there, and {folder.name!r} declares a search")
    with _importable(project):
        pipeline = _load(shape, project).search_pipeline(generations)
    return _text(pipeline, f"{folder.name.replace('_', '-')}-search", parameters, shape.relative_to(project))


def _text(pipeline: Any, name: str, parameters: dict[str, Any], shape: Path) -> str:
    from kfp.compiler import Compiler

    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "pipeline.yaml"
        Compiler().compile(pipeline, str(compiled), pipeline_name=name, pipeline_parameters=parameters)
        return HEADER.format(shape=shape.as_posix()) + _without_comments(compiled.read_text())


def _written(text: str, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_text(text)
    temporary.replace(target)
    return target


def _pipeline(module: ModuleType, shape: Path, fan_out: int | None) -> Any:
    if fan_out is not None:
        if not hasattr(module, "training_pipeline"):
            raise DeclarationError(
                f"{shape} does not let its fan-out be chosen: it has no function 'training_pipeline'",
                fix="Import it from pipelines.training, or run without --fan-out",
            )
        return module.training_pipeline(fan_out)
    if not hasattr(module, "training"):
        raise DeclarationError(f"{shape} defines no pipeline named 'training'")
    return module.training


def _without_comments(compiled: str) -> str:
    """KFP's own header lists the defaults once more, in an order that changes from process to process."""
    return "".join(dropwhile(lambda line: line.startswith("#"), compiled.splitlines(keepends=True)))


def _load(path: Path, project: Path) -> ModuleType:
    name = ".".join(path.relative_to(project).with_suffix("").parts)
    for loaded in [module for module in sys.modules if module.split(".")[0] in ("components", "pipelines")]:
        del sys.modules[loaded]
    return importlib.import_module(name)


@contextmanager
def _importable(project: Path) -> Iterator[None]:
    sys.path.insert(0, str(project))
    try:
        yield
    finally:
        sys.path.remove(str(project))
