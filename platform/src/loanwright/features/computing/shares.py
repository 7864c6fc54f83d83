"""Which keys one process computes, and which of them at once: keys are independent, and dealt by their hash."""

from __future__ import annotations

from dataclasses import dataclass

from loanwright.errors import UsageError

SHARD = "lw_shard"
"""The column that tells a row's shard."""
MOST = 1024
"""Shards of a group, and shares of a fan-out."""


@dataclass(frozen=True)
class Share:
    """Which of all keys one process computes.

    Raises:
        UsageError: there is no such share.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST:
            raise UsageError(
                f"there is no share {self.number} of {self.of}", fix=f"Shares are numbered from 1, and {MOST} at most"
            )

    @classmethod
    def parse(cls, text: str) -> Share:
        """Of a text such as ``2/8``."""
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal()):
            raise UsageError(f"{text!r} is no share", fix="Give its number and how many there are, such as 2/8")
        return cls(int(number), int(of))


ALL_KEYS = Share()
"""Those of a single process."""


def shard_of(columns: tuple[str, ...], shards: int) -> str:
    """Which shard a key belongs to, from 0 on, as SQL."""
    return f"CAST(hash({', '.join(columns)}) % {shards} AS INTEGER)"
