"""All features of a model as SQL: the decisions, one text for each feature group, and the table made of them.

The texts read tables `source_<name>`. The first makes `decisions`, one row for each in the table's order; that
of group n makes `group_n` from it; the last makes the training table of all of them. Times are whole
microseconds of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from loanwright.config.data import Data, LabelEvent, Source
from loanwright.config.features import Feature, Features
from loanwright.data.contract import is_positive
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import Resolved, resolve
from loanwright.features.language.dialect import DUCKDB, Dialect
from loanwright.features.language.text import nested, select, with_parts
from loanwright.features.texts.plan import group_text
from loanwright.features.texts.visible import MICROSECONDS
from loanwright.features.texts.written import filled, finite, typed


@dataclass(frozen=True)
class Compiled:
    """The texts, in the order in which they run."""

    decisions: str
    groups: dict[str, str]
    """Table → text; each has `lw_ord`, the decision's place, and the group's features."""
    table: str

    @property
    def text(self) -> str:
        """All of it as one readable text."""
        made = {"decisions": self.decisions, **self.groups}
        return "\n\n".join([*(f"-- {name}\n{sql};" for name, sql in made.items()), f"-- table\n{self.table};\n"])


def compile_features(data: Data, features: Features, dialect: Dialect = DUCKDB) -> Compiled:
    """The SQL texts of the training table.

    Its columns: unit_key, decision_time, unit_hash, label, the features that are not hidden, and the
    carried columns as ``unit.<column>``; its rows: one for each decision, by decision time, then key.

    Args:
        data: the data section, which agrees with itself (`config.agreement`).
        features: what to know of each decision.
        dialect: which engine's.

    Raises:
        DeclarationError: a feature asks for what is not there, or may not be used.
    """
    return write_sql(data, resolve(data, features, dialect), dialect)


def write_sql(data: Data, resolved: Resolved, dialect: Dialect = DUCKDB) -> Compiled:
    """`compile_features`, of features that are resolved already."""
    computed = [group for group in resolved.groups if group.is_computed]
    groups = {f"group_{group.number}": group_text(group, dialect) for group in computed}
    return Compiled(_decisions(data, resolved, dialect), groups, _table(resolved, dialect))


def _table(resolved: Resolved, dialect: Dialect) -> str:
    selected = ["d.lw_ord", "d.unit_key", "d.decision_time", "d.unit_hash", "d.label"]
    joins = []
    for group in resolved.groups:
        table = f"group_{group.number}"
        if group.own_row:
            selected += [f"d.{quoted(f'own.{each.name}')} AS {quoted(each.name)}" for each in group.values]
        if group.is_computed:
            joins.append(f"LEFT JOIN {table} ON {table}.lw_ord = d.lw_ord")
            chosen = group.aggregated if group.own_row else group.features
            selected += [f"{table}.{quoted(each.name)}" for each in chosen]
    selected += [f"d.{quoted(f'unit.{name}')}" for name in resolved.carried]
    parts = {"features": select(selected, "decisions d", *joins)}
    table = "features"
    for level in sorted({derived.level for derived in resolved.derived}):
        columns = [filled(finite(each.sql), each.feature) for each in resolved.derived if each.level == level]
        parts[f"derived_{level}"] = select(["*", *columns], table)
        table = f"derived_{level}"
    final = ["unit_key", "decision_time", "unit_hash", "label"]
    final += [quoted(output.name) for output in resolved.outputs]
    final += [quoted(f"unit.{name}") for name in resolved.carried]
    return with_parts(parts, select(final, table, "ORDER BY lw_ord"), dialect)


def _decisions(data: Data, resolved: Resolved, dialect: Dialect) -> str:
    key = quoted(data.unit.key)
    time = data.decision_time
    if time.constant is not None:
        moment = f"CAST('{time.constant.astimezone(UTC).isoformat()}' AS {dialect.moment})"
    else:
        moment = quoted(time.column or "")
    columns = [
        f"{key} AS unit_key",
        f"{moment} AS decision_time",
        f"{dialect.micros(moment)} AS lw_at",
        f"{dialect.unit_hash(key)} AS unit_hash",
    ]
    if data.label.column is not None:
        columns.append(
            f"CAST(CASE WHEN {is_positive(data.unit_source, data.label)} THEN 1 ELSE 0 END AS TINYINT) AS label"
        )
    joined = {name for group in resolved.groups if not group.own_row or group.aggregated for name in group.unit_keys}
    columns += [f"{quoted(name)} AS {quoted(f'key.{name}')}" for name in sorted(joined)]
    columns += [f"{quoted(name)} AS {quoted(f'unit.{name}')}" for name in resolved.carried]
    for group in resolved.groups:
        if group.own_row:
            # A decision's own row is what the decision is about: known at it, whatever its times say.
            columns += [_own(each, dialect) for each in group.values]
    rows = select(columns, f"source_{data.unit.source}")
    order = "row_number() OVER (ORDER BY decision_time, unit_key) - 1 AS lw_ord"
    if data.label.event is None:
        return select([order, "*"], nested(rows, "d"))
    parts = {"units": rows, "outcomes": _outcomes(data.label.event, data, resolved.label_filter or "TRUE", dialect)}
    label = "CAST(CASE WHEN o.unit_key IS NULL THEN 0 ELSE 1 END AS TINYINT) AS label"
    labelled = select(["d.*", label], "units d LEFT JOIN outcomes o ON o.unit_key = d.unit_key")
    return with_parts(parts, select([order, "*"], nested(labelled, "d")), dialect)


def _own(feature: Feature, dialect: Dialect) -> str:
    value = filled(typed(quoted(feature.column or ""), feature, dialect), feature)
    return f"{value.rpartition(' AS ')[0]} AS {quoted(f'own.{feature.name}')}"


def _outcomes(event: LabelEvent, data: Data, condition: str, dialect: Dialect) -> str:
    """The decisions whose event came, known by now or not, by the last version of each row."""
    source = next(source for source in data.sources if source.name == event.source)
    columns = [f"{quoted(event.key)} AS lw_row", f"{dialect.micros(quoted(_event(source)))} AS lw_event"]
    keys = ", ".join(quoted(name) for name in source.key)
    if source.known_time is not None:
        known = quoted(source.known_time)
        columns.append(f"lead({known}) OVER (PARTITION BY {keys} ORDER BY {known}) AS lw_until")
    matching = ""
    if source.known_time is not None:
        # The versions of few rows have to be put in order: those that ever matched.
        matching = f"WHERE ({keys}) IN (SELECT {keys} FROM source_{source.name} WHERE {condition})"
    rows = nested(select([*columns, f"{condition} AS lw_matches"], f"source_{source.name}", matching), "r")
    conditions = ["r.lw_row = d.unit_key", "r.lw_event >= d.lw_at"]
    conditions += [f"r.lw_event < d.lw_at + {event.within * MICROSECONDS}", "r.lw_matches"]
    conditions += ["r.lw_until IS NULL"] if source.known_time is not None else []
    return select(["DISTINCT d.unit_key"], f"units d JOIN {rows} ON {' AND '.join(conditions)}")


def _event(source: Source) -> str:
    return source.event_time or source.known_time or ""
