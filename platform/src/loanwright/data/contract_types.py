"""How a value of a source becomes a value of its declared type, as SQL; what cannot becomes NULL and is counted.

A text is read as a CSV would write it, whatever the source: whole numbers may end in `.0`, a boolean is
true, false, 1 or 0, a time is RFC 3339 or a plain day. A float NaN means missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loanwright.config.data import Column
from loanwright.data.engine import literal, quoted

if TYPE_CHECKING:
    import pyarrow as pa

SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "category": "VARCHAR",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMPTZ",
}
_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "text": "a text",
    "category": "a text or a whole number",
    "boolean": "true or false",
    "time": "a time",
}
_WHOLE = r"[+-]?[0-9]+(\.0*)?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = _DAY + r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_ZONE = r"(Z| UTC|[+-][0-9]{2}(:?[0-9]{2})?)"


def wanted(column: Column) -> str:
    """What a value of the column must be, in words."""
    if column.type == "time" and column.time_zone is None:
        return "a time in UTC such as '2026-01-31T00:00:00Z', or a day"
    return _NOUNS[column.type]


def physical(kind: pa.DataType) -> str:
    """The kind of an Arrow type: text, integer, float, boolean, zoned, naive, day or other."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_timestamp(kind):
        return "naive" if kind.tz is None else "zoned"
    tests = {
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "integer": (types.is_integer,),
        "float": (types.is_float32, types.is_float64, types.is_decimal),
        "boolean": (types.is_boolean,),
        "day": (types.is_date,),
        "null": (types.is_null,),
    }
    return next((name for name, these in tests.items() if any(test(kind) for test in these)), "other")


def raw(column: Column, held: str) -> str:
    """The source's value, NULL where it means 'missing'."""
    name = quoted(column.name)
    if held == "text" and column.null_values:
        return f"CASE WHEN {name} IN ({', '.join(map(literal, column.null_values))}) THEN NULL ELSE {name} END"
    if held == "float":
        return f"CASE WHEN isnan({name}::DOUBLE) THEN NULL ELSE {name} END"
    return name


def converted(column: Column, held: str) -> str:
    """The value in the declared type; NULL where it is missing or of another type."""
    value = raw(column, held)
    zone = literal(column.time_zone or "UTC")
    expressions = {
        ("text", "text"): value,
        ("text", "category"): value,
        ("text", "integer"): _integer_of_text(value),
        ("text", "number"): _number_of_text(value),
        ("text", "boolean"): f"CASE lower(trim({value})) WHEN 'true' THEN true WHEN '1' THEN true "
        "WHEN 'false' THEN false WHEN '0' THEN false END",
        ("text", "time"): _time_of_text(value, column.time_zone),
        ("integer", "integer"): f"TRY_CAST({value} AS BIGINT)",
        ("integer", "number"): f"{value}::DOUBLE",
        ("integer", "category"): f"{value}::VARCHAR",
        ("integer", "boolean"): f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END",
        ("float", "integer"): f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS BIGINT) END",
        ("float", "number"): f"({value})::DOUBLE",
        ("boolean", "boolean"): value,
        ("zoned", "time"): f"{value}::TIMESTAMPTZ",
        ("day", "time"): f"timezone({zone}, {value}::TIMESTAMP)",
    }
    if column.time_zone is not None:
        expressions["naive", "time"] = f"timezone({zone}, {value}::TIMESTAMP)"
    return expressions.get((held, column.type), f"NULL::{SQL_TYPES[column.type]}")


def exact(column: Column, held: str) -> bool:
    """Whether every value of that kind is one of the declared type, so that none need be counted."""
    return (held, column.type) in {
        ("text", "text"), ("text", "category"), ("integer", "number"), ("integer", "category"), ("float", "number"),
        ("boolean", "boolean"), ("zoned", "time"), ("day", "time"),
    } or held == "null"  # fmt: skip


def _integer_of_text(value: str) -> str:
    """The engine's own cast rounds '1.5' and reads '0x10': only what it would write the same way is taken as is."""
    trimmed = f"trim({value})"
    return (
        f"CASE WHEN TRY_CAST({value} AS BIGINT)::VARCHAR = {value} THEN TRY_CAST({value} AS BIGINT) "
        f"WHEN regexp_full_match({trimmed}, {literal(_WHOLE)}) "
        f"THEN TRY_CAST(split_part({trimmed}, '.', 1) AS BIGINT) END"
    )


def _number_of_text(value: str) -> str:
    """The engine's cast, less 'nan' and '1_000'."""
    return f"CASE WHEN NOT contains({value}, '_') THEN nullif(TRY_CAST({value} AS DOUBLE), 'nan'::DOUBLE) END"


def _time_of_text(value: str, zone: str | None) -> str:
    """Common forms are recognised by their shape, others by pattern: the engine's cast alone ignores a lacking zone."""
    trimmed = f"trim({value})"
    local = _DAY if zone is None else f"{_DAY}|{_TIME}"
    local_time = f"TRY_CAST({trimmed} AS TIMESTAMP)"
    day = f"timezone({literal(zone)}, {local_time})" if zone else f"make_timestamptz(epoch_us({local_time}))"
    return (
        f"CASE WHEN {value} LIKE '____-__-__T__:__:__Z' THEN make_timestamptz(epoch_us({local_time})) "
        f"WHEN {value} LIKE '____-__-__' THEN {day} "
        f"WHEN regexp_full_match({trimmed}, {literal(_TIME + _ZONE)}) THEN TRY_CAST({trimmed} AS TIMESTAMPTZ) "
        f"WHEN regexp_full_match({trimmed}, {literal(local)}) THEN {day} END"
    )
