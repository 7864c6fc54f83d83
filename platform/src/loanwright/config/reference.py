"""The reference of `model.yaml` as Markdown, from its JSON schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BEGIN = "<!-- reference: DO NOT EDIT below; written by `make generate` from platform/src/loanwright/config -->"
END = "<!-- end of the reference -->"


def with_reference(page: str, schema: dict[str, Any]) -> str:
    """The page with its part between the two marks written anew.

    Raises:
        ValueError: the page has not both marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has lost the marks of its generated part")
    return f"{before}{BEGIN}\n\n{reference(schema)}\n{END}{after}"


def reference(schema: dict[str, Any]) -> str:
    """One chapter for each section, with a table of keys for each mapping in it."""
    lines: list[str] = []
    for name in schema["properties"]:
        kind = _referred(schema["properties"][name])
        lines += [f"## `{name}`", ""]
        told: set[str] = set()
        _tell(kind or "", name, schema, lines, told)
    return "\n".join(lines)


def _tell(kind: str, path: str, schema: dict[str, Any], lines: list[str], told: set[str]) -> None:
    """Writes a mapping's table, then those of the mappings in it."""
    told.add(kind)
    section = schema["$defs"][kind]
    lines += [section["description"], "", "| key | value | default | meaning |", "|---|---|---|---|"]
    required = section.get("required", [])
    for name, field in section["properties"].items():
        default = "**required**" if name in required else _default(field)
        lines.append(f"| `{name}` | {_value(field)} | {default} | {_cell(field.get('description', ''))} |")
    lines.append("")
    for name, field in section["properties"].items():
        inner = _referred(field)
        if inner is not None and inner not in told:
            place = f"{path}.{name}{'[]' if _is_list(field) else ''}"
            lines += [f"### `{place}`", ""]
            _tell(inner, place, schema, lines, told)


def _value(field: dict[str, Any]) -> str:
    if "$comment" in field:
        return f"[{field['$comment']}](#kinds-of-values)"
    if "$ref" in field:
        return "mapping"
    if "anyOf" in field:
        return " or ".join(_value(option) for option in field["anyOf"] if option.get("type") != "null")
    if field["type"] == "array":
        items = _value(field["items"])
        return "list of mappings" if items == "mapping" else f"list of {items}"
    return _scalar(field)


def _scalar(field: dict[str, Any]) -> str:
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    words = {"integer": "whole number", "boolean": "`true`, `false`", "string": "text", "object": "mapping"}
    return ", ".join([words.get(field["type"], field["type"]), *_limits(field)])


def _limits(option: dict[str, Any]) -> Iterator[str]:
    signs = {"exclusiveMinimum": "> ", "minimum": "≥ ", "exclusiveMaximum": "< ", "maximum": "≤ "}
    for key, sign in signs.items():
        if key in option:
            yield f"{sign}{option[key]:g}" if option[key] < 1e6 else f"{sign}{option[key]:,}"


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default in ("", []):
        return ""
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _referred(field: dict[str, Any]) -> str | None:
    """The definition that a field, or an item of its list, refers to."""
    for option in (field, field.get("items", {}), *field.get("anyOf", [])):
        if "$ref" in option:
            return str(option["$ref"]).removeprefix("#/$defs/")
    return None


def _is_list(field: dict[str, Any]) -> bool:
    return field.get("type") == "array"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
