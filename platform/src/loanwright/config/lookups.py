"""Looking up what one section names and another declares, and the problem when it is not there."""

from __future__ import annotations

from collections.abc import Iterator

from loanwright.config.data import Column, Data, Source
from loanwright.config.problems import Location, Problem
from loanwright.errors import near

KEY_TYPES = ("integer", "text", "category")


def no_source(where: Location, data: Data, name: str) -> Problem:
    """The problem that no source has that name."""
    return Problem(where, f"there is no source {name!r}{near(name, [source.name for source in data.sources])}")


def no_column(where: Location, source: Source, name: str) -> Problem:
    """The problem that the source has no such column."""
    known = [column.name for column in source.columns]
    return Problem(where, f"source {source.name!r} has no column {name!r}{near(name, known)}")


def key_problems(
    where: Location, source: Source, name: str, other: Column, whose: str = "the unit's"
) -> Iterator[Problem]:
    """What keeps a source's column from being joined with another's: with a key of the unit, if `whose` is absent."""
    column = source.column(name)
    if column is None:
        yield no_column(where, source, name)
    elif column.type not in KEY_TYPES:
        yield Problem(where, f"{name!r} is of type {column.type!r}: a key is an integer or a text")
    elif (column.type == "integer") != (other.type == "integer"):
        yield Problem(where, f"{name!r} is of type {column.type!r}, and {whose} {other.name!r} {other.type!r}")


def time_problems(where: Location, source: Source, name: str) -> Iterator[Problem]:
    """What keeps a source's column from telling when something was."""
    column = source.column(name)
    if column is None:
        yield no_column(where, source, name)
    elif column.type != "time":
        yield Problem(where, f"{name!r} is of type {column.type!r}, and must be a 'time'")
    elif column.nullable:
        yield Problem(where, f"{name!r} may be null, and this time must always be known")
