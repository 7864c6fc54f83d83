"""What a declared condition means for one row, in Python: the definition that compiled SQL is held to.

The text is parsed as it is everywhere (sqlglot), and `grammar` says which trees are allowed; from there on
nothing is shared with what is written for the engines. Logic has three values: None is unknown.

Numbers are int or float, and where both meet they meet as doubles; times are whole microseconds. A value that
leaves 64 bit is an error of the engines, of which a definition says nothing.
"""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sqlglot import exp, parse_one

from loanwright.config.base import parse_moment

Row = Mapping[str, Any]
_OPERANDS = ("this", "expression", "expressions", "low", "high", "decimals")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Condition:
    """A condition over a source's columns.

    Args:
        text: what the declaration says, which `expressions.parse_condition` accepts.
        times: the columns that hold times, so that a text beside one is read as a moment.
    """

    def __init__(self, text: str, times: Sequence[str] = ()) -> None:
        self._tree: exp.Expr = parse_one(text, into=exp.Condition, dialect="duckdb")
        self._times = frozenset(times)

    def __call__(self, row: Row) -> bool | None:
        """Whether it holds for the row; None: unknown."""
        return _truth(self._value(self._tree, row))

    def _value(self, node: exp.Expr, row: Row) -> Any:
        match node:
            case exp.Column():
                found = row[node.name]
            case exp.Literal() | exp.Boolean() | exp.Null():
                found = _literal(node)
            case exp.Paren():
                found = self._value(node.this, row)
            case exp.Case():
                found = self._case(node, row)
            case exp.If():
                holds = _truth(self._value(node.this, row)) is True
                found = self._optional(node.args["true"] if holds else node.args.get("false"), row)
            case exp.Cast():
                found = self._cast(node, row)
            case _:
                found = self._operation(node, row)
        return found

    def _optional(self, node: exp.Expr | None, row: Row) -> Any:
        return None if node is None else self._value(node, row)

    def _operation(self, node: exp.Expr, row: Row) -> Any:
        operands = [operand for name in _OPERANDS for operand in _listed(node.args.get(name))]
        values = [self._value(operand, row) for operand in operands]
        return _OPERATIONS[type(node)](*_alike(values, times=any(map(self._is_time, operands))))

    def _is_time(self, node: exp.Expr) -> bool:
        """Whether the node's value is a time."""
        match node:
            case exp.Column():
                return node.name in self._times
            case exp.Cast():
                return bool(node.to.this == exp.DType.TIMESTAMPTZ)
            case exp.Case():
                return any(self._is_time(branch.args["true"]) for branch in node.args["ifs"])
            case exp.If():
                return self._is_time(node.args["true"])
            case exp.Paren() | exp.Coalesce() | exp.Nullif() | exp.Least() | exp.Greatest():
                return any(self._is_time(each) for name in _OPERANDS for each in _listed(node.args.get(name)))
        return False

    def _case(self, node: exp.Case, row: Row) -> Any:
        for branch in node.args["ifs"]:
            if node.this:
                pair = (node.this, branch.this)
                values = [self._value(each, row) for each in pair]
                holds = _strict(operator.eq)(*_alike(values, times=any(map(self._is_time, pair))))
            else:
                holds = _truth(self._value(branch.this, row))
            if holds is True:
                return self._value(branch.args["true"], row)
        return self._optional(node.args.get("default"), row)

    def _cast(self, node: exp.Cast, row: Row) -> Any:
        value = self._value(node.this, row)
        if value is None:
            return None
        match node.to.this:
            case exp.DType.TIMESTAMPTZ:
                return _micros(value)
            case exp.DType.BIGINT | exp.DType.INT:
                return _whole(value)
            case exp.DType.DOUBLE:
                return _double(value)
        return _text(value, time=self._is_time(node.this))


def _listed(value: Any) -> list[exp.Expr]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _literal(node: exp.Expr) -> Any:
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    text = str(node.this)
    if node.is_string:
        return text
    return int(text) if text.isdigit() else float(text)


def _micros(moment: str) -> int:
    return (parse_moment(moment) - _EPOCH) // _MICROSECOND


def _alike(values: list[Any], *, times: bool) -> list[Any]:
    """The values as they meet: a text beside a time is a moment, a whole number beside a double is one."""
    if times:
        return [_micros(value) if isinstance(value, str) else value for value in values]
    if any(isinstance(value, float) for value in values):
        return [float(value) if type(value) is int else value for value in values]
    return values


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """Null as soon as one operand is, or there is no number."""

    def apply(*values: Any) -> Any:
        if any(value is None for value in values):
            return None
        try:
            return function(*values)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return apply


def _and(left: Any, right: Any) -> bool | None:
    values = (_truth(left), _truth(right))
    return False if False in values else None if None in values else True


def _or(left: Any, right: Any) -> bool | None:
    values = (_truth(left), _truth(right))
    return True if True in values else None if None in values else False


def _in(value: Any, *listed: Any) -> bool | None:
    if value is None:
        return None
    if any(each is not None and value == each for each in listed):
        return True
    return None if None in listed else False


def _between(value: Any, low: Any, high: Any) -> bool | None:
    return _and(_strict(operator.ge)(value, low), _strict(operator.le)(value, high))


def _like(text: str, pattern: str) -> bool:
    wild = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(wild, text, re.DOTALL) is not None


def _recased(change: Callable[[str], str]) -> Callable[[str], str]:
    """Letter by letter, so that a text keeps its length."""
    return lambda text: "".join(new if len(new := change(letter)) == 1 else letter for letter in text)


def _trimmed(text: str) -> str:
    """Without the spaces at both ends; tabs and line ends are no spaces."""
    while text and unicodedata.category(text[0]) == "Zs":
        text = text[1:]
    while text and unicodedata.category(text[-1]) == "Zs":
        text = text[:-1]
    return text


def _quotient(dividend: float, divisor: float) -> float:
    return float(dividend) / float(divisor)


def _rest(dividend: float, divisor: float) -> float:
    """With the dividend's sign."""
    if isinstance(dividend, int) and isinstance(divisor, int):
        return int(math.copysign(1, dividend)) * (abs(dividend) % abs(divisor))
    return math.fmod(dividend, divisor)


def _power(base: float, exponent: float) -> float | None:
    result = math.pow(base, exponent)
    return result if math.isfinite(result) else None


def _away(value: float) -> float:
    """Rounded to whole numbers, halves away from zero."""
    return float(Decimal(value).to_integral_value(ROUND_HALF_UP))


def _rounded(value: float, decimals: int = 0) -> float:
    if isinstance(value, int):
        return value
    scale = 10.0**decimals
    return _away(value * scale) / scale if math.isfinite(value * scale) else value


def _whole(value: Any) -> int | None:
    """As CAST to a whole number does: halves to even, but those of a text away from zero."""
    try:
        return int(Decimal(value).to_integral_value(ROUND_HALF_UP)) if isinstance(value, str) else round(value)
    except InvalidOperation:
        return None


def _double(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _text(value: Any, *, time: bool) -> str:
    if time and isinstance(value, int):
        moment = _EPOCH + timedelta(microseconds=value)
        fraction = f"{moment:%f}".rstrip("0")
        return f"{moment:%Y-%m-%d %H:%M:%S}{'.' + fraction if fraction else ''}+00"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None]


_OPERATIONS: Mapping[type[exp.Expr], Callable[..., Any]] = {
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _strict(lambda value: not value),
    exp.EQ: _strict(operator.eq),
    exp.NEQ: _strict(operator.ne),
    exp.LT: _strict(operator.lt),
    exp.LTE: _strict(operator.le),
    exp.GT: _strict(operator.gt),
    exp.GTE: _strict(operator.ge),
    exp.NullSafeEQ: operator.eq,
    exp.NullSafeNEQ: operator.ne,
    exp.Is: operator.eq,
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _strict(_like),
    exp.ILike: _strict(lambda text, pattern: _like(_recased(str.lower)(text), _recased(str.lower)(pattern))),
    exp.Neg: _strict(operator.neg),
    exp.Add: _strict(operator.add),
    exp.Sub: _strict(operator.sub),
    exp.Mul: _strict(operator.mul),
    exp.Div: _strict(_quotient),
    exp.Mod: _strict(_rest),
    exp.Pow: _strict(_power),
    exp.Ln: _strict(math.log),
    exp.Exp: _strict(math.exp),
    exp.Sqrt: _strict(math.sqrt),
    exp.Abs: _strict(abs),
    exp.Sign: _strict(lambda value: (value > 0) - (value < 0)),
    exp.Round: _strict(_rounded),
    exp.Floor: _strict(lambda value: value if isinstance(value, int) else float(math.floor(value))),
    exp.Ceil: _strict(lambda value: value if isinstance(value, int) else float(math.ceil(value))),
    exp.Least: lambda *values: min(_present(values), default=None),
    exp.Greatest: lambda *values: max(_present(values), default=None),
    exp.Coalesce: lambda *values: next(iter(_present(values)), None),
    exp.Nullif: lambda value, other: None if value is not None and value == other else value,
    exp.Lower: _strict(_recased(str.lower)),
    exp.Upper: _strict(_recased(str.upper)),
    exp.Trim: _strict(_trimmed),
    exp.Length: _strict(len),
}
