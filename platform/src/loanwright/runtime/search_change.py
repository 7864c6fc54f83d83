"""What a search proposes, as a change to the model's file: shown as a diff, or taken over."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loanwright.config.editing import edited
from loanwright.config.reading import read_declaration
from loanwright.config.search import Value
from loanwright.errors import DeclarationError, UsageError
from loanwright.runtime.compiled_files import compiled_files
from loanwright.runtime.local_run import Request
from loanwright.storage import digest_of

_FREE = ("search.", "search=")
"""What may be set for one run of a search whose outcome is taken over: it says how to look, not what for."""


@dataclass(frozen=True)
class Change:
    """The model's file before and after."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified diff, with the path below the project."""
        name = "/".join(self.path.parts[-3:])
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(lines)


def check_applicable(request: Request) -> None:
    """Refuses to take over what was searched for another declaration than the file's.

    Raises:
        UsageError: a section that the outcome depends on is set for this run alone.
    """
    foreign = [change for change in request.changes if not change.startswith(_FREE)]
    if foreign:
        raise UsageError(
            f"--apply takes over what was found for the declaration as it stands, and {foreign[0]!r} is set for this "
            "search alone",
            fix="Leave one of the two out",
        )


def proposed_change(folder: Path, training: str, changes: Mapping[str, Value]) -> Change:
    """What the model's file would be with the proposed values.

    Args:
        folder: the model's.
        training: the digest of the training section that was searched around.
        changes: by LightGBM parameter, or `rounds`.

    Raises:
        DeclarationError: the training section is another one by now, or its text cannot be edited.
    """
    path = folder / "model.yaml"
    if digest_of(read_declaration(path).training.model_dump(mode="json")) != training:
        raise DeclarationError(f"{path} declares another training by now than was searched", fix="Search again")
    before = path.read_text(encoding="utf-8")
    places = {_place(name): value for name, value in changes.items()}
    return Change(path, before, edited(before, places))


def apply(project: Path, change: Change) -> list[Path]:
    """Writes the change and the model's compiled pipelines anew, or nothing at all; the files written.

    Raises:
        DeclarationError: the changed declaration is not sound.
    """
    staged = change.path.with_name(f".{change.path.name}.part")
    staged.write_text(change.after, encoding="utf-8")
    try:
        declaration = read_declaration(staged)
        texts = compiled_files(project, change.path.parent, declaration)
        staged.replace(change.path)
    finally:
        staged.unlink(missing_ok=True)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [change.path, *texts]


def _place(name: str) -> tuple[str, ...]:
    return ("training", "rounds") if name == "rounds" else ("training", "parameters", name)
