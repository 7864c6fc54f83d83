"""A README for each component, generated from its signature and docstrings, so that none goes stale."""

from __future__ import annotations

import ast
from pathlib import Path

from loanwright.config.declaration import SECTIONS

_HEADER = "<!-- DO NOT EDIT: generated from component.py by `make generate`. -->\n"
_KINDS = {"str": "text", "int": "whole number", "bool": "yes or no", "dict": "a mapping", "list": "a list"}
_MANIFESTS = ("snapshot", "training_table", "booster", "calibrator", "bundle", "evidence", "verdict", "feature_share")
"""The texts that are addresses of manifests, by the name they have in every component."""


def component_page(path: Path) -> str:
    """The README of the component defined in the file at `path`."""
    tree = ast.parse(path.read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    taken = [argument for argument in function.args.args if "Output[" not in _type(argument)]
    artifacts = [argument for argument in function.args.args if "Output[" in _type(argument)]
    lines = [
        f"{_HEADER}# {function.name}",
        ast.get_docstring(tree) or "",
        ast.get_docstring(function) or "",
        "## Takes",
        _table(("input", "type"), [(argument.arg, _kind(argument.arg, _type(argument))) for argument in taken]),
        "## Gives",
        _table(
            ("output", "type"),
            [
                *((name, _kind(name, type_)) for name, type_ in _returned(function)),
                *((argument.arg, f"KFP artifact `{_artifact(argument)}`") for argument in artifacts),
            ],
        ),
        f"The work is done by `loanwright.steps.{function.name}`.",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def _type(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation) if argument.annotation else ""


def _artifact(argument: ast.arg) -> str:
    return _type(argument).rpartition(".")[2].rstrip("]")


def _kind(name: str, type_: str) -> str:
    if type_ == "dict" and name in SECTIONS:
        return "a section of the declaration"
    if type_ == "str" and name in _MANIFESTS:
        return "address of a manifest"
    return _KINDS.get(type_, type_)


def _returned(function: ast.FunctionDef) -> list[tuple[str, str]]:
    """The names and types of the named tuple that a component gives back."""
    if not isinstance(function.returns, ast.Call):
        return []
    fields = [node for node in ast.walk(function.returns.args[1]) if isinstance(node, ast.Tuple)]
    return [(str(ast.literal_eval(field.elts[0])), ast.unparse(field.elts[1])) for field in fields]


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "| --- | --- |", *(f"| `{name}` | {text} |" for name, text in rows)]
    return "\n".join(lines)
