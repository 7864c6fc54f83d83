"""Verified parquet files as a source of rows: an engine reads them by itself, with what they tell of their values.

Read through Arrow they would have no statistics, by which DuckDB passes over row groups and sorts by fewer bytes. They
may hold no NaN: their statistics leave it out, and DuckDB would pass over it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.data.engine import literal, quoted
from loanwright.errors import EnvironmentFault

if TYPE_CHECKING:
    import pyarrow as pa

_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class ParquetFiles:
    """Files of one source; each has these columns of these types, and may have more."""

    paths: tuple[Path, ...]
    schema: pa.Schema

    @property
    def query(self) -> str:
        """DuckDB's query of all their rows."""
        columns = ", ".join(quoted(name) for name in self.schema.names)
        listed = ", ".join(literal(pattern_of(path)) for path in self.paths)
        # Folders such as `region=north` are somebody's names, and no columns.
        return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = false)"


def openable(paths: Iterable[Path]) -> list[str]:
    """What DuckDB has to be allowed to open for files to be read: their names, and the patterns that stand for them."""
    return sorted({text for path in paths for text in (str(path), pattern_of(path))})


def pattern_of(path: Path) -> str:
    """The pattern that the path alone fits: DuckDB takes every path for one.

    Raises:
        EnvironmentFault: there is none.
    """
    text = str(path)
    if not _PATTERN.search(text):
        return text
    if "\\" in text:
        raise EnvironmentFault(
            f"{text} has a backslash and one of * ? [ in its name, which DuckDB cannot read",
            fix="Give the folder another name",
        )
    return _PATTERN.sub(lambda found: f"[{found[0]}]", text)
