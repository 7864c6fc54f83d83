"""The restricted SQL of declarations: parsed, checked against an allow-list, and written anew.

A filter or a derived feature is text from a declaration, and a declaration is not trusted to read files,
settings or the clock. The text is parsed, every node of the tree has to be one that `grammar` knows, and the
SQL that the engine gets is written by it: nothing of the original text is handed on but names of declared
columns and literals.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from loanwright.errors import DeclarationError
from loanwright.features.language.dialect import DUCKDB
from loanwright.features.language.dialect import Dialect as Engine
from loanwright.features.language.grammar import ALLOWED, SPLIT, Writer, a, shown
from loanwright.features.language.shapes import Kind

_LONGEST = 2_000
_MOST_TOKENS = 400
_MOST_BRACKETS = 40
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}


@dataclass(frozen=True)
class Parsed:
    """An expression that passed: the SQL to give to an engine, and the columns it reads."""

    sql: str
    columns: frozenset[str]


def parse_condition(
    text: str,
    columns: Mapping[str, str],
    where: str,
    *,
    refused: Mapping[str, str] | None = None,
    engine: Engine = DUCKDB,
) -> Parsed:
    """A condition over columns, such as a filter.

    Args:
        text: what the declaration says.
        columns: name → declared type of every column it may read.
        where: what the text belongs to, for messages: ``"feature 'late_months', filter"``.
        refused: name → reason, for columns that exist and may not be read here.
        engine: whose SQL is written.

    Raises:
        DeclarationError: the text is no condition, or uses what is not allowed.
    """
    parsed, kind = _parse(text, columns, where, refused or {}, engine)
    if kind != "condition":
        raise DeclarationError(f"{where}: {shown(text)} is {a(kind)}, not a condition", fix="Compare it with something")
    return parsed


def parse_expression(
    text: str,
    columns: Mapping[str, str],
    where: str,
    *,
    refused: Mapping[str, str] | None = None,
    engine: Engine = DUCKDB,
) -> Parsed:
    """An expression over columns whose result is a number (true is 1, false is 0).

    Args and errors are those of `parse_condition`.
    """
    parsed, kind = _parse(text, columns, where, refused or {}, engine)
    if kind not in ("number", "condition"):
        raise DeclarationError(f"{where}: {shown(text)} is {a(kind)}, not a number")
    return parsed


def _parse(
    text: str, columns: Mapping[str, str], where: str, refused: Mapping[str, str], engine: Engine
) -> tuple[Parsed, Kind]:
    writer = Writer(text, columns, where, refused, engine)
    written = writer.write(_tree(text, where))
    return Parsed(written.sql, frozenset(writer.read)), written.kind


def _tree(text: str, where: str) -> exp.Expr:
    """The text's tree, not yet checked, but small and without anything that could hide."""
    if "{{" in text or "}}" in text:
        raise DeclarationError(f"{where}: {shown(text)} holds '{{{{', which a cluster would expand")
    if len(text) > _LONGEST:
        raise DeclarationError(f"{where}: the text has {len(text)} characters, more than {_LONGEST}")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\t\r\n" for letter in text):
        raise DeclarationError(f"{where}: {shown(text)} holds a character that cannot be printed")
    dialect = _dialect()
    try:
        tokens = dialect.tokenize(text)
    except SqlglotError:
        raise DeclarationError(f"{where}: {shown(text)} is not SQL: a quote is not closed") from None
    _check_tokens(tokens, text, where)
    try:
        trees = dialect.parser().parse_into(exp.Condition, tokens, text)
    except (SqlglotError, RecursionError):
        raise DeclarationError(f"{where}: {shown(text)} is not an SQL expression", fix=ALLOWED) from None
    if len(trees) != 1 or trees[0] is None:
        raise DeclarationError(f"{where}: {shown(text)} is not an SQL expression", fix=ALLOWED)
    return trees[0]


def _check_tokens(tokens: list[Token], text: str, where: str) -> None:
    depth = deepest = 0
    for token in tokens:
        if token.comments:
            raise DeclarationError(f"{where}: {shown(text)} holds a comment; say it in 'description'")
        if token.token_type == TokenType.SEMICOLON:
            raise DeclarationError(f"{where}: {shown(text)} holds ';', and is one expression only")
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        deepest = max(deepest, depth)
    if len(tokens) > _MOST_TOKENS or deepest > _MOST_BRACKETS:
        raise DeclarationError(f"{where}: {shown(text)} is too long or too deeply nested", fix=SPLIT)


@cache
def _dialect() -> Dialect:
    return Dialect.get_or_raise("duckdb")
