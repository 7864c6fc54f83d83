"""What the engines spell differently: everything else in the compiled texts is one SQL for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
)
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
)
