"""What pydantic refuses, said in the words of whoever writes a declaration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import ValidationError

from loanwright.config.base import Section, without_secret
from loanwright.config.problems import Location, Problem
from loanwright.errors import near

_KINDS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "datetime_type": "a time such as '2026-01-31T00:00:00Z'",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_LENGTHS = {
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
    "string_too_short": ("at least", "min_length"),
    "string_too_long": ("at most", "max_length"),
}
_MANY_KEYS = 12

_SCALAR = "true or false, a number or a text"


def complaints(error: ValidationError, kind: type[Section], raw: Any, above: Location = ()) -> list[Problem]:
    """Everything that pydantic found, each thing once and at its place.

    Args:
        error: what validating `raw` as `kind` raised.
        kind: the type that was asked for.
        raw: the value that was given.
        above: where `raw` stands, if it is not the whole declaration.
    """
    found: dict[Location, str] = {}
    unknown: dict[Location, set[str]] = {}
    missing: list[Location] = []
    for details in error.errors(include_url=False):
        where, in_union = _place(details["loc"], raw, details["type"])
        if details["type"] == "missing":
            missing.append(where)
        elif details["type"] == "extra_forbidden":
            known = _keys(kind, where[:-1])
            found[where] = _unknown(str(where[-1]), known, raw, where)
            unknown.setdefault(where[:-1], set()).update(name for name in known if repr(name) in found[where])
        elif in_union:
            others = "true or false, or a number" if isinstance(given := details["input"], str) else _SCALAR
            found[where] = f"must be {others}, not {_shown(given)}"
        elif (text := _said(details, kind, where)) is not None:
            found.setdefault(where, text)
    for where in missing:
        if where[-1] not in unknown.get(where[:-1], set()):
            found.setdefault(where, "is missing")
    return [Problem(above + where, text) for where, text in found.items()]


def _place(loc: tuple[int | str, ...], raw: Any, kind: str) -> tuple[Location, bool]:
    """The location without the names pydantic adds for the members of a union, and whether it had any."""
    where: list[int | str] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(raw, dict) and part in raw:  # noqa: SIM114 - together they would hide their types
            raw = raw[part]
        elif isinstance(raw, list | tuple) and isinstance(part, int):
            raw = raw[part]
        elif not (last and kind in ("missing", "extra_forbidden")):
            return tuple(where), True
        where.append(part)
    return tuple(where), False


def _said(details: Any, kind: type[Section], where: Location) -> str | None:
    """The complaint's words; None for one that only follows from another."""
    problem, given, context = details["type"], details["input"], details.get("ctx", {})
    if given is None:
        said = "has no value: give it one, or leave the key out"
    elif problem == "value_error":
        said = str(context["error"])
    elif problem == "literal_error":
        allowed = re.findall(r"'[^']*'|\d+", context["expected"])
        guess = near(str(given), [each.strip("'") for each in allowed])
        said = f"{_shown(given)} is none of {', '.join(allowed)}{guess}"
    elif problem in _KINDS:
        said = f"must be {_KINDS[problem]}, not {_shown(given)}{_hint(details, kind, where)}"
    elif problem in _BOUNDS:
        words, bound = _BOUNDS[problem]
        said = f"must be {words} {context[bound]:g}, not {_shown(given)}"
    elif problem in _LENGTHS:
        return _length(problem, given, context)
    else:
        said = f"{details['msg'][:1].lower()}{details['msg'][1:]}, not {_shown(given)}"
    return said


def _length(problem: str, given: Any, context: dict[str, int]) -> str | None:
    words, bound = _LENGTHS[problem]
    limit = context[bound]
    if problem == "too_short" and len(given) >= limit:
        return None  # counted without the items that were refused
    if bound == "min_length" and limit == 1:
        return "must not be empty"
    return f"must have {words} {limit} {'characters' if isinstance(given, str) else 'entries'}, not {len(given)}"


def _hint(details: Any, kind: type[Section], where: Location) -> str:
    if details["type"] == "model_type":
        return f": its keys are {', '.join(_keys(kind, where))}"
    if details["type"] == "string_type" and not isinstance(details["input"], dict | list):
        return ": write it in quotes"
    return ""


def _unknown(key: str, known: list[str], raw: Any, where: Location) -> str:
    if where[-2:] == ("features", "include") or where == ("include",):
        return "files are included where a model.yaml is read: give the groups themselves here"
    if guess := near(key, known):
        return f"unknown key{guess}"
    return f"unknown key; the keys here are {', '.join(known)}" if len(known) <= _MANY_KEYS else "unknown key"


def _keys(kind: type[Section], where: Location) -> list[str]:
    section = next(_sections(kind, where), None)
    return list(section.model_fields) if section else []


def _sections(annotation: Any, where: Location) -> Iterator[type[Section]]:
    """The section types that may stand at a location below a type: one, as no union holds two of them."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        if not where:
            yield annotation
        elif where[0] in annotation.model_fields:
            yield from _sections(annotation.model_fields[str(where[0])].annotation, where[1:])
    elif getattr(annotation, "__origin__", None) is tuple:
        if where:
            yield from _sections(get_args(annotation)[0], where[1:])
    else:
        for inner in get_args(annotation):
            yield from _sections(inner, where)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(without_secret(value) if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"
