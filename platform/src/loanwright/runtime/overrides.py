"""`--set name=value`: one change to a pipeline's parameters, by its dotted path."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from loanwright.config.base import without_secret
from loanwright.config.documents import read_value
from loanwright.config.parameters import Plain
from loanwright.errors import DeclarationError, UsageError, near


def apply_overrides(parameters: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """A copy of the parameters with each ``a.b.c=value`` applied; the value is read as in a declaration.

    A list of named things is addressed by name, or by position from 0: ``gates.rules.auc_floor.min=0.7``.

    Raises:
        UsageError: an assignment has no ``=``, no such parameter, or no such place in it.
    """
    changed = copy.deepcopy({**Plain().model_dump(), **parameters})
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path:
            raise UsageError(f"--set {without_secret(assignment)!r} is not of the form name=value")
        _assign(changed, path, _value(path, text))
    return changed


def _value(path: str, text: str) -> Any:
    if path == "data_cutoff" or path.startswith("source_overrides."):
        return text  # YAML would make a mapping of some addresses
    try:
        return read_value(text)
    except DeclarationError:
        raise UsageError(f"--set {path}: {without_secret(text)!r} is no plain YAML value", fix="Quote it") from None


def _assign(parameters: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    place: Any = parameters
    for position, part in enumerate(parents):
        # Below a section's top, a part may rest on its default and not be there yet.
        absent = position > 0 and isinstance(place, dict)
        place = place.setdefault(part, {}) if absent else _step(place, part, path)
    if isinstance(place, list):
        place[_index(place, last, path)] = value
    elif isinstance(place, dict) and (parents or last in place):
        place[last] = value
        if value is None:
            del place[last]  # null is its default; KFP takes no null inside a parameter
    else:
        raise UsageError(f"--set {path}: there is no parameter {last!r}{near(last, parameters)}")


def _step(place: Any, part: str, path: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, part, path)]
    if isinstance(place, dict) and part in place:
        return place[part]
    known = place if isinstance(place, dict) else ()
    raise UsageError(f"--set {path}: there is no parameter {part!r}{near(part, known)}")


def _index(items: list[Any], part: str, path: str) -> int:
    names = [str(item.get("name", item.get("source", ""))) if isinstance(item, dict) else "" for item in items]
    if part in names:
        return names.index(part)
    if part.isdigit() and int(part) < len(items):
        return int(part)
    raise UsageError(f"--set {path}: nothing is named {part!r} there{near(part, filter(None, names))}")
