"""Compiles a model's pipeline: the shape from code, the sections of its declaration as defaults."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from types import ModuleType
from typing import Any

from loanwright.errors import DeclarationError

HEADER = "# DO NOT EDIT: compiled from model.yaml and pipelines/training.py by `make generate`.\n"


def compiled_path(folder: Path) -> Path:
    """Where a model's committed pipeline lies."""
    return folder / "compiled" / "training.yaml"


def shape_path(project: Path, folder: Path) -> Path:
    """The file that gives a model's pipeline its shape: its own, or the one for all."""
    own = folder / "pipeline.py"
    return own if own.exists() else project / "pipelines" / "training.py"


def shape_digest(project: Path, folder: Path) -> str:
    """SHA-256 over everything that the pipeline's shape is made of."""
    digest = hashlib.sha256()
    pins = project / "components" / "images" / "pins.json"
    for path in [shape_path(project, folder), pins, *sorted((project / "components").rglob("*.py"))]:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def compile_pipeline(project: Path, folder: Path, parameters: dict[str, Any], target: Path) -> Path:
    """Compiles the model in `folder` into `target`, whole or not at all.

    Raises:
        DeclarationError: the model's own pipeline.py has no pipeline `training`.
    """
    from kfp.compiler import Compiler

    with _importable(project):
        pipeline = _load(shape_path(project, folder), project).__dict__.get("training")
    if pipeline is None:
        raise DeclarationError(f"{shape_path(project, folder)} defines no pipeline named 'training'")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.part.yaml")
    Compiler().compile(
        pipeline,
        str(temporary),
        pipeline_name=f"{folder.name.replace('_', '-')}-training",
        pipeline_parameters=parameters,
    )
    temporary.write_text(HEADER + _without_comments(temporary.read_text()))
    temporary.replace(target)
    return target


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
