"""Putting SQL together: lists of columns, common table expressions, indentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loanwright.features.dialect import Dialect


def select(columns: Iterable[str], table: str, *more: str) -> str:
    """A SELECT with each column on a line of its own; `more` are its joins, conditions and grouping."""
    listed = ",\n".join(f"  {column}" for column in columns)
    return "\n".join([f"SELECT\n{listed}", f"FROM {table}", *(part for part in more if part)])


def union(*selects: str) -> str:
    """All rows of all of them."""
    return "\nUNION ALL\n".join(selects)


def nested(sql: str, name: str) -> str:
    """A query as a table."""
    return f"(\n{indented(sql)}\n) {name}"


def indented(text: str) -> str:
    """Each line two spaces further in."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def with_parts(parts: Mapping[str, str], last: str, dialect: Dialect) -> str:
    """The query `last` over named parts; a part that is read more than once is computed once."""
    if not parts:
        return last
    named = []
    for name, body in parts.items():
        again = readers(name, [*parts.values(), last]) > 1
        named.append(f"{name} AS {dialect.materialised if again else ''}(\n{indented(body)}\n)")
    return "WITH " + ",\n".join(named) + f"\n{last}"


def readers(name: str, queries: Iterable[str]) -> int:
    """How often the queries read the part of that name."""
    return sum(_reads(query, name) for query in queries)


def _reads(sql: str, name: str) -> int:
    words = sql.replace("(", " ").replace(")", " ").replace("\n", " ").split()
    return sum(words[at - 1] in ("FROM", "JOIN") and word == name for at, word in enumerate(words) if at)
