"""The rules that a source's contract makes of its columns, as SQL conditions over the staged, typed rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loanwright.config.base import parse_moment
from loanwright.config.data import Column, Data, Label, Scalar, Source
from loanwright.data.breaks import Break, few
from loanwright.data.engine import literal, quoted
from loanwright.errors import DeclarationError, near


@dataclass(frozen=True)
class Rule:
    """What must hold of every row: a row for which `broken` is true breaks it.

    `one` and `many` end the sentences "1 row …" and "7 rows …".
    """

    name: str
    column: str
    broken: str
    one: str
    many: str
    fix: str | None = None


@dataclass(frozen=True)
class Role:
    """What a source is to its model, beside its contract."""

    known: str | None
    """The column that says when a row was known, if there is one."""
    label: Label | None
    """The model's label, if it is a column of this source."""
    needed: frozenset[str]
    """The columns without which a row means nothing, whatever the contract allows."""


def role_of(source: Source, data: Data) -> Role:
    """What a source is to the model. A unit was known at its decision, if nothing else is said."""
    decision, label = None, None
    if source.name == data.unit.source:
        decision = data.decision_time.column
        label = data.label if data.label.column is not None else None
    needed = {*source.key, source.event_time, source.known_time, decision, label.column if label else None}
    return Role(source.known or decision, label, frozenset(name for name in needed if name is not None))


def match_columns(source: Source, names: tuple[str, ...], where: str) -> list[Break]:
    """Columns of a file that are missing, not declared, or there twice."""
    declared = {column.name for column in source.columns}
    missing = [column.name for column in source.columns if column.name not in names]
    extra = [name for name in dict.fromkeys(names) if name not in declared]
    found = []
    for name in missing:
        close = near(name, extra)
        found.append(Break(source.name, "columns", f"{where} has no such column{close}", name))
        extra = [other for other in extra if not close or f"{other!r}" not in close]
    twice = sorted({name for name in names if name in declared and names.count(name) > 1})
    if twice:
        found.append(Break(source.name, "columns", f"{where} has more than one column {few(twice)}"))
    if extra and source.extra_columns == "refuse":
        fix = "Declare them, or set the source's extra_columns to 'ignore'"
        what = "a column that is" if len(extra) == 1 else f"{len(extra):,} columns that are"
        found.append(Break(source.name, "columns", f"{where} has {what} not declared: {few(extra)}", fix=fix))
    return found


def rules(source: Source, role: Role, now: datetime) -> list[Rule]:
    """All rules of one source, in the order of its columns.

    Raises:
        DeclarationError: an allowed value is not of the column's type.
    """
    found: list[Rule] = []
    for column in source.columns:
        name = quoted(column.name)
        if column.type == "number":
            found.append(Rule("finite", column.name, f"isinf({name})", "is infinite", "are infinite"))
        if not column.nullable or column.name in role.needed:
            found.append(Rule("missing", column.name, f"{name} IS NULL", "has no value", "have no value"))
        if column.min is not None:
            low, says = _number(column.min), f"below {column.min:,g}"
            found.append(
                Rule("min", column.name, f"{name} < {low} AND NOT isinf({name}::DOUBLE)", f"is {says}", f"are {says}")
            )
        if column.max is not None:
            high, says = _number(column.max), f"above {column.max:,g}"
            found.append(
                Rule("max", column.name, f"{name} > {high} AND NOT isinf({name}::DOUBLE)", f"is {says}", f"are {says}")
            )
        if column.values is not None:
            allowed = ", ".join(_value(column, value) for value in column.values)
            says = "a value that is not declared"
            found.append(Rule("values", column.name, f"{name} NOT IN ({allowed})", f"holds {says}", f"hold {says}"))
        if column.name == role.known:
            moment = literal(now.isoformat())
            found.append(
                Rule("future", column.name, f"{name} > TIMESTAMPTZ {moment}", "lies in the future", "lie in the future")
            )
        if column.name == source.known_time and source.event_time is not None:
            says = f"known before {source.event_time!r}, when it happened"
            fix = "Correct the data, or declare 'early_known: clip' to take such rows as known when they happened"
            early = f"{name} < {quoted(source.event_time)}"
            found.append(Rule("early_known", column.name, early, f"is {says}", f"are {says}", fix))
    return found


def is_positive(source: Source, label: Label) -> str:
    """The SQL condition that a row's label counts as 1.

    Raises:
        DeclarationError: the label's column is not declared, or its positive value is of another type.
    """
    column = source.column(label.column or "")
    if column is None:
        raise DeclarationError(f"label column {label.column!r} is not declared in source {source.name!r}")
    return f"{quoted(column.name)} = {_value(column, label.positive)}"


def _number(value: float) -> str:
    return f"{value!r}::DOUBLE"


def _value(column: Column, value: Scalar) -> str:
    """A declared value as an SQL literal of the column's type."""
    if column.type in ("text", "category") and not isinstance(value, bool):
        return literal(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    if column.type in ("integer", "number") and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value) if column.type == "number" else str(value)
    if column.type == "boolean" and value in (0, 1, True, False):
        return str(bool(value)).lower()
    if column.type == "time" and isinstance(value, str):
        return f"TIMESTAMPTZ {literal(parse_moment(value).isoformat())}"
    raise DeclarationError(f"column {column.name!r} is of type {column.type!r} and can never be {value!r}")
