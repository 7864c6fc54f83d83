"""The restricted SQL of declarations: parsed, checked against an allow-list, and written anew.

A filter or a derived feature is text from a declaration, and a declaration is not trusted to read files,
settings or the clock. The text is parsed, every node of the tree has to be in `_SHAPES`, and the SQL that
the engine gets is written from those shapes: nothing of the original text is handed on but names of
declared columns and literals. The result is then bound against empty columns of the declared types in a
locked engine, so that wrong types are found before any data is read.

Values that have no number are null: x / 0, x % 0, ln of what is not positive, sqrt of a negative, overflow.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from loanwright.errors import DeclarationError, near
from loanwright.features.engine import refusal_to_bind

if TYPE_CHECKING:
    from sqlglot.tokens import Token

SQL_TYPES: Mapping[str, str] = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "VARCHAR",
    "category": "VARCHAR",
    "boolean": "BOOLEAN",
    "time": "TIMESTAMPTZ",
}
"""A declared column's type in the engine."""

_LONGEST = 2_000
_MOST_TOKENS = 400
_DEEPEST = 40
_NAN, _INFINITY, _MINUS_INFINITY = (f"CAST('{value}' AS DOUBLE)" for value in ("nan", "inf", "-inf"))
_CASTS = {
    exp.DType.BIGINT: "BIGINT",
    exp.DType.INT: "BIGINT",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.VARCHAR: "VARCHAR",
    exp.DType.TEXT: "VARCHAR",
    exp.DType.BOOLEAN: "BOOLEAN",
    exp.DType.TIMESTAMPTZ: "TIMESTAMPTZ",
}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}|(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d{1,3})?", re.ASCII)

_SHAPES: Mapping[type[exp.Expr], str] = {
    exp.Paren: "({this})",
    exp.And: "({this} AND {expression})",
    exp.Or: "({this} OR {expression})",
    exp.Not: "(NOT {this})",
    exp.EQ: "({this} = {expression})",
    exp.NEQ: "({this} <> {expression})",
    exp.LT: "({this} < {expression})",
    exp.LTE: "({this} <= {expression})",
    exp.GT: "({this} > {expression})",
    exp.GTE: "({this} >= {expression})",
    exp.NullSafeEQ: "({this} IS NOT DISTINCT FROM {expression})",
    exp.NullSafeNEQ: "({this} IS DISTINCT FROM {expression})",
    exp.Is: "({this} IS {expression})",
    exp.In: "({this} IN ({expressions}))",
    exp.Between: "({this} BETWEEN {low} AND {high})",
    exp.Like: "({this} LIKE {expression})",
    exp.ILike: "({this} ILIKE {expression})",
    exp.Neg: "(- {this})",
    exp.Add: "({this} + {expression})",
    exp.Sub: "({this} - {expression})",
    exp.Mul: "({this} * {expression})",
    exp.Div: "({this} / nullif({expression}, 0))",
    exp.Mod: "({this} % nullif({expression}, 0))",
    exp.Pow: f"nullif(nullif(power({{this}}, {{expression}}), {_INFINITY}), {_NAN})",
    exp.Ln: f"nullif(nullif(ln({{this}}), {_MINUS_INFINITY}), {_NAN})",
    exp.Exp: f"nullif(exp({{this}}), {_INFINITY})",
    exp.Sqrt: f"nullif(sqrt({{this}}), {_NAN})",
    exp.Abs: "abs({this})",
    exp.Sign: "sign({this})",
    exp.Round: "round({this}, {decimals})",
    exp.Floor: "floor({this})",
    exp.Ceil: "ceil({this})",
    exp.Least: "least({this}, {expressions})",
    exp.Greatest: "greatest({this}, {expressions})",
    exp.Coalesce: "coalesce({this}, {expressions})",
    exp.Nullif: "nullif({this}, {expression})",
    exp.Lower: "lower({this})",
    exp.Upper: "upper({this})",
    exp.Trim: "trim({this})",
    exp.Length: "length({this})",
    exp.Null: "NULL",
}
"""Every node a declaration may use, and how it is written; a few more are in `_Writer`."""

_OPTIONAL = {exp.Round: ", {decimals}", exp.Coalesce: ", {expressions}"}
_MARKS = {"ignore_nulls", "safe", "typed", "is_string"}
"""Arguments by which the parser notes a dialect's habits: no text of the declaration."""
_FIX = (
    "Allowed are comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, CASE, + - * / %, CAST to BIGINT, DOUBLE, "
    "VARCHAR, BOOLEAN or TIMESTAMPTZ, and the functions abs, ceil, coalesce, exp, floor, greatest, least, length, ln, "
    "lower, nullif, power, round, sign, sqrt, trim, upper"
)
_FUNCTIONS = tuple(re.findall(r"\w+", _FIX.partition("functions ")[2]))


@dataclass(frozen=True)
class Parsed:
    """An expression that passed: the SQL to give to an engine, and the columns it reads."""

    sql: str
    columns: frozenset[str]


def check_condition(
    text: str, columns: Mapping[str, str], where: str, *, refused: Mapping[str, str] | None = None
) -> str:
    """The SQL of a condition over columns, such as a filter.

    Args:
        text: what the declaration says.
        columns: name → declared type of every column it may read.
        where: what the text belongs to, for messages: ``"feature 'late_months', filter"``.
        refused: name → reason, for columns that exist and may not be read here.

    Raises:
        DeclarationError: the text is no condition, or uses what is not allowed.
    """
    return parse_condition(text, columns, where, refused=refused).sql


def check_expression(
    text: str, columns: Mapping[str, str], where: str, *, refused: Mapping[str, str] | None = None
) -> str:
    """The SQL of an expression over columns whose result is a number (true is 1, false is 0).

    Args and errors are those of `check_condition`.
    """
    return parse_expression(text, columns, where, refused=refused).sql


def parse_condition(
    text: str, columns: Mapping[str, str], where: str, *, refused: Mapping[str, str] | None = None
) -> Parsed:
    """`check_condition`, with the columns that are read."""
    parsed, found = _parse(text, columns, where, refused or {})
    if found != "BOOLEAN":
        raise DeclarationError(
            f"{where}: {_shown(text)} is {_article(found)}, not a condition", fix="Compare it with something"
        )
    return parsed


def parse_expression(
    text: str, columns: Mapping[str, str], where: str, *, refused: Mapping[str, str] | None = None
) -> Parsed:
    """`check_expression`, with the columns that are read."""
    parsed, found = _parse(text, columns, where, refused or {})
    if (
        not found.startswith(("DECIMAL", "DOUBLE", "FLOAT", "BOOLEAN"))
        and not found.endswith("INT")
        and found != "INTEGER"
    ):
        raise DeclarationError(f"{where}: {_shown(text)} is {_article(found)}, not a number")
    return parsed


def _parse(text: str, columns: Mapping[str, str], where: str, refused: Mapping[str, str]) -> tuple[Parsed, str]:
    tree = _tree(text, where)
    writer = _Writer(text, columns, where, refused)
    parsed = Parsed(writer.write(tree), frozenset(writer.read))
    types = {name: SQL_TYPES[columns[name]] for name in sorted(parsed.columns)}
    found, problem = refusal_to_bind(parsed.sql, types)
    if problem is not None:
        raise DeclarationError(f"{where}: {_shown(text)} does not fit its columns' types: {problem}")
    return parsed, found


def _tree(text: str, where: str) -> exp.Expr:
    """The text's tree, not yet checked, but small and without anything that could hide."""
    if "{{" in text or "}}" in text:
        raise DeclarationError(f"{where}: {_shown(text)} holds '{{{{', which a cluster would expand")
    if len(text) > _LONGEST:
        raise DeclarationError(f"{where}: the text has {len(text)} characters, more than {_LONGEST}")
    dialect = _dialect()
    try:
        tokens = dialect.tokenize(text)
    except SqlglotError:
        raise DeclarationError(f"{where}: {_shown(text)} is not SQL: a quote is not closed") from None
    _check_tokens(tokens, text, where)
    try:
        trees = dialect.parser().parse_into(exp.Condition, tokens, text)
    except (SqlglotError, RecursionError):
        raise DeclarationError(f"{where}: {_shown(text)} is not an SQL expression", fix=_FIX) from None
    if len(trees) != 1 or trees[0] is None:
        raise DeclarationError(f"{where}: {_shown(text)} is not an SQL expression", fix=_FIX)
    return trees[0]


def _check_tokens(tokens: list[Token], text: str, where: str) -> None:
    depth = deepest = 0
    for token in tokens:
        if token.comments:
            raise DeclarationError(f"{where}: {_shown(text)} holds a comment; say it in 'description'")
        if token.text == ";":
            raise DeclarationError(f"{where}: {_shown(text)} holds ';', and is one expression only")
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        depth += (token.text.upper() == "CASE") - (token.text.upper() == "END")
        deepest = max(deepest, depth)
    if len(tokens) > _MOST_TOKENS or deepest > _DEEPEST:
        raise DeclarationError(
            f"{where}: {_shown(text)} is too long or too deeply nested", fix="Split it into several derived features"
        )


class _Writer:
    """Writes an allow-listed tree as SQL, and refuses every other."""

    def __init__(self, text: str, columns: Mapping[str, str], where: str, refused: Mapping[str, str]) -> None:
        self._text, self._columns, self._where, self._refused = text, columns, where, refused
        self._special: Mapping[type[exp.Expr], Callable[[Any], str]] = {
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda node: "TRUE" if node.this else "FALSE",
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
        }
        self.read: set[str] = set()

    def write(self, node: exp.Expr, depth: int = 0) -> str:
        if depth > 2 * _DEEPEST:
            raise self._error("is too deeply nested", fix="Split it into several derived features")
        special = self._special.get(type(node))
        if special is not None:
            self._depth = depth
            return special(node)
        shape = _SHAPES.get(type(node))
        if shape is None:
            raise self._not_allowed(node)
        for argument, omitted in (
            (name, text) for kind, text in _OPTIONAL.items() if type(node) is kind for name in _names(text)
        ):
            if not node.args.get(argument):
                shape = shape.replace(omitted, "")
        fields = _names(shape)
        if any(value and name not in fields and name not in _MARKS for name, value in node.args.items()):
            raise self._not_allowed(node)
        parts = {}
        for name in fields:
            value = node.args.get(name)
            if not value:
                raise self._not_allowed(node)
            nodes = value if isinstance(value, list) else [value]
            parts[name] = ", ".join(self.write(part, depth + 1) for part in nodes)
        return shape.format_map(parts)

    def _column(self, node: exp.Column) -> str:
        if len(node.parts) != 1 or not isinstance(node.this, exp.Identifier):
            raise self._error(f"reads {node.sql()!r}, and a column is named without a table")
        name = node.name
        if name in self._refused:
            raise self._error(f"reads column {name!r}, which {self._refused[name]}")
        if name not in self._columns:
            raise self._error(f"reads {name!r}, which is not there{near(name, self._columns)}")
        self.read.add(name)
        return '"' + name.replace('"', '""') + '"'

    def _literal(self, node: exp.Literal) -> str:
        if node.is_string:
            return "'" + node.this.replace("'", "''") + "'"
        if not _NUMBER.fullmatch(node.this):
            raise self._error(f"holds the number {node.this!r}, which is too large or not plain")
        # A literal with a point would be a decimal of its own width; here every such number is a double.
        return node.this if node.this.isdigit() else f"CAST('{node.this}' AS DOUBLE)"

    def _case(self, node: exp.Case) -> str:
        depth = self._depth + 1
        parts = ["CASE"]
        if node.this:
            parts.append(self.write(node.this, depth))
        for branch in node.args["ifs"]:
            parts.append(f"WHEN {self.write(branch.this, depth)} THEN {self.write(branch.args['true'], depth)}")
        if node.args.get("default"):
            parts.append(f"ELSE {self.write(node.args['default'], depth)}")
        return " ".join([*parts, "END"])

    def _cast(self, node: exp.Cast) -> str:
        target = _CASTS.get(node.to.this) if not node.to.expressions else None
        if target is None or node.args.get("format") or node.args.get("action") or node.args.get("default"):
            raise self._error(f"casts to {node.to.sql(dialect='duckdb')}, which is not allowed", fix=_FIX)
        if target == "TIMESTAMPTZ" and not (
            isinstance(node.this, exp.Literal) and node.this.is_string and _MOMENT.fullmatch(node.this.this)
        ):
            raise self._error(
                "casts to a time what is not a plain day or a moment with its zone",
                fix="Write it as in TIMESTAMPTZ '2026-01-31T00:00:00Z'",
            )
        return (
            f"{'TRY_' if type(node) is exp.TryCast else ''}CAST({self.write(node.this, self._depth + 1)} AS {target})"
        )

    def _not_allowed(self, node: exp.Expr) -> DeclarationError:
        if isinstance(node, exp.Func) and not isinstance(node, exp.Connector):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            return self._error(f"calls {name}(), which is not allowed{near(name, _FUNCTIONS)}", fix=_FIX)
        return self._error(f"uses {type(node).__name__.upper()}, which is not allowed", fix=_FIX)

    def _error(self, problem: str, *, fix: str | None = None) -> DeclarationError:
        return DeclarationError(f"{self._where}: {_shown(self._text)} {problem}", fix=fix)


@cache
def _dialect() -> Dialect:
    return Dialect.get_or_raise("duckdb")


@cache
def _names(shape: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in string.Formatter().parse(shape) if name)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _article(found: str) -> str:
    return {"VARCHAR": "a text", "BOOLEAN": "a condition", "TIMESTAMPTZ": "a time"}.get(found, f"a {found.lower()}")
