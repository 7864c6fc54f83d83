"""Values changed in a YAML file's own text: its comments, its order and its layout stay as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from loanwright.config.documents import read_value
from loanwright.errors import DeclarationError

Scalar = bool | int | float
Path = tuple[str, ...]
"""The keys that lead to a value."""


def edited(text: str, changes: Mapping[Path, Scalar]) -> str:
    """The text with each value changed at its place; one that is not there yet is added to its mapping.

    What comes out is read again: it says what the text said, but for the changes.

    Args:
        text: a YAML document, whose mappings lead to the places.
        changes: the new values, by path.

    Raises:
        DeclarationError: a place is not a plain value in a mapping of its own, as where an alias stands.
    """
    wanted = read_value(text)
    for path, value in changes.items():
        text = _with_value(text, path, value)
        _put(wanted, path, value)
    if not _says(text, wanted):
        raise DeclarationError("the values cannot be put into the file without changing others", fix="Edit it by hand")
    return text


def _says(text: str, wanted: Any) -> bool:
    try:
        return bool(read_value(text) == wanted)
    except DeclarationError:  # an alias stands no more where it repeats something
        return False


def _with_value(text: str, path: Path, value: Scalar) -> str:
    node: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            raise DeclarationError(f"{'.'.join(path[:depth]) or 'the file'} is no mapping", fix="Edit it by hand")
        below = {name.value: inner for name, inner in node.value}
        if key not in below:
            return _with_key(text, node, path[depth:], value, path[:depth])
        node = below[key]
    if not isinstance(node, yaml.ScalarNode):
        raise DeclarationError(f"{'.'.join(path)} is no plain value", fix="Edit it by hand")
    return text[: node.start_mark.index] + _written(value) + text[node.end_mark.index :]


def _with_key(text: str, mapping: Any, path: Path, value: Scalar, above: Path) -> str:
    """The text with a key, or a chain of keys, added behind the last one of a mapping."""
    if not mapping.value:
        raise DeclarationError(f"{'.'.join(above)} is empty", fix="Edit it by hand")
    if mapping.flow_style:
        end = mapping.value[-1][1].end_mark.index
        return text[:end] + ", " + _nested(path, value) + text[end:]
    first, last = mapping.value[0][0], mapping.value[-1][1]
    # A block's own end lies behind the comments that follow it, and those belong to what comes next.
    begun = _end_of_content(last)
    end = text.find("\n", begun)
    line = " " * first.start_mark.column + _nested(path, value)
    return f"{text}\n{line}\n" if end < 0 else f"{text[: end + 1]}{line}\n{text[end + 1 :]}"


def _end_of_content(node: Any) -> int:
    """The index behind the last value in a node."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end_of_content(last[1] if isinstance(node, yaml.MappingNode) else last)


def _nested(path: Path, value: Scalar) -> str:
    return f"{path[0]}: {_written(value)}" if len(path) == 1 else f"{path[0]}: {{{_nested(path[1:], value)}}}"


def _written(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        text = f"{value:.12g}"
        return re.sub(r"e([+-])0*", r"e\1", text)
    return str(value)


def _put(document: Any, path: Path, value: Scalar) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {})
    document[path[-1]] = value
