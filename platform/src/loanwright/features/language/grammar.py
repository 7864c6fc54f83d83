"""What a declaration's SQL may be made of, of which kinds its parts must be, and how each is written.

Nothing is cast silently: a text is compared with a text, a condition is not a number. Values that have no
number are null: x / 0, x % 0, ln of what is not positive, sqrt of a negative, overflow of a double.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sqlglot import exp

from loanwright.config.base import parse_moment
from loanwright.data.engine import quoted
from loanwright.errors import DeclarationError, near
from loanwright.features.language.dialect import DUCKDB, Dialect
from loanwright.features.language.shapes import CASTS, KINDS, SHAPES, Kind


class Written(NamedTuple):
    """A node as SQL, and of which kind it is."""

    sql: str
    kind: Kind


ALLOWED = (
    "Allowed are comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL, CASE, + - * / %, times such as "
    "TIMESTAMPTZ '2026-01-31', CAST to BIGINT, DOUBLE or VARCHAR, and the functions abs, ceil, coalesce, exp, floor, "
    "greatest, if, least, length, ln, lower, nullif, power, round, sign, sqrt, trim, upper"
)
"""What to do about an expression that uses anything else."""
SPLIT = "Split it into several derived features"
"""What to do about an expression that is too large."""

_FUNCTIONS = tuple(re.findall(r"\w+", ALLOWED.partition("functions ")[2]))
_MARKS = {"ignore_nulls", "safe", "typed", "is_string"}
"""Arguments by which the parser notes a dialect's habits: no text of the declaration."""
_FICKLE = {"now", "currentdate", "currenttime", "currenttimestamp", "localtime", "localtimestamp", "rand", "uuid"}
"""Functions, by the parser's names, that ask for the clock or for chance."""
_DEEPEST = 120
_NUMBER = re.compile(r"\d{1,18}|(\d+\.\d*|\.\d+)([eE][+-]?\d{1,2})?|\d+[eE][+-]?\d{1,2}", re.ASCII)
_A = {"number": "a number", "text": "a text", "condition": "a condition", "time": "a time", "null": "null"}


def shown(text: str) -> str:
    """A declaration's text as it stands in messages."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def a(kind: Kind) -> str:
    """A kind in words."""
    return _A[kind]


class _Part(str):
    """A written part of a shape; where the field has a start and there is something, it starts with it."""

    def __format__(self, start: str) -> str:
        return start + self if self else ""


class Writer:
    """Writes an allow-listed tree as SQL, and refuses every other.

    Args:
        text: what the declaration says, for messages.
        columns: name → declared type of what it may read.
        where: what the text belongs to, for messages.
        refused: name → reason, for columns that exist and may not be read.
        dialect: which engine's SQL.
    """

    def __init__(
        self,
        text: str,
        columns: Mapping[str, str],
        where: str,
        refused: Mapping[str, str],
        dialect: Dialect = DUCKDB,
    ) -> None:
        self._text, self._columns, self._where, self._refused = text, columns, where, refused
        self._dialect = dialect
        self._special: Mapping[type[exp.Expr], Callable[[Any, int], Written]] = {
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda node, _: Written("TRUE" if node.this else "FALSE", "condition"),
            exp.Null: lambda *_: Written("NULL", "null"),
            exp.Case: self._case,
            exp.If: lambda node, depth: self._branches([node], node.args.get("false"), depth),
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
        }
        self.read: set[str] = set()
        """The columns that the text names."""

    def write(self, node: exp.Expr, depth: int = 0) -> Written:
        """The node's SQL.

        Raises:
            DeclarationError: something in it is not allowed, or not of the kind it must be.
        """
        if depth > _DEEPEST:
            raise self._error("is too deeply nested", fix=SPLIT)
        special = self._special.get(type(node))
        if special is not None:
            return special(node, depth)
        shape = SHAPES.get(type(node))
        if shape is None:
            raise self._not_allowed(node)
        fields = {name: start for _, name, start, _ in string.Formatter().parse(shape.sql) if name}
        for name, value in node.args.items():
            if value and name not in fields and name not in _MARKS:
                raise self._not_allowed(value if isinstance(value, exp.Query | exp.Unnest) else node)
        operands: list[exp.Expr] = []
        places: list[str] = []
        for name, start in fields.items():
            value = node.args.get(name) or []
            found = value if isinstance(value, list) else [value]
            if not found and not start:
                raise self._not_allowed(node)
            operands += found
            places += [name] * len(found)
        if isinstance(node, exp.Round) and not all(_is_whole(each) for each in operands[1:]):
            raise self._error("rounds to a number of decimals that is not written out")
        sql = self._spelled(node, shape.sql)
        kind, written = self._of_kind(shape.takes, operands, depth + 1)
        pairs = list(zip(places, written, strict=True))
        parts = {name: _Part(", ".join(sql for place, sql in pairs if place == name)) for name in fields}
        return Written(sql.format_map(parts), kind if shape.gives == "same" else shape.gives)

    def _spelled(self, node: exp.Expr, usual: str) -> str:
        """The shape of the node in the engine's SQL."""
        name = type(node).__name__
        spelled = self._dialect.expressions.get(name, usual)
        if spelled is None or (spelled is not usual and node.args.get("decimals")):
            raise self._other(f"uses {name.lower()}{' to decimals' if node.args.get('decimals') else ''}")
        return spelled

    def _other(self, what: str) -> DeclarationError:
        return self._error(
            f"{what}, which {self._dialect.name} may compute otherwise than {DUCKDB.name}, if by a last digit",
            fix=f"Build with LOANWRIGHT_FEATURE_ENGINE={DUCKDB.name}, or do without",
        )

    def _of_kind(self, takes: Kind | Literal["alike"], nodes: Sequence[exp.Expr], depth: int) -> tuple[Kind, list[str]]:
        """Writes operands that must be of one kind: the kind, and their SQL."""
        written = [self.write(node, depth) for node in nodes]
        kinds = {each.kind for each in written} - {"null"}
        if takes == "alike" and kinds == {"time", "text"}:
            # A text beside a time is a moment, if it is written as one.
            moments = [_moment(node) for node in nodes]
            written = [
                Written(moment, "time") if moment else each for moment, each in zip(moments, written, strict=True)
            ]
            kinds = {each.kind for each in written} - {"null"}
        if takes == "alike" and len(kinds) > 1:
            together = " with ".join(a(kind) for kind in sorted(kinds))
            raise self._error(f"puts {together} together", fix="Write texts in quotes, and times as '2026-01-31'")
        if takes != "alike" and kinds - {takes}:
            raise self._error(f"has {a(sorted(kinds - {takes})[0])} where {a(takes)} must stand")
        return kinds.pop() if kinds else "null", [each.sql for each in written]

    def _column(self, node: exp.Column, _: int) -> Written:
        if len(node.parts) != 1 or not isinstance(node.this, exp.Identifier):
            raise self._error(f"reads {node.sql()!r}, and a column is named without a table")
        name = node.name
        if name in self._refused:
            raise self._error(f"reads column {name!r}, which {self._refused[name]}")
        if name not in self._columns:
            raise self._error(f"reads {name!r}, which is not there{near(name, self._columns)}")
        self.read.add(name)
        return Written(quoted(name), KINDS[self._columns[name]])

    def _literal(self, node: exp.Literal, _: int) -> Written:
        text = str(node.this)
        if node.is_string:
            if len(text.splitlines()) > 1:
                raise self._error(f"compares with {shown(text)}, a text of several lines")
            return Written("'" + text.replace("'", "''") + "'", "text")
        if not _NUMBER.fullmatch(text):
            raise self._error(f"holds the number {text!r}, which is too large or not plain")
        # A literal with a point would be a decimal of its own width; here every such number is a double.
        return Written(text if text.isdigit() else f"CAST('{text}' AS DOUBLE)", "number")

    def _case(self, node: exp.Case, depth: int) -> Written:
        branches = node.args["ifs"]
        if not node.this:
            return self._branches(branches, node.args.get("default"), depth)
        _, (subject, *values) = self._of_kind("alike", [node.this, *[branch.this for branch in branches]], depth + 1)
        return self._branches(branches, node.args.get("default"), depth, subject, values)

    def _branches(
        self,
        branches: Sequence[exp.If],
        otherwise: exp.Expr | None,
        depth: int,
        subject: str = "",
        values: list[str] | None = None,
    ) -> Written:
        if values is None:
            _, values = self._of_kind("condition", [branch.this for branch in branches], depth + 1)
        results = [branch.args["true"] for branch in branches] + ([otherwise] if otherwise else [])
        kind, written = self._of_kind("alike", results, depth + 1)
        last = f" ELSE {written.pop()}" if otherwise else ""
        whens = " ".join(f"WHEN {value} THEN {result}" for value, result in zip(values, written, strict=True))
        return Written(f"CASE{subject and f' {subject}'} {whens}{last} END", kind)

    def _cast(self, node: exp.Cast, depth: int) -> Written:
        moment = _moment(node.this)
        if node.to.this == exp.DType.TIMESTAMPTZ and moment:
            return Written(moment, "time")
        target = CASTS.get(node.to.this)
        if (
            target is None
            or node.to.expressions
            or any(node.args.get(name) for name in ("format", "action", "default"))
        ):
            raise self._error(f"casts to {node.to.sql(dialect='duckdb')}, which is not allowed", fix=ALLOWED)
        call = "TRY_CAST" if isinstance(node, exp.TryCast) else "CAST"
        written = self.write(node.this, depth + 1)
        sql = written.sql
        if (
            written.kind != target[1]
            and "Cast" in self._dialect.expressions
            and written.kind not in ("condition", "null")
        ):
            raise self._other(f"casts {a(written.kind)} to {a(target[1])}")
        if written.kind == "number" and target[0] == "BIGINT":
            sql = (self._dialect.expressions.get("Cast") or "{this}").format(this=sql)
        return Written(f"{call}({sql} AS {target[0]})", target[1])

    def _not_allowed(self, node: exp.Expr) -> DeclarationError:
        name = (node.name if isinstance(node, exp.Anonymous) else type(node).__name__).lower()
        if isinstance(node, exp.Query):
            return self._error("holds a query, which is not allowed", fix=ALLOWED)
        if name in _FICKLE:
            fix = "What a feature tells of time is measured back from the decision, by its window"
            return self._error(f"uses {name}, which is another value at every run", fix=fix)
        if type(node) in SHAPES:
            return self._error(f"uses {name} in a form that is not allowed", fix=ALLOWED)
        return self._error(f"uses {name}, which is not allowed{near(name, _FUNCTIONS)}", fix=ALLOWED)

    def _error(self, problem: str, *, fix: str | None = None) -> DeclarationError:
        return DeclarationError(f"{self._where}: {shown(self._text)} {problem}", fix=fix)


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdigit()


def _moment(node: exp.Expr) -> str | None:
    """A plain day, or a moment with its zone, as a time of SQL."""
    if not isinstance(node, exp.Literal) or not node.is_string:
        return None
    try:
        return f"TIMESTAMPTZ '{parse_moment(node.this).isoformat()}'"
    except ValueError:
        return None
