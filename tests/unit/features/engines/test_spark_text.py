"""Compiled texts as Spark reads them; what it would compute otherwise is refused. Needs no Spark."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loanwright.errors import DeclarationError, EnvironmentFault, UsageError
from loanwright.features.engines.choice import named, opened
from loanwright.features.engines.engine import Engine
from loanwright.features.engines.spark_text import parts_of, spark_text
from loanwright.features.language.dialect import DUCKDB, SPARK
from loanwright.features.language.expressions import parse_condition, parse_expression

COLUMNS = {"a": "number", "n": "integer", "t": "text", "at": "time", "yes": "boolean"}


def test_names_and_texts_are_quoted_as_spark_quotes_them() -> None:
    text = """SELECT "a""b", "c`d", 'it''s a \\ "x"' FROM t WHERE CAST(x AS VARCHAR) < TIMESTAMPTZ '2026-01-31'"""
    assert spark_text(text) == (
        """SELECT `a"b`, `c``d`, 'it''s a \\\\ "x"' FROM t WHERE CAST(x AS STRING) < TIMESTAMP_LTZ '2026-01-31'"""
    )
    assert spark_text(spark_text("""SELECT "a" """)) == "SELECT `a` "


def test_a_query_comes_apart_into_its_parts() -> None:
    text = """WITH one AS (\n  SELECT ')' AS "b)" FROM (SELECT 1) x\n),\ntwo AS (\n  SELECT 2\n)\nSELECT 3, (4)"""
    parts, last = parts_of(text)
    assert parts == {"one": """SELECT ')' AS "b)" FROM (SELECT 1) x""", "two": "SELECT 2"}
    assert last == "SELECT 3, (4)"
    assert parts_of("SELECT 1") == ({}, "SELECT 1")
    with pytest.raises(ValueError, match="not closed"):
        parts_of("WITH one AS ((SELECT 1)")


@pytest.mark.parametrize(
    "text",
    ["ln(a)", "exp(a)", "power(a, 2)", "round(a, 2)", "length(lower(t))", "length(trim(t))", "CAST(t AS DOUBLE)",
     "length(CAST(a AS VARCHAR))", "length(CAST(at AS VARCHAR))", "TRY_CAST(t AS BIGINT)"],
)  # fmt: skip
def test_what_spark_may_compute_otherwise_is_refused(text: str) -> None:
    assert parse_expression(text, COLUMNS, "feature 'x'").sql
    with pytest.raises(DeclarationError, match=r"which spark may compute otherwise.*LOANWRIGHT_FEATURE_ENGINE=duckdb"):
        parse_expression(text, COLUMNS, "feature 'x'", engine=SPARK)


def test_what_is_the_same_on_both_is_written_for_spark() -> None:
    with pytest.raises(DeclarationError, match="uses ilike"):
        parse_condition("t ILIKE 'a%'", COLUMNS, "feature 'x'", engine=SPARK)
    like = parse_condition("t LIKE 'a%'", COLUMNS, "feature 'x'", engine=SPARK).sql
    assert like == r"""("t" LIKE replace('a%', '\', '\\'))"""
    assert parse_expression("CAST(a AS BIGINT)", COLUMNS, "x", engine=SPARK).sql == 'CAST(bround("a") AS BIGINT)'
    assert parse_expression("CAST(yes AS BIGINT)", COLUMNS, "x", engine=SPARK).sql == 'CAST("yes" AS BIGINT)'


def test_an_engine_is_chosen_by_name(tmp_path: Path) -> None:
    assert (named("duckdb"), named("spark")) == (DUCKDB, SPARK)
    with opened("duckdb", tmp_path) as engine:
        assert type(engine) is Engine
    with pytest.raises(UsageError, match=r"LOANWRIGHT_FEATURE_ENGINE is 'sparc'.*duckdb or spark"):
        named("sparc")


def test_without_pyspark_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    with pytest.raises(EnvironmentFault, match=r"pyspark is not installed.*make install-spark"):
        opened("spark", tmp_path)
