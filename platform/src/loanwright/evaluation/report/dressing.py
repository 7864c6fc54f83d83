"""Dresses the SVG that matplotlib writes for a page: its colours, its fonts, its reader.

Each tone is drawn in a colour that stands for it, and becomes a CSS variable of the page. Text stays text in
the page's font. Ids become the figure's own, so that many figures can stand in one page; what would
differ between two calls or two machines (dates, versions, hashes) goes.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

INK, MUTED, RULE, MAIN, OTHER = (f"#00000{i}" for i in range(1, 6))
_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", MAIN: "var(--main)", OTHER: "var(--other)"}
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_LONG = re.compile(r"-?\d+\.\d+")
_REFERENCE = re.compile(r"#([\w-]+)")


def dressed(svg: bytes, name: str, title: str, description: str, size: tuple[int, int]) -> str:
    """The SVG as an element of a page.

    Args:
        svg: as matplotlib wrote it, with the tones above for colours and `svg.fonttype` none.
        name: what the figure's ids start with.
        title, description: for readers who do not see it.
        size: width and height in the figure's units.
    """
    root = ElementTree.fromstring(svg)  # noqa: S314 - written by matplotlib a moment ago
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "plot",
            "viewBox": f"0 0 {size[0]} {size[1]}",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-words",
        }
    )
    referred = _references(root)
    renamed = {old: f"{name}-{i}" for i, old in enumerate(referred)}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.attrib.update(_attributes(element, renamed))
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(tag, {"id": f"{name}-{'words' if position else 'title'}"})
        child.text = text
        root.insert(position, child)
    return ElementTree.tostring(root, encoding="unicode")


def _references(root: ElementTree.Element) -> list[str]:
    """The ids that something in the figure points to, in the order of their first use."""
    found: dict[str, None] = {}
    for element in root.iter():
        for key in (_XLINK, "clip-path"):
            for match in _REFERENCE.findall(element.attrib.get(key, "")):
                found[match] = None
    return list(found)


def _attributes(element: ElementTree.Element, renamed: dict[str, str]) -> dict[str, str]:
    """The attributes that change; those that go are removed from the element."""
    changed = {}
    for key, value in list(element.attrib.items()):
        if key == "id":
            del element.attrib[key]
            if value in renamed:
                changed["id"] = renamed[value]
        elif key == _XLINK:
            del element.attrib[key]
            changed["href"] = _renamed(value, renamed)
        elif key == "clip-path":
            changed[key] = _renamed(value, renamed)
        elif key == "style":
            changed[key] = _style(value)
        elif key == "transform" and value.startswith("rotate(-0 "):
            del element.attrib[key]
        elif key in ("d", "x", "y", "transform", "width", "height"):
            changed[key] = _LONG.sub(_shorter, value)
    return changed


def _renamed(value: str, renamed: dict[str, str]) -> str:
    return _REFERENCE.sub(lambda match: f"#{renamed[match[1]]}", value)


def _style(style: str) -> str:
    """The style in the page's colours; of fonts only size and weight are kept, the page gives the family."""
    kept = []
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            weight, size = re.match(r"\d+|bold", value), re.search(r"([\d.]+)px", value)
            kept += [f"font-weight: {weight[0]}"] if weight else []
            kept += [f"font-size: {size[1]}px"] if size else []
        elif key != "font-family":
            kept.append(f"{key}: {_VARIABLES.get(value, value)}")
    return "; ".join(kept)


def _shorter(match: re.Match[str]) -> str:
    """A coordinate to a hundredth of a unit."""
    text = f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
