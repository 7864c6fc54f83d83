"""The restricted SQL: what it takes, what it writes, and every attack that must get one clear error."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loanwright.errors import DeclarationError
from loanwright.features.engines.engine import Engine
from loanwright.features.language.expressions import parse_condition, parse_expression

COLUMNS = {
    "a": "integer",
    "b": "number",
    "name": "text",
    "kind": "category",
    "flag": "boolean",
    "day": "time",
    "Odd \"name\"": "integer",
}  # fmt: skip
WHERE = "feature 'x', filter"


@pytest.mark.parametrize(
    "text",
    [
        "a >= 1",
        "a = 1 AND NOT flag OR b < .5",
        "a != 1 and a <> 2 and a == 3",
        "a IN (1, 2) AND name NOT IN ('x', 'it''s')",
        "a BETWEEN 1 AND 2 AND b IS NULL AND name IS NOT NULL",
        "flag IS TRUE AND a IS NOT DISTINCT FROM 2 AND a IS DISTINCT FROM NULL",
        "CASE WHEN a > 1 THEN flag ELSE FALSE END",
        "CASE a WHEN 1 THEN true WHEN 2 THEN false END", "CASE day WHEN '2005-10-01' THEN flag END",
        "coalesce(name, kind, '') LIKE 'x%' OR kind ILIKE '_y'",
        "lower(trim(name)) = upper(kind) AND length(name) > 3",
        "day >= TIMESTAMPTZ '2005-10-01' AND day < TIMESTAMPTZ '2005-10-01T00:00:00Z'",
        "day < '2005-10-01'",
        "CAST(name AS BIGINT) = 1 AND TRY_CAST(name AS DOUBLE) > 0 AND a::VARCHAR = '1'",
        "a % 2 = 0 AND -a < +3 AND (a + 1) * 2 - 3 > b / a",
        "abs(a) > 1 AND round(b) = round(b, 2) AND floor(b) < ceil(b) AND sign(a) = 1",
        "ln(b) > exp(a) AND sqrt(b) < power(a, 2) AND pow(a, 2) = a ^ 2",
        "least(a, 1) < greatest(a, b, 2) AND nullif(a, 0) = ifnull(b, 1) AND if(a > 1, 2, 3) = 2",
        "\"Odd \"\"name\"\"\" = 1",
        "name = ';' OR name = '--' OR name = '(((' OR name = '/* no comment */'",
        " OR ".join(f"a = {number}" for number in range(90)),
    ],
)  # fmt: skip
def test_what_a_filter_may_say_is_written_as_sql_that_the_engine_takes(text, tmp_path):
    types = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "time": pa.timestamp("us", "UTC")}
    empty = pa.schema([(name, types.get(kind, pa.string())) for name, kind in COLUMNS.items()]).empty_table()

    sql = parse_condition(text, COLUMNS, WHERE).sql

    with Engine(tmp_path, threads=1) as engine:
        engine.add("t", empty)
        assert engine.rows(f"SELECT count(*) FILTER (WHERE {sql}) FROM t") == [(0,)]


ATTACKS = {
    "reads a CSV file": "a > (SELECT count(*) FROM read_csv('/etc/passwd'))",
    "table function as a call": "read_csv('/etc/passwd') = 'x'",
    "reads a text file": "read_text('/etc/passwd') = 'x'",
    "reads a blob": "read_blob('/etc/passwd') IS NULL",
    "reads parquet": "read_parquet('s3://bucket/x') IS NULL",
    "lists files": "glob('/etc/*') IS NOT NULL",
    "scans an Arrow pointer": "arrow_scan(1, 2, 3) IS NULL",
    "runs a query from text": "query('SELECT 1') IS NULL",
    "reads a table by its name": "query_table('source_clients') IS NULL",
    "copies out": "COPY clients TO '/tmp/out.csv'",
    "attaches": "ATTACH '/tmp/x.db' AS x",
    "pragma": "PRAGMA database_list",
    "sets": "SET enable_external_access = true",
    "installs": "INSTALL httpfs",
    "calls": "CALL pragma_version()",
    "selects": "SELECT 1",
    "values": "VALUES (1)",
    "from first": "FROM clients",
    "environment": "getenv('HOME') = 'x'",
    "settings": "current_setting('threads') = '2'",
    "user": "current_user = 'x'",
    "subquery": "a = (SELECT 1)",
    "exists": "EXISTS (SELECT 1)",
    "in a subquery": "a IN (SELECT a FROM clients)",
    "in a table": "a IN clients",
    "in unnest": "a IN UNNEST([1, 2])",
    "any of a subquery": "a = ANY (SELECT 1)",
    "union": "a > 1 UNION SELECT 1",
    "second statement": "a > 1; DROP TABLE clients",
    "trailing semicolon": "a > 1;",
    "line comment": "a > 1 -- and more",
    "block comment": "a /* ) OR (1=1 */ > 1",
    "lambda": "list_transform([1], x -> x) IS NULL",
    "new lambda": "list_filter([1], lambda x: x > 0) IS NULL",
    "list comprehension": "[x FOR x IN [1, 2]] IS NULL",
    "list": "[a] IS NULL",
    "list index": "name[1] = 'x'",
    "struct": "{'a': a} IS NULL",
    "struct function": "struct_pack(x := a) IS NULL",
    "struct field": "a.b = 1",
    "map": "map {'a': 1} IS NULL",
    "row": "(a, b) = (1, 2)",
    "json": "name -> '$.x' = '1'",
    "json text": "name ->> 'x' = '1'",
    "table of a column": "clients.a = 1",
    "star": "* IS NULL",
    "columns": "COLUMNS('a') = 1",
    "position": "#1 = 1",
    "parameter": "a = ?",
    "numbered parameter": "a = $1",
    "named parameter": "a = $name",
    "python variable": "secret_table = 1",
    "rowid": "rowid = 1",
    "clock": "day < now()",
    "clock without call": "day < current_timestamp",
    "today": "day < current_date",
    "today's call": "day < today()",
    "clock in a text": "day < CAST('now' AS TIMESTAMPTZ)",
    "chance": "random() < 0.5",
    "identity": "uuid() IS NULL",
    "next value": "nextval('s') = 1",
    "aggregate": "sum(a) > 1",
    "window function": "row_number() OVER () = 1",
    "windowed aggregate": "sum(a) OVER (ORDER BY a) > 1",
    "filter clause": "count(*) FILTER (WHERE a > 1) > 0",
    "interval": "day > day - INTERVAL '1' DAY",
    "regular expression": "name ~ '(a+)+$'",
    "similar to": "name SIMILAR TO 'x'",
    "glob operator": "name GLOB '*'",
    "concatenation": "name || 'x' = 'y'",
    "repeat": "repeat('x', 1000000000) = 'y'",
    "adjacent strings": "name = 'x' 'y'",
    "escape string": r"name = e'\x27 OR 1=1'",
    "dollar string": "name = $$x$$",
    "hexadecimal": "a = 0xff",
    "blob literal": r"name = '\xAA'::BLOB",
    "cast to a list": "CAST(name AS INTEGER[]) IS NULL",
    "cast to a struct": "CAST(name AS STRUCT(x INTEGER)) IS NULL",
    "cast to decimal": "CAST(a AS DECIMAL(10, 2)) = 1",
    "cast to a named type": "CAST(name AS secret_type) IS NULL",
    "cast to json": "CAST(name AS JSON) IS NULL",
    "collation": "name COLLATE nocase = 'x'",
    "time zone": "day AT TIME ZONE 'Europe/Berlin' IS NULL",
    "extract": "extract(month FROM day) = 1",
    "template": "name = '{{workflow.name}}'",
    "kfp template": "name = '{{$.inputs.parameters}}'",
    "alias": "a AS b",
    "between a query": "a BETWEEN 1 AND (SELECT 2)",
    "query in a case": "CASE WHEN a > 1 THEN (SELECT true) ELSE false END",
    "query in a cast": "CAST((SELECT 1) AS BOOLEAN)",
    "query in a function": "coalesce(flag, (SELECT true))",
    "like any": "name LIKE ANY ('x', 'y')",
    "like escape": "name LIKE 'x' ESCAPE '!'",
    "trim with letters": "trim(BOTH 'x' FROM name) = 'y'",
    "two texts": "a > 1 b",
    "unclosed text": "name = 'x",
    "unclosed name": 'name = "x',
    "unclosed bracket": "(a > 1",
    "closing first": "a > 1) OR (1 = 1",
    "nothing": "",
    "blank": " \n ",
    "no SQL": "a is greater than 1 !",
    "null character": "name = '\x00'",
    "surrogate": "name = '\udc80'",
    "huge number": "a = 99999999999999999999999999",
    "wrong type": "name > 1 + flag",
    "compares text with a number": "day = 5",
    "no condition": "a + 1",
    "a text": "name",
    "null": "NULL",
    "long": "a = 1 OR " * 500 + "a = 2",
    "many tokens": "a+" * 600 + "1 > 0",
    "deep": "(" * 100 + "a" + ")" * 100 + " > 1",
    "very deep": "(" * 900 + "a" + ")" * 900 + " > 1",
    "deep lists": "[" * 900,
    "deep calls": "abs(" * 150 + "a" + ")" * 150 + " > 1",
    "deep not": "NOT " * 390 + "flag",
    "deep minus": "- " * 380 + "a > 1",
    "deep case": "CASE WHEN flag THEN " * 120 + "flag" + " END" * 120,
    "deep case conditions": "CASE WHEN " * 120 + "flag" + " THEN flag END" * 60,
    "deep or": " OR ".join(["flag"] * 199),
    "deep casts": "a" + "::BIGINT" * 190 + " > 1",
}  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_gets_one_clear_error_that_names_the_feature(text):
    with pytest.raises(DeclarationError) as caught:
        parse_condition(text, COLUMNS, WHERE)

    message = str(caught.value)
    assert message.startswith(f"{WHERE}: ")
    assert len(message) < 700
    assert "\n" not in message.replace("\\n", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x_amount > 1", "reads 'x_amount', which is not there"),
        ("nam = 'x'", "reads 'nam', which is not there (did you mean 'name'?)"),
        ("A > 1", "reads 'A', which is not there"),
        ("absolute(a) > 1", "uses absolute, which is not allowed"),
        ("ab(a) > 1", "uses ab, which is not allowed (did you mean 'abs'?)"),
        ("a IN (SELECT 1)", "holds a query, which is not allowed"),
        ("a > 1;", "holds ';', and is one expression only"),
        ("name = 'x\ny'", "compares with 'x\\ny', a text of several lines"),
        ("CAST(a AS DECIMAL(10, 2)) = 1", "casts to DECIMAL(10, 2), which is not allowed"),
        ("a + 1", "is a number, not a condition. Compare it with something"),
        ("name = '{{x}}'", "holds '{{', which a cluster would expand"),
        ("flag = 'perhaps'", "puts a condition with a text together"),
        ("a = 1 AND b", "has a number where a condition must stand"),
        ("day > '2005-13-01'", "puts a text with a time together"),
        ("day > '1 May 2005'", "puts a text with a time together"),
        ("kind = 2", "puts a number with a text together. Write texts in quotes"),
        ("CASE WHEN a THEN flag END", "has a number where a condition must stand"),
        ("CASE WHEN flag THEN 1 ELSE 'x' END = 1", "puts a number with a text together"),
        ("round(b, a) > 1", "rounds to a number of decimals that is not written out"),
        ("a = b'1'", "is not an SQL expression"),
    ],
)
def test_the_error_says_what_is_wrong(text, message):
    with pytest.raises(DeclarationError) as caught:
        parse_condition(text, COLUMNS, WHERE)

    assert message in str(caught.value)


def test_a_refused_column_is_told_from_an_unknown_one():
    with pytest.raises(DeclarationError, match="reads column 'kind', which is barred from features"):
        parse_condition("kind = 'x'", COLUMNS, WHERE, refused={"kind": "is barred from features"})


def test_a_quoted_name_cannot_leave_its_quotes():
    columns = {'x" OR 1=1 --': "integer"}

    sql = parse_condition('"x"" OR 1=1 --" = 1', columns, WHERE).sql

    assert sql == '("x"" OR 1=1 --" = 1)'


@pytest.mark.parametrize("text", ["name", "day", "NULL", "name = 'x' OR"])
def test_an_expression_that_is_no_number_is_refused(text):
    with pytest.raises(DeclarationError, match=r"^feature 'y': "):
        parse_expression(text, COLUMNS, "feature 'y'")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 / 0", None),
        ("7 / 2", 3.5),
        ("7 % 0", None),
        ("7 % 4", 3),
        ("ln(0)", None),
        ("ln(-1)", None),
        ("ln(exp(1))", 1),
        ("sqrt(-1)", None),
        ("sqrt(-1) > 3", None),
        ("ln(-1) > 3", None),
        ("exp(1000)", None),
        ("power(10, 400)", None),
        ("power(-8, .5)", None),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("1.50 * 2.25", 3.375),
        ("round(2.567, 2)", 2.57),
        ("if(1 > 2, 3, 4)", 4),
        ("if(1 > 2, 3)", None),
        ("least(3, NULL, 2)", 2),
        ("CASE WHEN NULL THEN 1 ELSE 2 END", 2),
        ("2 - 3 - 4", -5),
        ("2 * (3 + 4)", 14),
        ("- 2 ^ 2", 4),
        ("NOT 1 = 2 AND 1 = 2", False),
        ("1 = 1 OR 1 = 1 AND 1 = 2", True),
        ("length('it''s')", 4),
        ("TRY_CAST('x' AS DOUBLE)", None),
    ],
)
def test_an_expression_has_the_value_that_its_reader_expects(text, value, tmp_path):
    with Engine(tmp_path, threads=1) as engine:
        assert engine.rows(f"SELECT {parse_expression(text, {}, WHERE).sql}") == [(value,)]


NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "1", "0", "2.5", "-3", "1e3", "nullif(a, 0)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%^"), inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(st.sampled_from(["abs", "ln", "exp", "sqrt", "sign", "round", "floor", "-"]), inner).map(
            lambda parts: f"{parts[0]}({parts[1]})"
        ),
        st.tuples(st.sampled_from(["least", "greatest", "coalesce", "nullif"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda parts: f"CASE WHEN {parts[0]} < {parts[1]} THEN {parts[2]} END"),
    ),
    max_leaves=6,
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(NUMBERS, min_size=20, max_size=20))
def test_whatever_is_let_through_runs_in_the_engine_and_is_a_finite_number_or_null(texts):
    rows = pa.table({"a": [0, 1, -2, 7, None], "b": [0.0, -0.5, 3.25, None, 1e9]})
    columns = ", ".join(parse_expression(text, COLUMNS, WHERE).sql for text in texts)

    with Engine(Path(), threads=1) as engine:
        engine.add("t", rows)
        values = {value for row in engine.rows(f"SELECT {columns} FROM t") for value in row}

    assert not any(value is not None and math.isnan(value) for value in values)


def test_the_columns_that_are_read_are_known():
    assert parse_expression("a / b + a", COLUMNS, WHERE).columns == {"a", "b"}
