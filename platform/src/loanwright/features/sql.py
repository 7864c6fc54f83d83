"""All features of a model as one SQL text.

For each decision at time t, a row of a source counts if it happened before t and inside the window, was
known before t, and no later version of it was known before t:

    t - window <= event < t        known < t <= until

where `until` is when the row's next version became known. Times are whole microseconds of UTC. The text
reads tables `source_<name>` and gives the training table in its order; each group of features is one
common table expression, and the total order of rows that `first` and `last` go by is (event time, known
time, row key).
"""

from __future__ import annotations

from datetime import UTC

from loanwright.config.data import Data, Scalar, Source
from loanwright.config.features import DerivedFeature, Feature, Features
from loanwright.errors import DeclarationError
from loanwright.features import aggregates
from loanwright.features.aggregates import Rows, quoted
from loanwright.features.resolve import Resolved, ResolvedGroup, resolve

_MICROSECONDS = 1_000_000


def compile_features(data: Data, features: Features) -> str:
    """The SQL text of the training table.

    Its columns: unit_key, decision_time, unit_hash, label, the features that are not hidden, and the
    carried columns as ``unit.<column>``; its rows: one for each decision, by decision time, then key.

    Raises:
        DeclarationError: a feature asks for what is not there, or may not be used.
    """
    return write_sql(data, resolve(data, features))


def write_sql(data: Data, resolved: Resolved) -> str:
    """`compile_features`, of features that are resolved already."""
    parts = {"decisions": _decisions(data, resolved)}
    joins = []
    if data.label.event is not None:
        parts["outcomes"] = _outcomes(data, resolved.label_filter or "TRUE")
        joins.append("LEFT JOIN outcomes o ON o.unit_key = d.unit_key")
    selected = ["d.*"]
    if data.label.event is not None:
        selected.append("CASE WHEN o.unit_key IS NULL THEN 0 ELSE 1 END AS label")
    for group in resolved.groups:
        n = group.number
        if group.values and not group.own_row:
            parts[f"versions_{n}"] = _rows(group, filters=False)
            parts[f"values_{n}"] = _values(group)
            joins.append(f"LEFT JOIN values_{n} v{n} ON v{n}.unit_key = d.unit_key")
            selected += [_filled(f"v{n}.{quoted(each.name)}", each) for each in group.values]
        if group.aggregated:
            parts[f"rows_{n}"] = _rows(group, filters=True)
            parts[f"group_{n}"] = _aggregated(group)
            joins.append(f"LEFT JOIN group_{n} g{n} ON g{n}.unit_key = d.unit_key")
            selected += [_filled(f"g{n}.{quoted(each.name)}", each) for each in group.aggregated]
    parts["features"] = _select(selected, "decisions d", joins=joins)
    table = "features"
    for level in sorted({derived.level for derived in resolved.derived}):
        columns = [_filled(_finite(each.sql), each.feature) for each in resolved.derived if each.level == level]
        parts[f"derived_{level}"] = _select(["*", *columns], table)
        table = f"derived_{level}"
    final = ["unit_key", "decision_time", "unit_hash", "CAST(label AS TINYINT) AS label"]
    final += [quoted(output.name) for output in resolved.outputs]
    final += [quoted(f"unit.{name}") for name in resolved.carried]
    ctes = ",\n".join(f"{name} AS (\n{_indented(body)}\n)" for name, body in parts.items())
    return f"WITH {ctes}\n{_select(final, table)}\nORDER BY decision_time, unit_key\n"


def _decisions(data: Data, resolved: Resolved) -> str:
    key = quoted(data.unit.key)
    time = data.decision_time
    if time.constant is not None:
        moment = f"TIMESTAMPTZ '{time.constant.astimezone(UTC).isoformat()}'"
    else:
        moment = quoted(time.column or "")
    columns = [
        f"{key} AS unit_key",
        f"{moment} AS decision_time",
        f"epoch_us({moment}) AS at",
        f"CAST('0x' || substr(md5(CAST({key} AS VARCHAR)), 1, 16) AS UBIGINT) AS unit_hash",
    ]
    if data.label.column is not None:
        positive = _positive(data)
        columns.append(f"CASE WHEN {quoted(data.label.column)} = {positive} THEN 1 ELSE 0 END AS label")
    joined = {group.unit_key for group in resolved.groups if not group.own_row or group.aggregated}
    columns += [f"{quoted(name)} AS {quoted(f'key.{name}')}" for name in sorted(joined)]
    columns += [f"{quoted(name)} AS {quoted(f'unit.{name}')}" for name in resolved.carried]
    for group in resolved.groups:
        if group.own_row:
            # A decision's own row is what the decision is about: known at it, whatever its times say.
            columns += [_filled(_typed(quoted(each.column or ""), each), each) for each in group.values]
    return _select(columns, f"source_{data.unit.source}")


def _outcomes(data: Data, condition: str) -> str:
    event = data.label.event
    source = data.source(event.source) if event is not None else None
    if event is None or source is None or source.event_time is None:
        raise DeclarationError("the label has no event")
    columns = [f"{quoted(event.key)} AS key", f"epoch_us({quoted(source.event_time)}) AS event"]
    columns += [*_until(source), f"{condition} AS matches"]
    rows = _select(columns, f"source_{source.name}")
    final = " AND r.until IS NULL" if source.known_time is not None else ""
    inside = f"r.event >= d.at AND r.event < d.at + {event.within * _MICROSECONDS}"
    return (
        f"SELECT DISTINCT d.unit_key\nFROM decisions d\nJOIN (\n{_indented(rows)}\n) r\n"
        f"  ON r.key = d.unit_key AND {inside} AND r.matches{final}"
    )


def _rows(group: ResolvedGroup, *, filters: bool) -> str:
    """The source's rows, each with its times in microseconds, and its version's end where rows are restated."""
    source = group.source
    columns = [f"{quoted(group.key)} AS key", *_times(source), *_until(source)]
    if not filters:
        names = dict.fromkeys(feature.column or "" for feature in group.values)
        columns += [f"{quoted(name)} AS {quoted(f'v.{name}')}" for name in names]
        return _select(columns, f"source_{source.name}")
    if any(feature.aggregate in aggregates.ORDERED for feature in group.aggregated):
        columns.append(f"row_number() OVER (ORDER BY {', '.join(_order(source))}) AS seq")
    adding = {feature.column for feature in group.aggregated if feature.aggregate in aggregates.ADDING}
    for column in group.columns:
        name = quoted(column.name)
        # Zero has two signs, and which of them min, max or a tie would show depends on the order of rows.
        value = f"CASE WHEN {name} = 0 THEN 0 ELSE {name} END" if column.type == "number" else name
        columns.append(f"{value} AS {quoted(f'v.{column.name}')}")
        if column.name in adding:
            whole = f"round({name} * {aggregates.units(column)})" if column.type == "number" else name
            columns.append(f"CAST({whole} AS HUGEINT) AS {quoted(f'u.{column.name}')}")
    columns += [f'{condition} AS "f.{number}"' for number, condition in enumerate(group.filters)]
    return _select(columns, f"source_{source.name}")


def _times(source: Source) -> list[str]:
    if source.known is None:
        return []
    happened = source.event_time or source.known
    return [f"epoch_us({quoted(happened)}) AS event", f"epoch_us({quoted(source.known)}) AS known"]


def _until(source: Source) -> list[str]:
    if source.known_time is None:
        return []
    keys = ", ".join(quoted(name) for name in source.key)
    known = quoted(source.known_time)
    return [f"epoch_us(lead({known}) OVER (PARTITION BY {keys} ORDER BY {known})) AS until"]


def _order(source: Source) -> list[str]:
    happened = source.event_time or source.known or ""
    return list(dict.fromkeys(quoted(name) for name in (happened, source.known or "", *source.key)))


def _known(source: Source) -> list[str]:
    """What makes a row's version the one that counted at the decision."""
    guards = [] if source.known is None else ["r.event < d.at", "r.known < d.at"]
    return guards if source.known_time is None else [*guards, "(r.until IS NULL OR d.at <= r.until)"]


def _values(group: ResolvedGroup) -> str:
    conditions = [f"r.key = d.{quoted(f'key.{group.unit_key}')}", *_known(group.source)]
    columns = ["d.unit_key"]
    for feature in group.values:
        value = quoted(f"v.{feature.column}")
        columns.append(f"{_typed(f'r.{value}', feature)} AS {quoted(feature.name)}")
    return _joined(columns, f"versions_{group.number}", conditions)


def _aggregated(group: ResolvedGroup) -> str:
    conditions = [f"r.key = d.{quoted(f'key.{group.unit_key}')}", *_known(group.source)]
    windows = {feature.window for feature in group.aggregated}
    widest = None if None in windows else max(window for window in windows if window is not None)
    if widest is not None:
        conditions.append(f"r.event >= d.at - {widest * _MICROSECONDS}")
    columns = ["d.unit_key"]
    for feature in group.aggregated:
        column = group.source.column(feature.column) if feature.column is not None else None
        rows = Rows(feature, column, group.filter_of.get(feature.name))
        expression = aggregates.aggregate(rows, time_bound=feature.window != widest)
        columns.append(f"{_typed(expression, feature)} AS {quoted(feature.name)}")
    return _joined(columns, f"rows_{group.number}", conditions) + "\nGROUP BY d.unit_key"


def _typed(expression: str, feature: Feature) -> str:
    return f"CAST({expression} AS {'VARCHAR' if feature.type == 'category' else 'DOUBLE'})"


def _finite(expression: str) -> str:
    number = f"CAST({expression} AS DOUBLE)"
    return f"CASE WHEN abs({number}) < CAST('inf' AS DOUBLE) THEN {number} END"


def _filled(expression: str, feature: Feature | DerivedFeature) -> str:
    fill = feature.fill
    if fill is None and isinstance(feature, Feature) and feature.aggregate in ("count", "distinct"):
        fill = 0.0
    if fill is not None:
        expression = f"coalesce({expression}, CAST('{fill!r}' AS DOUBLE))"
    return f"{expression} AS {quoted(feature.name)}"


def _positive(data: Data) -> str:
    """The label's positive value as a literal of its column's type."""
    value, column = data.label.positive, data.unit_source.column(data.label.column or "")
    kind = column.type if column is not None else ""
    where = f"label {data.label.name!r}: positive {value!r}"
    if kind in ("integer", "number") and isinstance(value, int | float) and not isinstance(value, bool):
        return f"CAST('{value!r}' AS DOUBLE)"
    if kind == "boolean" and value in (0, 1):
        return "TRUE" if value else "FALSE"
    if kind in ("text", "category"):
        text = _spelt(value)
        return "'" + text.replace("'", "''") + "'"
    raise DeclarationError(f"{where} is no value of column {data.label.column!r}, which is of type {kind!r}")


def _spelt(value: Scalar) -> str:
    """A category's value as a snapshot holds it: as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _select(columns: list[str], table: str, *, joins: list[str] | None = None) -> str:
    return "\n".join(
        ["SELECT", *[f"  {column}," for column in columns[:-1]], f"  {columns[-1]}", f"FROM {table}", *(joins or [])]
    )


def _joined(columns: list[str], rows: str, conditions: list[str]) -> str:
    return _select(columns, f"decisions d\nJOIN {rows} r\n  ON " + "\n  AND ".join(conditions))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
