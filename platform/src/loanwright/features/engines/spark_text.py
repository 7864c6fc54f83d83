"""Compiled texts as Spark reads them: its quotes, its names of types, and a query's parts one by one."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`)|(?P<word>\w+)|(?P<other>.)""", re.DOTALL
)
_WORDS = {"TIMESTAMPTZ": "TIMESTAMP_LTZ", "VARCHAR": "STRING"}
_PART = re.compile(r"\s*(?:WITH\s+|,\s*)(\w+) AS \(")


def spark_text(sql: str) -> str:
    """The text with names in backticks, and texts in which a backslash is nothing but itself."""
    return _TOKEN.sub(_token, sql)


def _token(found: re.Match[str]) -> str:
    token = found[0]
    if found.lastgroup == "text":
        return token.replace("\\", "\\\\")
    if found.lastgroup == "name" and token[0] == '"':
        return "`" + token[1:-1].replace('""', '"').replace("`", "``") + "`"
    return _WORDS.get(token, token)


def parts_of(sql: str) -> tuple[dict[str, str], str]:
    """A query's common table expressions, name → query, in the order in which they may be read; and the rest."""
    parts: dict[str, str] = {}
    while (part := _PART.match(sql)) and (parts or sql.lstrip().startswith("WITH")):
        end = _closing(sql, part.end())
        parts[part[1]] = sql[part.end() : end].strip()
        sql = sql[end + 1 :]
    return parts, sql.strip()


def _closing(sql: str, start: int) -> int:
    """Where the bracket closes that opened before `start`."""
    depth = 1
    for token in _TOKEN.finditer(sql, start):
        depth += (token[0] == "(") - (token[0] == ")")
        if not depth:
            return token.start()
    raise ValueError(f"a bracket is not closed: {sql!r}")
