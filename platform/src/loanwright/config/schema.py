"""The declaration's JSON schema, for editors, and every file that is generated from the declared types."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

from loanwright.config.base import Section
from loanwright.config.declaration import Declaration
from loanwright.config.features import Features
from loanwright.config.reference import with_reference

MODEL_SCHEMA = Path("docs/schema/model.schema.json")
FEATURES_SCHEMA = Path("docs/schema/features.schema.json")
REFERENCE = Path("docs/declaration.md")

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMMENT = "DO NOT EDIT: written from platform/src/loanwright/config by `make generate`"
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_INCLUDE = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Files with feature groups that several models share, relative to this file, inside `pipelines/`. "
    "Their lists stand before the ones here.",
}


def model_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a `model.yaml`."""
    return _schema(Declaration, "A Loanwright model")


def features_schema() -> dict[str, Any]:
    """The JSON schema of a file that `features.include` names."""
    schema = _schema(Features, "Feature groups that several models share")
    schema.pop("anyOf")
    return schema


def generated(project: Path) -> dict[Path, str]:
    """What each generated file should hold, by its path in the project.

    Args:
        project: the project's folder, for the part of the reference page that is written by hand.
    """
    schema = model_schema()
    return {
        MODEL_SCHEMA: _text(schema),
        FEATURES_SCHEMA: _text(features_schema()),
        REFERENCE: with_reference((project / REFERENCE).read_text(encoding="utf-8"), schema),
    }


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _schema(kind: type[Section], title: str) -> dict[str, Any]:
    schema = _standard(kind.model_json_schema())
    definitions: dict[str, Any] = schema.get("$defs", {})
    for section in _descendants(Section):
        of_section = schema if section is kind else definitions.get(section.__name__)
        if of_section is not None and section.__module__.startswith("loanwright.config."):
            _describe(section, of_section)
    features = schema if kind is Features else definitions["Features"]
    features["properties"] = {"include": _INCLUDE, **features["properties"]}
    features["required"] = [key for key in features["required"] if key != "groups"]
    features["anyOf"] = [{"required": ["groups"]}, {"required": ["include"]}]
    return {"$schema": _DIALECT, "$comment": _COMMENT, **schema, "title": title}


def _standard(value: Any) -> Any:
    """The schema with JSON schema's own words for the bounds that pydantic writes in its own."""
    if isinstance(value, dict):
        return {_BOUNDS.get(key, key): _standard(inner) for key, inner in value.items()}
    return [_standard(inner) for inner in value] if isinstance(value, list) else value


def _describe(section: type[Section], schema: dict[str, Any]) -> None:
    """Adds the fields' descriptions, and drops what an editor would only repeat: titles, defaults that are objects."""
    said = _docstrings(section)
    schema.pop("title", None)
    schema["description"] = _one_line(section.__doc__ or "")
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name in said:
            field["description"] = said[name]
        if isinstance(field.get("default"), dict) or field.get("default", "") is None:
            field.pop("default")


def _docstrings(section: type[Section]) -> dict[str, str]:
    """The string under each annotated field of a class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found = {}
    for field, after in pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            found[field.target.id] = _one_line(after.value.value)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _descendants(kind: type[Section]) -> list[type[Section]]:
    found = []
    for section in kind.__subclasses__():
        found += [section, *_descendants(section)]
    return found
