"""Tables of a database, read through SQLAlchemy in chunks.

The database's address holds its password: it comes from an environment variable and is never shown, nor
is what a driver says of a failed connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy
from sqlalchemy import exc

from loanwright.config.data import Source
from loanwright.data.sources import SQL, Part
from loanwright.errors import DataError, DeclarationError, EnvironmentFault, near

_ROWS = 50_000


def open_table(source: Source) -> Iterator[Part]:
    """The one part of a source at ``sql+env://VARIABLE/[schema.]table``.

    Raises:
        DeclarationError: the address is not of that form.
        DataError: the database has no such table.
        EnvironmentFault: the variable is not set, its driver is not installed, or the database refused.
    """
    variable, _, name = source.uri.removeprefix(SQL).partition("/")
    if not variable or not name:
        raise DeclarationError(f"source {source.name!r} reads {source.uri!r}", fix=f"Write {SQL}VARIABLE/table")
    schema, _, table = name.rpartition(".")
    engine = _engine(source.name, variable)
    try:
        with _faults(source.name, variable):
            reflected = _reflect(engine, source, schema or None, table)

            def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
                query = sqlalchemy.select(*[reflected.c[wanted] for wanted in names])
                with _faults(source.name, variable), engine.connect() as connection:
                    streamed = connection.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(query)
                    for rows in streamed.partitions(_ROWS):
                        columns = [_array(list(values)) for values in zip(*rows, strict=True)]
                        yield pa.RecordBatch.from_arrays(columns, names=list(names))

            columns = tuple(column.name for column in reflected.columns)
        yield Part(source.uri, columns, batches)
    finally:
        engine.dispose()


def _engine(source: str, variable: str) -> sqlalchemy.Engine:
    address = os.environ.get(variable)
    if not address:
        raise EnvironmentFault(
            f"source {source!r} reads a database, but the environment variable {variable} is not set",
            fix="Set it to the database's address, in SQLAlchemy's form",
        )
    try:
        return sqlalchemy.create_engine(address)
    except (exc.NoSuchModuleError, ImportError):
        raise EnvironmentFault(
            f"the driver that the database address in {variable} asks for is not installed",
            fix="Install it beside loanwright, or name another driver",
        ) from None
    except exc.ArgumentError:
        raise EnvironmentFault(
            f"the environment variable {variable} holds no database address",
            fix="Write it as dialect+driver://user:password@host/database",
        ) from None


@contextmanager
def _faults(source: str, variable: str) -> Iterator[None]:
    try:
        yield
    except exc.SQLAlchemyError as error:
        cause = type(getattr(error, "orig", None) or error).__name__
        raise EnvironmentFault(
            f"the database behind {variable}, which source {source!r} reads, refused or failed ({cause})",
            fix="Check that it runs, the address in the variable, and what its user may read",
        ) from None


def _reflect(engine: sqlalchemy.Engine, source: Source, schema: str | None, table: str) -> sqlalchemy.Table:
    try:
        return sqlalchemy.Table(table, sqlalchemy.MetaData(), schema=schema, autoload_with=engine)
    except exc.NoSuchTableError:
        inspector = sqlalchemy.inspect(engine)
        names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        raise DataError(
            f"source {source.name!r} reads {source.uri!r}, but there is no such table{near(table, names)}",
            fix="Correct the 'uri'",
        ) from None


def _array(values: list[Any]) -> pa.Array:
    """A column of driver values; where they are of several types, their texts, which the contract judges."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
