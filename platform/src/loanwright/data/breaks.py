"""What is wrong with a source's data, one sentence each, and the one error that tells all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loanwright.errors import DataError

_LISTED = 10
_LONGEST = 40


@dataclass(frozen=True)
class Break:
    """A rule that some rows, or the table itself, do not keep.

    `says` is the sentence without the table's name; `examples` are values as the source wrote them.
    """

    table: str
    rule: str
    says: str
    column: str | None = None
    rows: int | None = None
    examples: tuple[str, ...] = ()
    fix: str | None = None

    def sentence(self) -> str:
        """The break in one sentence: table, column, count, rule, examples."""
        where = f"source {self.table!r}" + (f", column {self.column!r}" if self.column else "")
        shown = f", as in {', '.join(self.examples)}" if self.examples else ""
        return f"{where}: {self.says}{shown}"


def example(text: str, *, quote: bool) -> str:
    """A value's text as an example in a sentence: quoted where it is a text, and cut where it is long."""
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return repr(short) if quote else short


def few(names: Sequence[str], most: int = 3) -> str:
    """Names for a sentence, the first few of them quoted, the others counted."""
    shown = ", ".join(repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…") for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def rows(count: int) -> str:
    """A count of rows in words: ``1 row``, ``1,234 rows``."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def refuse(breaks: Iterable[Break]) -> None:
    """Raises one error that names them all, or does nothing if there are none.

    Raises:
        DataError: its first line is the headline; at most ten breaks are listed.
    """
    found = list(breaks)
    if not found:
        return
    if len(found) == 1:
        raise DataError(found[0].sentence(), fix=found[0].fix or "Correct the data, or its contract")
    lines = [f"  {item.sentence()}" for item in found[:_LISTED]]
    if len(found) > _LISTED:
        lines.append(f"  and {len(found) - _LISTED} more")
    raise DataError("\n".join([f"the data breaks its contract in {len(found)} places:", *lines]))
