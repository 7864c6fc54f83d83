"""A first declaration of a model, written after a look at its file: `loanwright new`.

It runs as it stands. Everything that only a person can know is a guess, and marked so.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from loanwright.config.reading import read_declaration, sections_as_parameters
from loanwright.errors import UsageError
from loanwright.runtime.file_look import look
from loanwright.runtime.first_declaration import first_declaration, first_readme, source_address
from loanwright.runtime.first_guess import guess
from loanwright.runtime.guess_words import guesses

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def new_model(
    name: str,
    source: Path,
    folder: Path,
    *,
    label: str | None = None,
    key: str | None = None,
    now: datetime | None = None,
    show: Callable[[list[tuple[str, str]]], None] | None = None,
) -> Path:
    """Writes `<folder>/<name>/model.yaml` and its README.md, both or neither.

    Args:
        name: the new model's.
        source: a parquet or CSV file with one row for each decision.
        folder: the project's `pipelines` folder; the file's address is relative to the project if it lies inside.
        label: the column with the outcome; absent: the one whose values and name say so.
        key: the column that names a row; absent: likewise.
        now: decisions cannot be later than this; default: this moment.
        show: told what was guessed, each question with its answer, when all is written.

    Returns:
        The model's folder.

    Raises:
        UsageError: the name is taken or no name; there is no such file; `label` or `key` cannot be what they should.
        DataError: the file cannot be read, or nothing in it can be the key or the label.
        DeclarationError: the file has more columns than a declaration can hold.
    """
    if not _NAME.fullmatch(name):
        where = f"; it becomes the folder {folder}/NAME" if "/" in name else ""
        raise UsageError(
            f"{name!r} is no name for a model",
            fix=f"Use lower-case letters, digits and _, starting with a letter, at most 63{where}",
        )
    target = folder / name
    if target.exists():
        raise UsageError(f"{target} is there already", fix="Give another name, or remove it")
    moment = now or datetime.now(UTC)
    with tempfile.TemporaryDirectory() as scratch:
        with look(source, Path(scratch)) as seen:
            guessed = guess(seen, moment, label=label, key=key)
            declaration = first_declaration(name, source, folder, seen, guessed, moment)
            readme = first_readme(name, source, seen, guessed)
            told = guesses(seen, guessed)
        draft = Path(scratch) / folder.name / name
        draft.mkdir(parents=True)
        (draft / "model.yaml").write_text(declaration, encoding="utf-8")
        (draft / "README.md").write_text(readme, encoding="utf-8")
        sections_as_parameters(read_declaration(draft / "model.yaml"))
        folder.mkdir(parents=True, exist_ok=True)
        _move(draft, target)
    address = source_address(source, folder)
    if show is not None:
        show([("source", address + (" (outside the project)" if Path(address).is_absolute() else "")), *told])
    return target


def _move(draft: Path, target: Path) -> None:
    """Puts the folder in place whole: copied beside the target first, which may be another disk than the draft's."""
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        shutil.copytree(draft, beside / target.name)
        (beside / target.name).rename(target)
    finally:
        shutil.rmtree(beside)
