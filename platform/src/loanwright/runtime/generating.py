"""Every generated file of the project, and which are out of date: see docs/generated.md."""

from __future__ import annotations

from pathlib import Path

from loanwright.config import schema
from loanwright.config.reading import read_declaration
from loanwright.runtime.compiled_files import compiled_files
from loanwright.runtime.component_pages import component_page
from loanwright.runtime.project_models import model_folders
from loanwright.runtime.settings import Settings


def generated(settings: Settings) -> dict[Path, str]:
    """What each generated file should hold, by its path in the project.

    Raises:
        DeclarationError: a declaration cannot be read, or a pipeline cannot be compiled.
    """
    texts = schema.generated(settings.project)
    for component in sorted((settings.project / "components").glob("*/component.py")):
        texts[component.with_name("README.md").relative_to(settings.project)] = component_page(component)
    for folder in model_folders(settings).values():
        compiled = compiled_files(settings.project, folder, read_declaration(folder / "model.yaml"))
        texts |= {path.relative_to(settings.project): text for path, text in compiled.items()}
    return texts


def out_of_date(settings: Settings) -> dict[Path, str]:
    """What `generated` gives, but only of the files that hold something else, or are missing. Writes nothing."""
    texts = generated(settings)
    return {name: text for name, text in texts.items() if _held(settings.project / name) != text}


def generate(settings: Settings) -> list[Path]:
    """Writes every file that is out of date; their paths in the project."""
    stale = out_of_date(settings)
    for name, text in stale.items():
        path = settings.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(stale)


def _held(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
