"""The models of a project: folders below `pipelines/` with a `model.yaml`."""

from __future__ import annotations

from pathlib import Path

from loanwright.errors import UsageError, near
from loanwright.runtime.settings import Settings


def model_folders(settings: Settings) -> dict[str, Path]:
    """Every model's folder, by name, sorted."""
    return {path.parent.name: path.parent for path in sorted(settings.pipelines.glob("*/model.yaml"))}


def model_folder(settings: Settings, name: str) -> Path:
    """The folder of one model.

    Raises:
        UsageError: there is none of that name.
    """
    folders = model_folders(settings)
    if name not in folders:
        raise UsageError(
            f"there is no model {name!r}{near(name, folders)}", fix=f"The models are {', '.join(folders) or 'none'}"
        )
    return folders[name]
