"""YAML files as plain values that know their lines.

Only what a declaration needs is read, by the rules of YAML 1.2: `yes` and `no` are texts, `1e-3` is a
number, a time is a text. Tags and merge keys are refused; an alias counts as much as what it repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from loanwright.config.problems import Location
from loanwright.errors import DeclarationError, near

_MOST_BYTES = 1_000_000
_MOST_VALUES = 50_000
_DEEPEST = 40
_WHOLE = re.compile(r"[-+]?[0-9]{1,30}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A value, the file and the line where it (or its key) stands, and how many values it holds, itself included."""

    value: bool | int | float | str | dict[str, Node] | list[Node] | None
    file: str
    line: int
    size: int = 1

    def plain(self) -> Any:
        """The value alone: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def locate(self, where: Location) -> tuple[str, int]:
        """File and line of the value at a location, or of the last one on the way that is there."""
        node = self
        for part in where:
            value = node.value
            if isinstance(value, dict) and part in value:
                node = value[str(part)]
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                node = value[part]
            else:
                break
        return node.file, node.line


def read_document(path: Path) -> Node:
    """Reads one YAML file.

    Raises:
        DeclarationError: it is not there, too large, not UTF-8, not YAML, empty, holds a key twice, a tag or
            a merge key, or is nested or repeated without measure.
    """
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise DeclarationError(
                f"{path} has {size / 1e6:.1f} MB: a declaration has at most {_MOST_BYTES / 1e6:g} MB"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        known = [other.name for other in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
        raise DeclarationError(f"{path} is not there{near(path.name, known)}") from None
    except UnicodeDecodeError as error:
        raise DeclarationError(
            f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        ) from None
    except OSError as error:
        raise DeclarationError(f"{path} cannot be read: {error.strerror}") from None
    node = _Reader(str(path), text).document()
    if node.value is None:
        raise DeclarationError(f"{path} is empty")
    return node


def read_value(text: str) -> Any:
    """A value by the rules of a declaration; no text at all is null.

    Raises:
        DeclarationError: it is not YAML, or holds what a declaration may not.
    """
    return _Reader("the value", text).document().plain()


class _Reader:
    """Builds nodes from the parser's events."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._anchors: dict[str, Node] = {}
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)

    def document(self) -> Node:
        try:
            next(self._events)
            if isinstance(next(self._events), yaml.StreamEndEvent):
                return Node(None, self._file, 1)
            node = self._node(next(self._events), 0)
            next(self._events)
            if not isinstance(more := next(self._events), yaml.StreamEndEvent):
                raise self._refusal(more, "holds a second document: a declaration is one")
        except yaml.YAMLError as error:
            raise self._invalid(error) from None
        return node

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._refusal(event, f"'*{event.anchor}' repeats what is not there before it")
            return replace(self._anchors[event.anchor], line=line)
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refusal(event, f"the tag {tag!r} is not allowed: a declaration holds plain values")
        if depth > _DEEPEST:
            raise self._refusal(event, f"is nested more than {_DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            node = Node(_scalar(event.value) if event.implicit[0] else event.value, self._file, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(line, depth)
        else:
            node = self._mapping(line, depth)
        if node.size > _MOST_VALUES:
            raise self._refusal(event, f"holds more than {_MOST_VALUES} values, repeated ones counted")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _list(self, line: int, depth: int) -> Node:
        children: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            children.append(self._node(event, depth + 1))
            size = self._grown(size, children[-1], event)
        return Node(children, self._file, line, size)

    def _mapping(self, line: int, depth: int) -> Node:
        children: dict[str, Node] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1).value
            if not isinstance(key, str):
                raise self._refusal(event, "a key is no text: write it in quotes")
            if key == "<<" and event.implicit[0]:
                raise self._refusal(event, "the merge key '<<' is not supported: write the keys out")
            if key in children:
                raise self._refusal(event, f"the key {key!r} stands twice, first in line {children[key].line}")
            child = self._node(next(self._events), depth + 1)
            children[key] = replace(child, line=event.start_mark.line + 1)
            size = self._grown(size, child, event)
        return Node(children, self._file, line, size)

    def _grown(self, size: int, child: Node, event: Any) -> int:
        size += child.size
        if size > _MOST_VALUES:
            raise self._refusal(event, f"holds more than {_MOST_VALUES} values, repeated ones counted")
        return size

    def _refusal(self, event: Any, problem: str) -> DeclarationError:
        mark = event.start_mark
        return DeclarationError(f"{self._file}:{mark.line + 1}:{mark.column + 1}: {problem}")

    def _invalid(self, error: yaml.YAMLError) -> DeclarationError:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            position = getattr(error, "position", 0)
            return DeclarationError(f"{self._file} is not valid YAML: it holds a control character, at byte {position}")
        return DeclarationError(
            f"{self._file}:{mark.line + 1}:{mark.column + 1}: not valid YAML: {self._complaint(error, mark)}"
        )

    def _complaint(self, error: Any, mark: Any) -> str:
        lines = self._text.splitlines()
        line = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in line[: mark.column + 1]:
            return "a tab stands where only spaces may"
        context = f" {error.context}" if error.context else ""
        return f"{error.problem}{context}"


def _scalar(text: str) -> bool | int | float | str | None:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    return text
