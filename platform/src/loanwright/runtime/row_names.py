"""Which columns of a file name its rows, rather than say something of them."""

from __future__ import annotations

import re

from loanwright.runtime.column_look import Seen
from loanwright.runtime.file_look import Look

_KEY = re.compile(r"(^|[^a-z])(id|key|number|no|nr|uuid|ref|reference)$|^id_|[a-z]I[Dd]$")


def is_called_a_key(column: Seen) -> bool:
    """Whether the column's name is that of a key."""
    return bool(_KEY.search(column.name) or _KEY.search(column.name.lower()))


def names_rows(seen: Look, column: Seen) -> bool:
    """Whether the column has a value in every row, and another one in each."""
    return (
        column.column.type in ("integer", "text", "category") and column.missing == 0 and column.distinct == seen.rows
    )


def numbers_rows(seen: Look, column: Seen) -> bool:
    """Whether a column that names rows does nothing else: it is called a key, or counts the rows without a gap.

    Amounts, too, may be different in every row.
    """
    if not names_rows(seen, column) or column.column.type == "category":
        return False
    counts = column.column.type == "integer" and int(column.high) - int(column.low) + 1 == seen.rows
    return counts or is_called_a_key(column)
