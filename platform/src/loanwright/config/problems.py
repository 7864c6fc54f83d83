"""What is wrong with a declaration, each thing at its place, told as one error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from loanwright.errors import DeclarationError

Location = tuple[str | int, ...]
"""The keys and list positions that lead to a value."""
Locate = Callable[[Location], tuple[str, int]]
"""The file and line of a value."""

_SHOWN = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    where: Location
    text: str


def dotted(where: Location) -> str:
    """A location as it is written in messages: ``data.sources[0].uri``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return path.removeprefix(".")


def refuse(problems: Iterable[Problem], locate: Locate | None = None) -> NoReturn:
    """Raises one error for all problems, in the order of the file's lines if there is a file.

    Raises:
        DeclarationError: always; it shows the first five problems and counts the others.
    """
    places: dict[str, tuple[str, int]] = {}
    for problem in problems:
        path = dotted(problem.where)
        said = f"{path}: {problem.text}" if path else problem.text
        if locate is None:
            places.setdefault(said, ("", 0))
        else:
            file, line = locate(problem.where)
            places.setdefault(f"{file}:{line}: {said}", (file, line))
    lines = sorted(places, key=places.__getitem__) if locate else list(places)
    if len(lines) == 1:
        raise DeclarationError(lines[0])
    more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    raise DeclarationError("\n  ".join([f"{len(lines)} problems in the declaration:", *lines[:_SHOWN], *more]))
