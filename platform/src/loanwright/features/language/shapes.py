"""The nodes of SQL that a declaration's expressions may be made of, and how each is written.

Values that have no number are null: x / 0, x % 0, ln of what is not positive, sqrt of a negative, overflow of a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from sqlglot import exp

Kind = Literal["number", "text", "condition", "time", "null"]
KINDS: Mapping[str, Kind] = {
    "integer": "number",
    "number": "number",
    "text": "text",
    "category": "text",
    "boolean": "condition",
    "time": "time",
}
"""Of which kind a declared column is."""


class Shape(NamedTuple):
    """How a node is written, what its operands must be (or ``alike``: of one kind), and what it is itself
    (or ``same``: of their kind). A field with a start, such as ``{expressions:, }``, may be absent."""

    sql: str
    takes: Kind | Literal["alike"]
    gives: Kind | Literal["same"]


_NAN, _INFINITY, _MINUS_INFINITY = (f"CAST('{value}' AS DOUBLE)" for value in ("nan", "inf", "-inf"))
SHAPES: Mapping[type[exp.Expr], Shape] = {
    exp.Paren: Shape("({this})", "alike", "same"),
    exp.And: Shape("({this} AND {expression})", "condition", "condition"),
    exp.Or: Shape("({this} OR {expression})", "condition", "condition"),
    exp.Not: Shape("(NOT {this})", "condition", "condition"),
    exp.EQ: Shape("({this} = {expression})", "alike", "condition"),
    exp.NEQ: Shape("({this} <> {expression})", "alike", "condition"),
    exp.LT: Shape("({this} < {expression})", "alike", "condition"),
    exp.LTE: Shape("({this} <= {expression})", "alike", "condition"),
    exp.GT: Shape("({this} > {expression})", "alike", "condition"),
    exp.GTE: Shape("({this} >= {expression})", "alike", "condition"),
    exp.NullSafeEQ: Shape("({this} IS NOT DISTINCT FROM {expression})", "alike", "condition"),
    exp.NullSafeNEQ: Shape("({this} IS DISTINCT FROM {expression})", "alike", "condition"),
    exp.Is: Shape("({this} IS {expression})", "alike", "condition"),
    exp.In: Shape("({this} IN ({expressions}))", "alike", "condition"),
    exp.Between: Shape("({this} BETWEEN {low} AND {high})", "alike", "condition"),
    exp.Like: Shape("({this} LIKE {expression})", "text", "condition"),
    exp.ILike: Shape("({this} ILIKE {expression})", "text", "condition"),
    exp.Neg: Shape("(- {this})", "number", "number"),
    exp.Add: Shape("({this} + {expression})", "number", "number"),
    exp.Sub: Shape("({this} - {expression})", "number", "number"),
    exp.Mul: Shape("({this} * {expression})", "number", "number"),
    exp.Div: Shape("({this} / nullif({expression}, 0))", "number", "number"),
    exp.Mod: Shape("({this} % nullif({expression}, 0))", "number", "number"),
    exp.Pow: Shape(f"nullif(nullif(power({{this}}, {{expression}}), {_INFINITY}), {_NAN})", "number", "number"),
    exp.Ln: Shape(f"nullif(nullif(ln({{this}}), {_MINUS_INFINITY}), {_NAN})", "number", "number"),
    exp.Exp: Shape(f"nullif(exp({{this}}), {_INFINITY})", "number", "number"),
    exp.Sqrt: Shape(f"nullif(sqrt({{this}}), {_NAN})", "number", "number"),
    exp.Abs: Shape("abs({this})", "number", "number"),
    exp.Sign: Shape("sign({this})", "number", "number"),
    exp.Round: Shape("round({this}{decimals:, })", "number", "number"),
    exp.Floor: Shape("floor({this})", "number", "number"),
    exp.Ceil: Shape("ceil({this})", "number", "number"),
    exp.Least: Shape("least({this}{expressions:, })", "alike", "same"),
    exp.Greatest: Shape("greatest({this}{expressions:, })", "alike", "same"),
    exp.Coalesce: Shape("coalesce({this}{expressions:, })", "alike", "same"),
    exp.Nullif: Shape("nullif({this}, {expression})", "alike", "same"),
    exp.Lower: Shape("lower({this})", "text", "text"),
    exp.Upper: Shape("upper({this})", "text", "text"),
    exp.Trim: Shape("trim({this})", "text", "text"),
    exp.Length: Shape("length({this})", "text", "number"),
}
"""Every node a declaration may use; those with more to look at are in `grammar.Writer`."""

CASTS: Mapping[exp.DType, tuple[str, Kind]] = {
    exp.DType.BIGINT: ("BIGINT", "number"),
    exp.DType.INT: ("BIGINT", "number"),
    exp.DType.DOUBLE: ("DOUBLE", "number"),
    exp.DType.VARCHAR: ("VARCHAR", "text"),
    exp.DType.TEXT: ("VARCHAR", "text"),
}
"""What a declaration may cast to, and of which kind that is."""
