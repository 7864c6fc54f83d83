"""Conditions in Python say what the compiled SQL of the same text says, three-valued and to the last row."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from loanwright.features.definition.conditions import Condition
from loanwright.features.language.expressions import parse_condition, parse_expression

NOON = 1_700_000_000_000_000
TYPES = {"n": "integer", "m": "integer", "x": "number", "s": "text", "b": "boolean", "t": "time"}
VALUES: dict[str, tuple[Any, ...]] = {
    "n": (None, -7, 0, 3),
    "m": (None, 2, -2),
    "x": (None, -2.5, -0.0, 0.5, 1e300),
    "s": (None, "", " Äb ", "a_b", "3"),
    "b": (None, True, False),
    "t": (None, NOON, 1_704_067_200_000_000),
}
CONDITIONS = (
    "n > m",
    "n = 3 OR b",
    "n = 3 AND NOT b",
    "b",
    "NOT (b OR n < 0)",
    "b IS TRUE",
    "b IS NOT FALSE",
    "s IS NULL",
    "s = '' OR s <> 'a_b'",
    "n IS DISTINCT FROM m",
    "n IS NOT DISTINCT FROM m",
    "n IN (3, m)",
    "n NOT IN (0, NULL, -7)",
    "x IN (0, 0.5)",
    "n BETWEEN m AND 3",
    "x NOT BETWEEN n AND 1",
    "s LIKE '%b%'",
    "s LIKE 'a__'",
    "NOT s LIKE '_'",
    "s ILIKE '%ä%'",
    "n + m * 2 - 1 >= x",
    "-n < 2",
    "n / m = -3.5",
    "x / n > 0",
    "n % m = 1",
    "n % -2 = -1",
    "x % 2 < 0",
    "x % n IS NULL",
    "power(x, 2) > 1",
    "power(x, 400) IS NULL",
    "ln(x) < 0 OR ln(x) IS NULL",
    "exp(x) > 1",
    "exp(x) IS NULL",
    "sqrt(x) >= 0",
    "abs(n) = 7 OR abs(x) = 2.5",
    "sign(x) = -1",
    "sign(n) = 1",
    "round(x) = -3",
    "round(x) = 1",
    "round(x / 10, 1) = 0.1",
    "round(n) = 3",
    "floor(x) = -3",
    "ceil(x) = 1",
    "least(n, m) = -7",
    "greatest(n, m, 1) = 2",
    "greatest(x, n) = 3",
    "coalesce(n, m, 5) = 5",
    "coalesce(s, 'none') = 'none'",
    "nullif(n, m) IS NULL",
    "nullif(x, 0) IS NULL",
    "nullif(s, '') IS NULL",
    "lower(s) = ' äb '",
    "upper(s) = ' ÄB '",
    "trim(s) = 'Äb'",
    "length(s) > 3",
    "CASE WHEN n > 0 THEN b WHEN m > 0 THEN TRUE END",
    "CASE WHEN b THEN n ELSE m END > 1",
    "CASE n WHEN 3 THEN TRUE WHEN m THEN FALSE ELSE b END",
    "CASE s WHEN '3' THEN 1 END = 1",
    "if(b, n, m) = 2",
    "CASE WHEN t > '2023-12-01' THEN 'new' ELSE 'old' END = 'new'",
    "t < '2024-01-01'",
    "t >= '2024-01-01T00:00:00Z'",
    "t BETWEEN '2023-11-01' AND TIMESTAMPTZ '2023-11-14T22:13:20+00:00'",
    "coalesce(t, '2024-06-01') > '2024-02-01'",
    "CAST(n AS VARCHAR) = s",
    "CAST(b AS VARCHAR) = 'true'",
    "CAST(x AS VARCHAR) = '-2.5'",
    "TRY_CAST(s AS BIGINT) = n",
    "TRY_CAST(s AS DOUBLE) > 2.5",
    "CAST(least(x, 9) AS BIGINT) = -2",
    "CAST(b AS BIGINT) = 1",
    "n > 1.5",
    "TRUE",
    "b = (n > 0)",
    "NULL IS NULL",
)


def rows(text: str) -> Iterator[dict[str, Any]]:
    """Every combination of values of the columns that the text reads."""
    names = sorted(parse_condition(text, TYPES, "test").columns)
    others = {name: values[1] for name, values in VALUES.items() if name not in names}
    for values in itertools.product(*(VALUES[name] for name in names)):
        yield others | dict(zip(names, values, strict=True))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def told(connection: duckdb.DuckDBPyConnection, text: str, table: list[dict[str, Any]]) -> list[Any]:
    kinds = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
    arrays = {name: pa.array([row[name] for row in table], kinds.get(TYPES[name], pa.int64())) for name in TYPES}
    arrays["t"] = arrays["t"].cast(pa.timestamp("us", "UTC"))
    connection.register("t", pa.table(arrays))
    sql = parse_condition(text, TYPES, "test").sql
    return [value for (value,) in connection.execute(f"SELECT {sql} FROM t").fetchall()]


@pytest.mark.parametrize("text", CONDITIONS)
def test_python_and_sql_agree(text: str, connection: duckdb.DuckDBPyConnection) -> None:
    table = list(rows(text))
    condition = Condition(text, ["t"])
    assert [condition(row) for row in table] == told(connection, text, table)


def test_a_moment_as_text_is_as_the_engine_writes_it(connection: duckdb.DuckDBPyConnection) -> None:
    text = "CAST(t AS VARCHAR) = '2023-11-14 22:13:20+00'"
    assert Condition(text, ["t"])({"t": NOON}) is True
    assert told(connection, text, [dict.fromkeys(TYPES) | {"t": NOON}]) == [True]


def test_every_function_that_a_declaration_may_use_is_tried_here() -> None:
    from loanwright.features.language import grammar

    tried = {name for text in CONDITIONS for name in grammar._FUNCTIONS if f"{name}(" in text.lower()}
    assert tried == set(grammar._FUNCTIONS)
    assert parse_expression("n", TYPES, "test").columns == {"n"}
