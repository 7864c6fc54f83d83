"""A group's rows and decisions, dealt by a hash of the key, so that each shard is computed from its own rows alone.

Keys are independent: a group's features at the decisions of some keys need the rows of those keys alone. Sources are
read once, however many shards there are. A row that was restated under another key goes to the shards of all its keys,
in all its versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.data.engine import quoted
from loanwright.errors import UsageError
from loanwright.features.computing.dealt import Dealt
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL, narrow, restated, widen

if TYPE_CHECKING:
    import pyarrow as pa

_SHARD = "lw_shard"
_DECISIONS = "dealt_decisions"
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


def shard_of(columns: tuple[str, ...], shards: int) -> str:
    """Which shard a key belongs to, from 0 on, as SQL."""
    return f"CAST(hash({', '.join(columns)}) % {shards} AS INTEGER)"


@contextmanager
def sharded(
    engine: Engine, group: ResolvedGroup, share: Share, shards: int, decisions: str, scratch: Path
) -> Iterator[Shards]:
    """The shards of a group's share, to be taken one after the other; when done, its sources have all rows again.

    Args:
        engine: it has the tables `all_<name>` of the group's sources.
        group: which is dealt by its key.
        share: which keys.
        shards: into how many parts the share is dealt.
        decisions: a query of the decisions.
        scratch: a folder for rows on their way.
    """
    path = scratch / f"rows_{group.number}.arrow"
    dealt = Dealt(path, _rows(engine, group, share, shards), _SHARD) if group.is_alone else None
    which = shard_of(group.asked, shards * share.of)
    try:
        # In order of the shards, so that to find one's decisions is not to look at all of them.
        engine.make(_DECISIONS, f"SELECT *, {which} AS {_SHARD} FROM ({decisions}) d ORDER BY {_SHARD}")
        yield Shards(engine, group, share, dealt)
    finally:
        path.unlink(missing_ok=True)
        engine.drop(_DECISIONS)
        for source in group.sources:
            engine.drop(f"source_{source.name}")
        widen(engine, group)


class Shards:
    """The rows and decisions of one group's share, by shard."""

    def __init__(self, engine: Engine, group: ResolvedGroup, share: Share, dealt: Dealt | None) -> None:
        self._engine, self._group, self._share, self._dealt = engine, group, share, dealt

    def take(self, shard: int) -> None:
        """Makes `decisions` and the group's `source_<name>` those of one shard."""
        number = self._share.number - 1 + shard * self._share.of
        self._engine.drop("decisions")
        self._engine.make("decisions", f"SELECT * EXCLUDE ({_SHARD}) FROM {_DECISIONS} WHERE {_SHARD} = {number}")
        if self._dealt is None:
            narrow(self._engine, [self._group])
        else:
            self._engine.load(f"source_{self._group.source.name}", self._dealt.part(number))


def _rows(engine: Engine, group: ResolvedGroup, share: Share, shards: int) -> Iterator[pa.RecordBatch]:
    """The share's rows, of the columns that the group reads, each with its shard; some go to several."""
    source = group.source
    shard = shard_of(tuple(map(quoted, group.keys)), shards * share.of)
    times = {name for name in (source.event_time, source.known_time) if name is not None}
    columns = [column.name for column in source.columns if column.name in {*group.read_columns, *times}]
    listed, ours = ", ".join(map(quoted, columns)), f"{_SHARD} % {share.of} = {share.number - 1}"
    every = f"SELECT {listed}, {shard} AS {_SHARD} FROM {ALL}_{source.name}"
    yield from engine.batches(f"SELECT * FROM ({every}) r WHERE {ours}")
    several = None if set(group.keys) <= set(source.key) else restated(engine, source)
    if several is not None:
        # Of rows whose versions have keys of several shards: the versions that each of these shards lacks.
        keys = ", ".join(map(quoted, source.key))
        versions = f"SELECT *, {shard} AS lw_own FROM {several}"
        wanted = f"SELECT DISTINCT {keys}, lw_own AS {_SHARD} FROM ({versions}) o"
        yield from engine.batches(
            f"SELECT {listed}, {_SHARD} FROM ({versions}) v JOIN ({wanted}) w USING ({keys}) "
            f"WHERE {_SHARD} <> lw_own AND {ours}"
        )
