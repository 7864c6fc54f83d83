"""Declarations from files and from KFP's parameters, and back into parameters.

Every way in ends with the same frozen types, or with one `DeclarationError` that names each problem's
place: file and line where there is a file, the dotted path always.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from loanwright.config.agreement import check_agreement, disagreements
from loanwright.config.base import Section
from loanwright.config.complaints import complaints
from loanwright.config.declaration import SEARCH, SECTIONS, Declaration
from loanwright.config.documents import read_document
from loanwright.config.includes import with_includes
from loanwright.config.parameters import Plain, check_size
from loanwright.config.problems import Locate, Location, Problem, refuse
from loanwright.errors import DeclarationError

Kind = TypeVar("Kind", bound=Section)

_LARGEST_EXACT = 2**53
"""A protobuf Struct holds every number as a double."""


def read_declaration(path: Path) -> Declaration:
    """Reads a `model.yaml`, resolves what it includes, and checks its sections against each other.

    Raises:
        DeclarationError: the file or what it says is wrong; each problem with its file and line.
    """
    node = read_document(path)
    content = node.value
    if not isinstance(content, dict):
        raise DeclarationError(f"{path} must be a mapping of the sections {', '.join(SECTIONS)}")
    if "features" in content:
        features = with_includes(content["features"], path, path.parent.parent)
        node = replace(node, value=content | {"features": features})
    declaration = _parse(Declaration, node.plain(), locate=node.locate)
    if problems := [*_of_another_name(declaration, path), *disagreements(declaration)]:
        refuse(problems, node.locate)
    return declaration


def parse_sections(sections: Mapping[str, Any]) -> Declaration:
    """A declaration from its sections, as KFP hands them over: whole floats for integers, in any order.

    Raises:
        DeclarationError: a section is missing, unknown or wrong, or two do not agree.
    """
    declaration = _parse(Declaration, dict(sections))
    check_agreement(declaration)
    return declaration


def parse_plain(parameters: Mapping[str, Any]) -> Plain:
    """The parameters beside the sections, from the command line or from KFP; absent ones have their defaults.

    Raises:
        DeclarationError: one is unknown or wrong.
    """
    return _parse(Plain, dict(parameters))


def parse_section(name: str, value: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """One section from KFP's parameter of that name, not checked against the others.

    Raises:
        DeclarationError: it is wrong.
    """
    return _parse(kind, value, above=(name,))


def sections_as_parameters(declaration: Declaration | Path) -> dict[str, dict[str, Any]]:
    """Each section that training takes, as the JSON value that is its parameter's default; default knobs too.

    `parse_sections` of it gives the same declaration, even after a protobuf Struct.

    Raises:
        DeclarationError: the sections together are too large for a step's arguments; or see `read_declaration`.
    """
    if isinstance(declaration, Path):
        declaration = read_declaration(declaration)
    sections = {name: _telling(getattr(declaration, name)) for name in SECTIONS}
    check_size(sections, declaration.model.name)
    return sections


def search_as_parameter(declaration: Declaration) -> dict[str, dict[str, Any]]:
    """The `search` section as the search pipeline's parameter, under its name; nothing if it is not declared."""
    return {} if declaration.search is None else {SEARCH: _telling(declaration.search)}


def _parse(kind: type[Kind], raw: Any, above: Location = (), locate: Locate | None = None) -> Kind:
    problems = list(_unfit(raw, above))
    try:
        parsed = kind.model_validate(raw)
    except ValidationError as error:
        unfit = [problem.where for problem in problems]
        problems += [
            problem
            for problem in complaints(error, kind, raw, above)
            if not any(where[: len(problem.where)] == problem.where for where in unfit)
        ]
    if problems:
        refuse(problems, locate)
    return parsed


def _unfit(value: Any, where: Location) -> Iterator[Problem]:
    """What no section may hold anywhere, as it would not survive the way through KFP and Argo."""
    if isinstance(value, str) and "{{" in value:
        yield Problem(where, "holds '{{', which Argo would expand: it may stand nowhere in a declaration")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(where, f"must be a finite number, not {value}")
    elif isinstance(value, int) and abs(value) > _LARGEST_EXACT:
        yield Problem(where, f"{value} is larger than 2^53, and KFP's parameters would round it")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if "{{" in str(key):
                yield Problem(where, f"has the key {key!r}, whose '{{{{' Argo would expand")
            yield from _unfit(inner, (*where, str(key)))
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            yield from _unfit(inner, (*where, position))


def _of_another_name(declaration: Declaration, path: Path) -> Iterator[Problem]:
    """A model is found by its folder and registered by its name: a copied folder must not register as the old one."""
    folder = path.absolute().parent
    if path.name == "model.yaml" and folder.parent.name == "pipelines" and declaration.model.name != folder.name:
        yield Problem(("model", "name"), f"{declaration.model.name!r} is not its folder's name, {folder.name!r}")


def _telling(section: Section, *, brief: bool = False) -> dict[str, Any]:
    """The section as JSON: a knob shows its default, but not one that is absent or empty; `brief`, as the
    items of lists are, leaves all defaults out."""
    dumped = section.model_dump(mode="json")
    result: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        silent = brief or value is None or value in ("", (), {})
        if silent and value == field.get_default(call_default_factory=True):
            continue
        if isinstance(value, Section):
            result[name] = _telling(value, brief=brief)
        elif isinstance(value, tuple) and value and isinstance(value[0], Section):
            result[name] = [_telling(item, brief=True) for item in value]
        else:
            result[name] = dumped[name]
    return result
