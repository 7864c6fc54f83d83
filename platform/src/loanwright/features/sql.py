"""All features of a model as one SQL text.

For each decision at time t, a row of a source counts if it happened before t and inside the window, was
known before t, and no later version of it was known before t:

    t - window <= event < t        known < t <= until

where `until` is when the row's next version became known. Times are whole microseconds of UTC. The text
reads tables `source_<name>` and gives the training table in its order; a group of features is two common
table expressions, the source's rows as they count and the features, and the total order of rows that
`first` and `last` go by is (event time, known time, row key).
"""

from __future__ import annotations

from datetime import UTC

from loanwright.config.data import Data, LabelEvent, Source
from loanwright.config.features import DerivedFeature, Feature, Features
from loanwright.data.contract import is_positive
from loanwright.data.engine import quoted
from loanwright.features.aggregates import ADDING, MICROSECONDS, ORDERED, Counted, expression, units
from loanwright.features.resolve import Resolved, ResolvedGroup, resolve


def compile_features(data: Data, features: Features) -> str:
    """The SQL text of the training table.

    Its columns: unit_key, decision_time, unit_hash, label, the features that are not hidden, and the
    carried columns as ``unit.<column>``; its rows: one for each decision, by decision time, then key.

    Args:
        data: the data section, which agrees with itself (`config.agreement`).
        features: what to know of each decision.

    Raises:
        DeclarationError: a feature asks for what is not there, or may not be used.
    """
    return write_sql(data, resolve(data, features))


def write_sql(data: Data, resolved: Resolved) -> str:
    """`compile_features`, of features that are resolved already."""
    parts = {"decisions": _decisions(data, resolved)}
    selected, joins = ["d.*"], []
    if data.label.event is not None:
        parts["outcomes"] = _outcomes(data.label.event, data, resolved.label_filter or "TRUE")
        selected.append("CASE WHEN o.unit_key IS NULL THEN 0 ELSE 1 END AS label")
        joins.append("LEFT JOIN outcomes o ON o.unit_key = d.unit_key")
    for group in resolved.groups:
        for kind, (rows, result) in _group_parts(group).items():
            name = f"{kind}_{group.number}"
            parts[f"{name}_rows"], parts[name] = rows, result
            joins.append(f"LEFT JOIN {name} ON {name}.unit_key = d.unit_key")
            chosen = group.values if kind == "values" else group.aggregated
            selected += [_filled(f"{name}.{quoted(each.name)}", each) for each in chosen]
    parts["features"] = _select(selected, "decisions d", joins)
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
        f"epoch_us({moment}) AS _at",
        f"CAST('0x' || substr(md5(CAST({key} AS VARCHAR)), 1, 16) AS UBIGINT) AS unit_hash",
    ]
    if data.label.column is not None:
        columns.append(f"CASE WHEN {is_positive(data.unit_source, data.label)} THEN 1 ELSE 0 END AS label")
    joined = {group.unit_key for group in resolved.groups if not group.own_row or group.aggregated}
    columns += [f"{quoted(name)} AS {quoted(f'key.{name}')}" for name in sorted(joined)]
    columns += [f"{quoted(name)} AS {quoted(f'unit.{name}')}" for name in resolved.carried]
    for group in resolved.groups:
        if group.own_row:
            # A decision's own row is what the decision is about: known at it, whatever its times say.
            columns += [_filled(_typed(quoted(each.column or ""), each), each) for each in group.values]
    return _select(columns, f"source_{data.unit.source}")


def _outcomes(event: LabelEvent, data: Data, condition: str) -> str:
    """The decisions whose event came, known by now or not, by the last version of each row."""
    source = next(source for source in data.sources if source.name == event.source)
    columns = [f"{quoted(event.key)} AS key", *_times(source), *_until(source), f"{condition} AS matches"]
    conditions = ["r.key = d.unit_key", "r.event >= d._at", f"r.event < d._at + {event.within * MICROSECONDS}"]
    conditions += ["r.matches", *(["r.until IS NULL"] if source.known_time is not None else [])]
    rows = f"(\n{_indented(_select(columns, f'source_{source.name}'))}\n) r"
    return _select(["DISTINCT d.unit_key"], "decisions d", [f"JOIN {rows}\n  ON " + "\n  AND ".join(conditions)])


def _group_parts(group: ResolvedGroup) -> dict[str, tuple[str, str]]:
    parts = {}
    if group.values and not group.own_row:
        parts["values"] = _value_rows(group), _values(group)
    if group.aggregated:
        parts["group"] = _rows(group), _aggregated(group)
    return parts


def _value_rows(group: ResolvedGroup) -> str:
    columns = [f"{quoted(group.key)} AS key", *_times(group.source), *_until(group.source)]
    names = dict.fromkeys(feature.column or "" for feature in group.values)
    columns += [f"{quoted(name)} AS {quoted(f'v.{name}')}" for name in names]
    return _select(columns, f"source_{group.source.name}")


def _values(group: ResolvedGroup) -> str:
    columns = ["d.unit_key"]
    columns += [f"{_typed('r.' + quoted(f'v.{each.column}'), each)} AS {quoted(each.name)}" for each in group.values]
    return _select(columns, "decisions d", [_counting(group, "values")])


def _rows(group: ResolvedGroup) -> str:
    """The source's rows, each with its times in microseconds, and its version's end where rows are restated."""
    source = group.source
    columns = [f"{quoted(group.key)} AS key", *_times(source), *_until(source)]
    if any(feature.aggregate in ORDERED for feature in group.aggregated):
        columns.append(f"row_number() OVER (ORDER BY {', '.join(_order(source))}) AS seq")
    adding = {feature.column for feature in group.aggregated if feature.aggregate in ADDING}
    for column in group.columns:
        name = quoted(column.name)
        number = column.type == "number"
        # Zero has two signs, and which of them min or max would show depends on the order of the rows.
        value = f"CASE WHEN {name} = 0 THEN 0 ELSE {name} END" if number else name
        columns.append(f"{value} AS {quoted(f'v.{column.name}')}")
        if column.name in adding:
            whole = f"round({name} * {units(column)})" if number else name
            columns.append(f"CAST({whole} AS HUGEINT) AS {quoted(f'u.{column.name}')}")
    columns += [f"{condition} AS {quoted(f'f.{number}')}" for number, condition in enumerate(group.filters)]
    return _select(columns, f"source_{source.name}")


def _aggregated(group: ResolvedGroup) -> str:
    windows = {feature.window for feature in group.aggregated}
    widest = None if None in windows else max(window for window in windows if window is not None)
    pairs = ["d.unit_key", "d._at", "r.*"]
    if any(feature.aggregate == "trend" for feature in group.aggregated):
        pairs.append(f"CAST((d._at - r.event) // {MICROSECONDS} AS HUGEINT) AS age")
    older = [] if widest is None else [f"r.event >= d._at - {widest * MICROSECONDS}"]
    columns = ["unit_key"]
    for feature in group.aggregated:
        column = group.source.column(feature.column) if feature.column is not None else None
        window = feature.window if feature.window != widest else None
        counted = Counted(feature, column, group.filter_of.get(feature.name), window)
        columns.append(f"{_typed(expression(counted), feature)} AS {quoted(feature.name)}")
    joined = _select(pairs, "decisions d", [_counting(group, "group", *older)])
    return _select(columns, f"(\n{_indented(joined)}\n)", ["GROUP BY unit_key"])


def _counting(group: ResolvedGroup, kind: str, *more: str) -> str:
    """The join of each decision with the rows that count for it, in the version that counts."""
    conditions = [f"r.key = d.{quoted(f'key.{group.unit_key}')}"]
    if group.source.known is not None:
        conditions.append("r.event < d._at")
    if group.source.known_time is not None:
        conditions += ["r.known < d._at", "(r.until IS NULL OR d._at <= r.until)"]
    return f"JOIN {kind}_{group.number}_rows r\n  ON " + "\n  AND ".join([*conditions, *more])


def _times(source: Source) -> list[str]:
    times = {"event": source.event_time or source.known_time, "known": source.known_time}
    return [f"epoch_us({quoted(column)}) AS {name}" for name, column in times.items() if column is not None]


def _until(source: Source) -> list[str]:
    if source.known_time is None:
        return []
    keys = ", ".join(quoted(name) for name in source.key)
    known = quoted(source.known_time)
    return [f"epoch_us(lead({known}) OVER (PARTITION BY {keys} ORDER BY {known})) AS until"]


def _order(source: Source) -> list[str]:
    columns = (source.event_time or source.known, source.known, *source.key)
    return list(dict.fromkeys(quoted(name) for name in columns if name is not None))


def _typed(sql: str, feature: Feature) -> str:
    return f"CAST({sql} AS {'VARCHAR' if feature.type == 'category' else 'DOUBLE'})"


def _finite(sql: str) -> str:
    number = f"CAST({sql} AS DOUBLE)"
    return f"CASE WHEN abs({number}) < CAST('inf' AS DOUBLE) THEN {number} END"


def _filled(sql: str, feature: Feature | DerivedFeature) -> str:
    fill = feature.fill
    if fill is None and isinstance(feature, Feature) and feature.aggregate in ("count", "distinct"):
        fill = 0.0
    if fill is not None:
        sql = f"coalesce({sql}, CAST('{fill!r}' AS DOUBLE))"
    return f"{sql} AS {quoted(feature.name)}"


def _select(columns: list[str], table: str, more: list[str] | None = None) -> str:
    listed = ",\n".join(f"  {column}" for column in columns)
    return "\n".join([f"SELECT\n{listed}", f"FROM {table}", *(more or [])])


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
