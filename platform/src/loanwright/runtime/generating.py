"""Writes every generated file of the project, or tells which are out of date: see docs/generated.md."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from loanwright.config.schema import write as write_schemas
from loanwright.runtime.checking import write_compiled
from loanwright.runtime.component_pages import component_page
from loanwright.runtime.project_models import model_folders
from loanwright.runtime.settings import Settings


def generate(settings: Settings) -> dict[Path, bool]:
    """Regenerates all; each file and whether it changed."""
    changed = dict(write_schemas(settings.project))
    for component in sorted((settings.project / "components").glob("*/component.py")):
        page = component.with_name("README.md")
        changed[page.relative_to(settings.project)] = _write(page, partial(component_page, component))
    for folder in model_folders(settings).values():
        path = (folder / "compiled" / "training.yaml").relative_to(settings.project)
        changed[path] = write_compiled(settings, folder)
    return changed


def _write(path: Path, text: Callable[[], str]) -> bool:
    before = path.read_text() if path.exists() else None
    after = text()
    if after != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after)
    return after != before
