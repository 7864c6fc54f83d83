"""What the engines spell differently: everything else in the compiled texts is one SQL for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Dialect:
    """How one engine writes what standard SQL has no common word for."""

    name: str
    wide: str
    """The type of exact whole numbers of 128 bit (or 38 digits); leaving it is an error, never a wrap."""
    micros_call: str
    """A time as whole microseconds since 1970."""
    series_call: str
    """A row for each whole number from 0 to below another."""
    quotient_call: str
    """The quotient of two whole numbers, rounded towards zero."""
    as_text: str
    hash_call: str
    """The first 64 bits of a text's MD5 digest, as a whole number."""
    hex_call: str
    """Hexadecimal digits as a whole number."""
    entry_call: str
    """An entry of a written list, by its place from 1 on."""
    moment: str
    """The type of a time with its zone."""
    materialised: str
    """What keeps a common table expression that is read twice from being computed twice."""
    runs_on: bool
    """Whether windows over all keys in one go are cheaper than those by key (`ordered`)."""
    first_call: str
    """As a window: the first value there is."""
    last_call: str
    """As a window: the last value there is."""
    passes: int = 1
    """Of windows over all keys in one go: how many there are side by side, each over keys that a hash deals to it."""
    decided: tuple[int, int] | None = None
    """When the first and the last of the decisions are, in microseconds of UTC, if the text is for those alone."""
    narrow: str = "{}"
    """A whole number that is to be added up or multiplied, where sums would keep to its 64 bit."""
    bits_call: str = "CAST(floor(log2({})) AS BIGINT) + 1"
    """How many binary digits a whole number above 0 has."""
    extreme_order: str = "{order}"
    """What `min_by` and `max_by` go by, so that rows whose `{value}` is null do not count."""
    expressions: Mapping[str, str | None] = field(default_factory=dict)
    """How declared expressions are written where `grammar` writes them otherwise, by the kind of node; None: refused,
    for the engine's own result may differ in its last digit or in the letters it knows."""

    def micros(self, sql: str) -> str:
        """A time in whole microseconds of UTC since 1970."""
        return self.micros_call.format(sql)

    def series(self, below: str) -> str:
        """As a selected column: the whole numbers from 0 to below this one, each in a row of its own."""
        return self.series_call.format(below)

    def quotient(self, dividend: str, divisor: str) -> str:
        """Of whole numbers of one sign, rounded down."""
        return self.quotient_call.format(dividend, divisor)

    def seconds(self, micros: str) -> str:
        """Whole seconds since 1970, rounded down also before it."""
        part = f"((({micros}) % 1000000) + 1000000) % 1000000"
        return self.quotient(f"(({micros}) - {part})", "1000000")

    def cell(self, sql: str, cells: int) -> str:
        """The cell of a sketch that a value falls into: its digest's first 64 bits modulo so many (2^16 at most)."""
        digits = f"substr(md5(CAST({sql} AS {self.as_text})), 13, 4)"
        return f"({self.hex_call.format(digits)} % {cells})"

    def entry(self, numbers: Sequence[int], place: str) -> str:
        """The number at that place, from 1 on."""
        return self.entry_call.format(", ".join(map(str, numbers)), place)

    def unit_hash(self, key: str) -> str:
        """The first 64 bits of the MD5 digest of a key's text."""
        return self.hash_call.format(f"substr(md5(CAST({key} AS {self.as_text})), 1, 16)")

    def summand(self, sql: str) -> str:
        """A whole number of 64 bit, such that its sums and products are exact, or an error."""
        return self.narrow.format(sql)

    def first(self, sql: str) -> str:
        """As a window's aggregate: the first value that is not null."""
        return self.first_call.format(sql)

    def last(self, sql: str) -> str:
        """As a window's aggregate: the last value that is not null."""
        return self.last_call.format(sql)

    def is_wide(self, sql: str) -> bool:
        """Whether an expression of ours may need more than 64 bit."""
        return self.wide in sql

    def bits(self, sql: str) -> str:
        """How many binary digits a whole number above 0 has."""
        return self.bits_call.format(sql)

    def order_by_value(self, value: str, order: str) -> str:
        """The second argument of `min_by` and `max_by`: rows without a value do not count."""
        return self.extreme_order.format(value=value, order=order)

    def widened(self, sql: str) -> str:
        """As a whole number of 128 bit."""
        return f"CAST({sql} AS {self.wide})"

    def double(self, sql: str) -> str:
        """A whole number of 128 bit as the nearest double.

        Past 64 bit the engines' own casts round twice; by way of text they give the nearest.
        """
        near = f"CAST(CAST({sql} AS BIGINT) AS DOUBLE)"
        far = f"CAST(CAST({sql} AS {self.as_text}) AS DOUBLE)"
        limit = 4_611_686_018_427_387_904
        return f"CASE WHEN {sql} BETWEEN -{limit} AND {limit} THEN {near} ELSE {far} END"


_WHOLE = (
    "CAST(CASE WHEN {{this}} BETWEEN -4e18 AND 4e18 THEN coalesce(nullif({}({{this}}), 0), {{this}} * 0) "
    "ELSE {{this}} END AS DOUBLE)"
)
DUCKDB = Dialect(
    name="duckdb",
    wide="HUGEINT",
    micros_call="epoch_us({})",
    series_call="unnest(range(0, {}))",
    quotient_call="({} // {})",
    as_text="VARCHAR",
    moment="TIMESTAMPTZ",
    hash_call="CAST('0x' || {} AS UBIGINT)",
    hex_call="CAST('0x' || {} AS BIGINT)",
    entry_call="list_extract([{}], CAST({} AS BIGINT))",
    materialised="MATERIALIZED ",
    runs_on=True,
    first_call="first({} IGNORE NULLS)",
    last_call="last({} IGNORE NULLS)",
)
DUCKDB_SIDE_BY_SIDE = replace(DUCKDB, passes=2)
"""For many rows: one pass is one thread's work. It gives the same bytes, and is planned with twice the operators."""
SPARK = Dialect(
    name="spark",
    wide="DECIMAL(38, 0)",
    micros_call="unix_micros({})",
    series_call="explode(sequence(0, {} - 1))",
    quotient_call="({} div {})",
    as_text="STRING",
    moment="TIMESTAMP",
    hash_call="CAST(conv({}, 16, 10) AS DECIMAL(20, 0))",
    hex_call="CAST(conv({}, 16, 10) AS BIGINT)",
    entry_call="element_at(array({}), CAST({} AS INT))",
    materialised="",
    runs_on=False,
    first_call="first({}, true)",
    last_call="last({}, true)",
    narrow="CAST({} AS DECIMAL(38, 0))",
    bits_call="CAST(length(bin({})) AS BIGINT)",
    extreme_order="CASE WHEN {value} IS NOT NULL THEN {order} END",
    expressions={
        # Java's library is not the C library's: 1 of 10 exponentials differs in the last digit.
        "Pow": None,
        "Ln": None,
        "Exp": None,
        # By Unicode's full tables, or by another version of them.
        "Lower": None,
        "Upper": None,
        "ILike": None,
        "Trim": None,
        # A rounded or cut off negative keeps its sign at zero; past 64 bit there is nothing to cut off.
        "Round": "coalesce(nullif(round({this}), 0), {this} * 0)",
        "Floor": _WHOLE.format("floor"),
        "Ceil": _WHOLE.format("ceil"),
        "Sign": "CAST(sign({this}) AS TINYINT)",
        "Like": r"({this} LIKE replace({expression}, '\', '\\'))",
        "Cast": "bround({this})",
    },
)
