"""Compiles a model's pipeline: the shape from code, the sections of its declaration as defaults."""

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
    """Where a model's committed pipeline lies."""
    return folder / "compiled" / "training.yaml"


def shape_path(project: Path, folder: Path) -> Path:
    """The file that gives a model's pipeline its shape: its own, or the one for all."""
    own = folder / "pipeline.py"
    return own if own.exists() else project / "pipelines" / "training.py"


def shape_digest(project: Path, folder: Path) -> str:
    """SHA-256 over everything that the pipeline's shape may be made of: which file gives it, and all it can import."""
    digest = hashlib.sha256(f"{shape_path(project, folder).relative_to(project).as_posix()}\0".encode())
    sources = [path for top in ("components", "pipelines") for path in (project / top).rglob("*.py")]
    for path in [project / "components" / "images" / "pins.json", *sorted(sources)]:
        digest.update(f"{path.relative_to(project).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compile_pipeline(project: Path, folder: Path, parameters: dict[str, Any], target: Path) -> Path:
    """Compiles the model in `folder` into `target`, whole or not at all.

    Raises:
        DeclarationError: as `pipeline_text`.
    """
    text = pipeline_text(project, folder, parameters)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    temporary.write_text(text)
    temporary.replace(target)
    return target


def pipeline_text(project: Path, folder: Path, parameters: dict[str, Any]) -> str:
    """The compiled pipeline of the model in `folder`.

    Args:
        project: the project's folder.
        folder: the model's folder.
        parameters: defaults of the pipeline's parameters.

    Raises:
        DeclarationError: the model's own pipeline.py has no pipeline `training`.
    """
    from kfp.compiler import Compiler

    shape = shape_path(project, folder)
    with _importable(project):
        pipeline = _load(shape, project).__dict__.get("training")
    if pipeline is None:
        raise DeclarationError(f"{shape} defines no pipeline named 'training'")
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "training.yaml"
        Compiler().compile(
            pipeline,
            str(compiled),
            pipeline_name=f"{folder.name.replace('_', '-')}-training",
            pipeline_parameters=parameters,
        )
        return HEADER.format(shape=shape.relative_to(project).as_posix()) + _without_comments(compiled.read_text())


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
