"""Features as tables of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from loanwright.features.reading.previewing import Decision
from loanwright.features.shown.describing import Described
from loanwright.features.shown.explaining import Explained, ExplainedRow
from loanwright.features.shown.linting import Finding

_WIDE = 6
"""Features beside each other; more are below each other."""
_BESIDE = 3
"""Decisions beside each other, where features are below each other."""


def listed(features: Sequence[Described], owner: str) -> Group:
    """One block for each source and key; beside a name what it is, below that what it tells."""
    width = max(len(each.name) for each in features)
    parts: list[RenderableType] = []
    heads = [f"{each.source} by {each.key}" if each.key else each.source for each in features]
    for head, block in groupby(zip(heads, features, strict=True), key=lambda pair: pair[0]):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(no_wrap=True, min_width=width)
        table.add_column()
        for _, each in block:
            what = Text(", ".join(part for part in (_what(each), *_notes(each, owner)) if part))
            table.add_row(Text(each.name), what)
            if each.description:
                table.add_row("", Text(each.description, style="dim"))
        parts += [Text(head, style="bold"), table, Text()]
    hidden = sum(each.hidden for each in features)
    words = f"{len(features)} features" + (f", {hidden} of them hidden from the model" if hidden else "")
    return Group(*parts, Text(words))


def shown(console: Console, feature: Described, place: str) -> None:
    """Prints everything about one feature."""
    console.print(Text(feature.name, style="bold"))
    console.print(Text(feature.words))
    console.print()
    credit = "yes" if feature.credit else "no: it may not be used in a credit decision"
    facts = {
        "description": feature.description,
        "type": feature.type,
        "monotone": feature.monotone,
        "credit": credit,
        "hidden": "yes: the model is not given it" if feature.hidden else "",
        "owner": feature.owner,
        "made of": ", ".join(feature.inputs),
        "feeds": ", ".join(feature.feeds),
        "declared": place,
    }
    _facts(console, facts)


def previewed(decisions: Sequence[Decision], key: str) -> RenderableType:
    """A row for each decision, or where there are many features, for each feature."""
    names = list(decisions[0].values) if decisions else []
    if len(names) <= _WIDE:
        table = _table(key, "decided", "label", *names)
        for each in decisions:
            table.add_row(str(each.key), _time(each.time), _label(each), *(_value(v) for v in each.values.values()))
        return table
    return Group(*(_upright(decisions[at : at + _BESIDE], key) for at in range(0, len(decisions), _BESIDE)))


def _label(decision: Decision) -> str:
    return "open" if decision.label is None else str(decision.label)


def _upright(decisions: Sequence[Decision], key: str) -> Table:
    """A column for each decision."""
    table = _table(key, *(str(each.key) for each in decisions))
    table.columns[0].no_wrap = True
    table.add_row("[dim]decided[/]", *(f"[dim]{_time(each.time.replace(microsecond=0))}[/]" for each in decisions))
    table.add_row("[dim]label[/]", *(f"[dim]{_label(each)}[/]" for each in decisions))
    for name in decisions[0].values:
        table.add_row(name, *(_value(each.values[name]) for each in decisions))
    table.add_row()
    return table


def explained(console: Console, found: Explained, unit: str, most: int) -> None:
    """Prints a feature's value at a decision, and the rows behind it."""
    console.print(
        f"[bold]{escape(found.feature)}[/] = [bold]{_value(found.value)}[/] at {unit} {found.decision}, "
        f"decided {_time(found.time)}",
        highlight=False,
    )
    console.print(Text(found.words, style="dim"))
    if found.source:
        console.print()
        counts = "; ".join(f"{fate}: {count:,}" for fate, count in found.counts.items())
        console.print(Text(f"rows of {found.source}: {counts or 'none with the key'}"))
        if found.rows and most:
            console.print(_rows(found.rows[:most]))
        if len(found.rows) > most:
            console.print(Text(f"and {len(found.rows) - most:,} older ones (--rows shows more)", style="dim"))
    for each in found.inputs:
        console.print()
        explained(console, each, unit, most)


def found_odd(console: Console, findings: Sequence[Finding]) -> None:
    """Prints what a look at the features found."""
    if not findings:
        console.print("Nothing odd found.")
        return
    table = _table("feature", "rule", "")
    table.columns[0].overflow = "fold"
    for each in findings:
        table.add_row(escape(each.feature), each.rule, escape(each.says))
    console.print(table)


def _rows(rows: Sequence[ExplainedRow]) -> Table:
    names = list(rows[0].values)
    table = _table(", ".join(rows[0].key), "happened", "known", *names, "")
    for row in rows:
        why = "[green]counted[/]" if row.counted else f"[yellow]{escape(row.why)}[/]"
        cells = [" ".join(_value(value) for value in row.key.values()), _time(row.event), _time(row.known)]
        table.add_row(*cells, *(_value(row.values[name]) for name in names), why)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(escape(column), header_style="dim")
    return table


def _facts(console: Console, facts: dict[str, str]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for name, value in facts.items():
        if value:
            table.add_row(f"[dim]{name}[/]", escape(value))
    console.print(table)


def _what(feature: Described) -> str:
    if feature.inputs:
        return feature.words.partition(";")[0]
    words = f"{feature.aggregate} {feature.column}".strip()
    words += f" in {feature.window}" if feature.window else ""
    words += f" until {feature.offset} before" if feature.offset else ""
    return words + (f" where {feature.filter}" if feature.filter else "")


def _notes(feature: Described, owner: str) -> tuple[str, ...]:
    return (
        feature.monotone,
        "category" if feature.type == "category" else "",
        "hidden" if feature.hidden else "",
        "" if feature.credit else "not for credit",
        f"owner {feature.owner}" if feature.owner != owner else "",
    )


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        whole = value.is_integer() or abs(value) >= 1e5
        return f"{value:.0f}" if whole and abs(value) < 1e15 else f"{value:.6g}"
    return _time(value) if isinstance(value, datetime) else escape(str(value))


def _time(moment: datetime | None) -> str:
    """In UTC; a midnight as its day."""
    if moment is None:
        return "–"
    words = moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")
    return words if not moment.microsecond else moment.strftime("%Y-%m-%d %H:%M:%S.%f")
