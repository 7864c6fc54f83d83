"""Texts of a file that are dates as people write them, which no contract reads."""

from __future__ import annotations

from loanwright.runtime.column_look import Seen
from loanwright.runtime.file_look import Look

_WRITTEN = r"[0-9]{1,4}([./-])[0-9]{1,2}[./-][0-9]{1,4}([T ].*)?"
UNREAD = "dates that are not read: write days as 2026-01-31, times as 2026-01-31T00:00:00Z"
"""Why: 01.02.2026 and 01/02/2026 mean one day to one reader, and another to the next."""


def are_dates(seen: Look, column: Seen) -> bool:
    """Whether all values of a column that is taken for text are dates, written day or month first, or with dots."""
    from loanwright.data.engine import literal, quoted

    if column.column.type not in ("text", "category") or not column.distinct:
        return False
    name = quoted(column.name)
    query = f"SELECT bool_and(regexp_full_match(trim({name}), {literal(_WRITTEN)})) FROM seen WHERE {name} IS NOT NULL"
    return bool(seen.ask(query, column.name)[0][0])
