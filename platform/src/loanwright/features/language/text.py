"""Putting SQL together: lists of columns, common table expressions, indentation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from loanwright.features.language.dialect import Dialect

_READ = re.compile(r"(?<![^\s()])(?:FROM|JOIN)[\s()]+([^\s()]+)")


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
    reads = readers([*parts.values(), last])
    for name, body in parts.items():
        again = reads[name] > 1
        named.append(f"{name} AS {dialect.materialised if again else ''}(\n{indented(body)}\n)")
    return "WITH " + ",\n".join(named) + f"\n{last}"


def readers(queries: Iterable[str]) -> Counter[str]:
    """Table → how often the queries read it."""
    return Counter(name for query in queries for name in _READ.findall(query))
