"""All that decides a world's bytes, and its address: `world://<table>?customers=…&seed=…&months=…`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from loanwright.data.world.parameters import Parameters
from loanwright.data.world.schema import TABLES
from loanwright.errors import DeclarationError, UsageError, near
from loanwright.storage import digest_of, file_digest

SCHEME = "world://"
CUSTOMERS, SEED, MONTHS = 6_000, 1, 24
"""The default world: about a million rows."""
_MOST_CUSTOMERS, _MOST_MONTHS, _MOST_SEED = 20_000_000, 60, (1 << 53) - 1


@dataclass(frozen=True)
class Recipe:
    """A world's size, seed and parameters.

    Raises:
        UsageError: a size that cannot be.
    """

    customers: int = CUSTOMERS
    seed: int = SEED
    months: int = MONTHS
    parameters: Parameters = field(default_factory=Parameters)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("customers", self.customers, 100, _MOST_CUSTOMERS),
            ("seed", self.seed, 0, _MOST_SEED),
            ("months", self.months, 4, _MOST_MONTHS),
        ):
            if not low <= value <= high:
                raise UsageError(f"a world of {name}={value:,} cannot be made", fix=f"Give {low:,} to {high:,}")

    def as_json(self) -> dict[str, Any]:
        """What the manifest says of it; `code` is the digest of the simulator's source."""
        return {
            "customers": self.customers,
            "seed": self.seed,
            "months": self.months,
            "parameters": self.parameters.as_json(),
            "code": _code(),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the world's bytes."""
        return digest_of(self.as_json())

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"{self.customers}-customers-{self.digest[:12]}"


@cache
def _code() -> str:
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return digest_of([[path.name, file_digest(path)] for path in modules])


def locate(uri: str) -> tuple[str, Recipe]:
    """The table and the world that a ``world://`` address names.

    Raises:
        DeclarationError: there is no such table or setting, or its value is no whole number that can be.
    """
    table, _, query = uri.removeprefix(SCHEME).partition("?")
    if table not in TABLES:
        raise DeclarationError(
            f"{uri!r} names no table of the world{near(table, TABLES)}", fix=f"It has {', '.join(TABLES)}"
        )
    numbers = {"customers": CUSTOMERS, "seed": SEED, "months": MONTHS}
    try:
        for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else ():
            if name not in numbers:
                raise DeclarationError(
                    f"{uri!r} sets {name!r}, which a world does not have{near(name, numbers)}",
                    fix="It has customers, seed and months",
                )
            numbers[name] = int(value)
        return table, Recipe(numbers["customers"], numbers["seed"], numbers["months"])
    except (ValueError, UsageError) as error:
        raise DeclarationError(f"{uri!r} is no address of a world: {error}") from None
