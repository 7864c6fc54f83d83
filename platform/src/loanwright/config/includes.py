"""`features.include`: feature groups that several models share, read into the declaration."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from loanwright.config.documents import Node, read_document
from loanwright.config.problems import Location, Problem, refuse
from loanwright.errors import near

INCLUDE = "include"
SHARED = ("groups", "derived", "hidden")
"""What an included file may hold, as the `features` section does, beside includes of its own."""


def with_includes(features: Node, path: Path, folder: Path) -> Node:
    """The `features` section with its included files' lists put before its own.

    Args:
        features: the section as it stands in the file, `include` and all.
        path: the file it stands in; included paths are relative to it.
        folder: nothing outside this folder is read.

    Raises:
        DeclarationError: an included file is not there, lies outside the folder, includes itself, or holds
            anything but `include`, `groups`, `derived` and `hidden`.
    """
    if not isinstance(features.value, dict) or INCLUDE not in features.value:
        return features
    merged = {key: node for key, node in features.value.items() if key != INCLUDE}
    entries = features.value[INCLUDE]
    for key, shared in _gathered(entries, ("features", INCLUDE), path, folder.resolve(), (path,)).items():
        own = merged.get(key, Node([], entries.file, entries.line))
        if shared and isinstance(own.value, list):
            merged[key] = replace(own, value=shared + own.value)
    return replace(features, value=merged)


def _gathered(
    entries: Node, where: Location, path: Path, folder: Path, chain: tuple[Path, ...]
) -> dict[str, list[Node]]:
    if not isinstance(entries.value, list):
        _refuse(entries, where, "must be a list of files, as in [../features/shared.yaml]")
    gathered: dict[str, list[Node]] = {key: [] for key in SHARED}
    for position, entry in enumerate(entries.value):
        target = _target(entry, (*where, position), path, folder, chain)
        content = _content(target)
        if INCLUDE in content:
            inner = _gathered(content[INCLUDE], (INCLUDE,), target, folder, (*chain, target))
            for key, nodes in inner.items():
                gathered[key] += nodes
        for key in SHARED:
            nodes_here = content[key].value if key in content else []
            if not isinstance(nodes_here, list):
                _refuse(content[key], (key,), "must be a list")
            gathered[key] += nodes_here
    return gathered


def _target(entry: Node, where: Location, path: Path, folder: Path, chain: tuple[Path, ...]) -> Path:
    if not isinstance(entry.value, str):
        _refuse(entry, where, "must be the path of a file")
    target = Path(os.path.normpath(path.parent / entry.value))
    if not target.resolve().is_relative_to(folder):
        _refuse(entry, where, f"{entry.value!r} lies outside the folder {folder.name!r}")
    if not target.is_file():
        known = [os.path.relpath(other, path.parent) for other in target.parent.glob("*.yaml")]
        _refuse(entry, where, f"{entry.value!r} is not there{near(entry.value, known)}")
    if target.resolve() in [link.resolve() for link in chain]:
        way = " → ".join(link.name for link in (*chain, target))
        _refuse(entry, where, f"a file includes itself: {way}")
    return target


def _content(target: Path) -> dict[str, Node]:
    node = read_document(target)
    if not isinstance(node.value, dict):
        _refuse(node, (), f"must be a mapping of {', '.join(SHARED)}")
    known = (INCLUDE, *SHARED)
    otherwise = f"; an included file holds {', '.join(known)}"
    unknown = [Problem((key,), f"unknown key{near(key, known) or otherwise}") for key in node.value if key not in known]
    if unknown:
        refuse(unknown, node.locate)
    return node.value


def _refuse(node: Node, where: Location, text: str) -> NoReturn:
    refuse([Problem(where, text)], lambda _: (node.file, node.line))
