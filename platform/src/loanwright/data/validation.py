"""The contract held against staged rows: every rule counted in one scan, every break with three examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from loanwright.config.data import Source
from loanwright.data.breaks import Break, example, rows
from loanwright.data.contract import Rule, is_positive, rules
from loanwright.data.engine import as_text, in_utc, moment, quoted

if TYPE_CHECKING:
    import duckdb

    from loanwright.data.staging import Staged

_LOOKED_AT = 100
"""Broken rows among which three different examples are sought."""


def validate(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    *,
    cutoff: datetime | None,
    now: datetime,
) -> tuple[list[Break], list[dict[str, Any]]]:
    """The breaks of one staged source, and the report of everything that was looked at.

    Args:
        cutoff: the declared data cut-off; freshness counts from it, or else from now.
    """
    source = staged.source
    found = list(staged.breaks)
    report: list[dict[str, Any]] = []
    if not staged.readable:
        return found, report
    declared = rules(source, staged.role, now)
    counts = _counts(connection, staged, [rule.broken for rule in declared])
    for rule, counted in zip(declared, counts, strict=True):
        count = counted - staged.wrong.get(rule.column, 0) if rule.name == "missing" else counted
        report.append(_entry(source, rule.name, rule.column, staged.rows, count))
        if count > 0:
            says = f"{rows(count)} {rule.one if count == 1 else rule.many}"
            shown = _examples(connection, staged, rule)
            found.append(Break(source.name, rule.name, says, rule.column, count, shown, rule.fix))
    report.append(_entry(source, "type", None, staged.rows, sum(staged.wrong.values())))
    keys = _shared_keys(connection, staged)
    report.append(_entry(source, "key", None, staged.rows, keys.rows or 0 if keys else 0))
    found += [keys] if keys else []
    found += _volume(staged)
    found += stale(source, newest(connection, staged), cutoff or now)
    found += _one_class(connection, staged)
    if staged.clipped:
        was = "it happened was" if staged.clipped == 1 else "they happened were"
        says = f"{rows(staged.clipped)} known before {was} taken as known then"
        report.append({"source": source.name, "rule": "note", "says": says})
    if cutoff is not None:
        report.append(_entry(source, "data_cutoff", staged.role.known, staged.rows + staged.left_out, staged.left_out))
    return found, report


def stale(source: Source, newest_known: datetime | None, at: datetime) -> list[Break]:
    """The break of freshness, if the newest row is older at moment `at` than the source allows."""
    if source.max_age is None or newest_known is None:
        return []
    age = at - newest_known
    if age <= timedelta(seconds=source.max_age):
        return []
    most = _words(timedelta(seconds=source.max_age))
    says = f"the newest row is from {in_utc(newest_known)}, {_words(age)} old; at most {most} is allowed"
    return [Break(source.name, "max_age", says, source.known, fix="Bring newer data, or correct the source's max_age")]


def newest(connection: duckdb.DuckDBPyConnection, staged: Staged) -> datetime | None:
    """When the newest row was known; None without such a column or any row."""
    if staged.role.known is None:
        return None
    query = f"SELECT epoch_us(max({quoted(staged.role.known)})) FROM {staged.table}"
    return moment(connection.execute(query).fetchall()[0][0])


def _words(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return f"{span.days} days"
    hours = span.total_seconds() / 3600
    return f"{hours:.3g} hours"


def _entry(source: Source, rule: str, column: str | None, looked_at: int, broken: int) -> dict[str, Any]:
    return {"source": source.name, "rule": rule, "column": column, "rows": looked_at, "broken": broken}


def _counts(connection: duckdb.DuckDBPyConnection, staged: Staged, conditions: Sequence[str]) -> list[int]:
    if not conditions:
        return []
    counted = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
    return list(connection.execute(f"SELECT {counted} FROM {staged.table}").fetchall()[0])


def _examples(connection: duckdb.DuckDBPyConnection, staged: Staged, rule: Rule) -> tuple[str, ...]:
    """Values that break a rule; where the value is missing, the keys of such rows."""
    if rule.name == "missing":
        named = [name for name in staged.source.key if name != rule.column]
        if not named or staged.wrong.get(rule.column):
            return ()
        found = _shown(connection, staged, named, f"WHERE {rule.broken}")
        return _distinct(_named(named, values) for values in found)
    return _distinct(value for (value,) in _shown(connection, staged, [rule.column], f"WHERE {rule.broken}"))


def _shown(
    connection: duckdb.DuckDBPyConnection, staged: Staged, names: Sequence[str], which: str
) -> list[tuple[str, ...]]:
    """The values of some rows as examples."""
    types = {column.name: column.type for column in staged.source.columns}
    columns = ", ".join(as_text(name, types[name]) for name in names)
    found = connection.execute(f"SELECT {columns} FROM {staged.table} {which} LIMIT {_LOOKED_AT}").fetchall()
    words = [types[name] in ("text", "category") for name in names]
    return [tuple(example(str(value), quote=word) for value, word in zip(row, words, strict=True)) for row in found]


def _named(names: Sequence[str], values: Sequence[str]) -> str:
    return " and ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))[:3]


def _shared_keys(connection: duckdb.DuckDBPyConnection, staged: Staged) -> Break | None:
    """Rows that have their key in common; where rows may be restated, key and known time together."""
    source = staged.source
    names = list(source.key)
    if source.known_time is not None and source.known_time not in names:
        names.append(source.known_time)
    columns = ", ".join(map(quoted, names))
    whole = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in names)
    which = f"WHERE {whole} GROUP BY {columns} HAVING count(*) > 1"
    groups = f"FROM {staged.table} {which}"
    count = connection.execute(f"SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n {groups})").fetchall()[
        0
    ][0]
    if not count:
        return None
    what = "the same key" if source.known_time is None else "the same key and known time"
    shown = _distinct(
        _named(names, values) for values in _shown(connection, staged, names, f"{which} ORDER BY {columns}")
    )
    fix = "Remove the duplicates, or declare what else is part of the key"
    return Break(source.name, "key", f"{rows(count)} have {what} as another row", None, count, shown, fix)


def _volume(staged: Staged) -> list[Break]:
    source, count = staged.source, staged.rows
    says = None
    if count == 0:
        says = "there are no rows" + (
            f" known before the data cut-off ({rows(staged.left_out)} after it)" if staged.left_out else ""
        )
    elif count < source.rows.min:
        says = f"{rows(count)}, fewer than the {source.rows.min:,} declared as the least"
    elif source.rows.max is not None and count > source.rows.max:
        says = f"{rows(count)}, more than the {source.rows.max:,} declared as the most"
    return (
        [Break(source.name, "volume", says, rows=count, fix="Bring the right data, or correct 'rows'")] if says else []
    )


def _one_class(connection: duckdb.DuckDBPyConnection, staged: Staged) -> list[Break]:
    label = staged.role.label
    if label is None or label.column is None or staged.rows == 0 or label.column in staged.wrong:
        return []
    name = quoted(label.column)
    positives, all_rows = connection.execute(
        f"SELECT count(*) FILTER ({is_positive(staged.source, label)}), count({name}) FROM {staged.table}"
    ).fetchall()[0]
    if all_rows == 0 or 0 < positives < all_rows:
        return []
    held = "no row" if positives == 0 else "every row"
    says = f"{held} has the positive value {label.positive!r}: a label of one class only cannot be learned"
    return [
        Break(staged.source.name, "label", says, label.column, fix="Bring both outcomes, or correct label.positive")
    ]
