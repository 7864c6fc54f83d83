"""A group computed shard by shard, each from its own decisions and rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loanwright.features.computing.dealing import dealt_rows
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.shares import SHARD, Share, shard_of
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import widen

_DECISIONS = "dealt_decisions"


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
    ((since,),) = engine.rows(f"SELECT coalesce(min(lw_at), 0) FROM ({decisions}) d")
    which = shard_of(group.asked, shards * share.of)
    with dealt_rows(engine, group, share, shards, since, scratch) as rows:
        try:
            # In order of the shards, so that to find one's decisions is not to look at all of them.
            engine.make(_DECISIONS, f"SELECT *, {which} AS {SHARD} FROM ({decisions}) d ORDER BY {SHARD}")
            yield Shards(engine, share, rows)
        finally:
            engine.drop(_DECISIONS)
            for source in group.sources:
                engine.drop(f"source_{source.name}")
            widen(engine, group)


class Shards:
    """The rows and decisions of one group's share, by shard."""

    def __init__(self, engine: Engine, share: Share, rows: Mapping[str, Dealt]) -> None:
        self._engine, self._share, self._rows = engine, share, rows

    def take(self, shard: int) -> None:
        """Makes `decisions` and the group's `source_<name>` those of one shard."""
        number = self._share.number - 1 + shard * self._share.of
        self._engine.drop("decisions")
        self._engine.make("decisions", f"SELECT * EXCLUDE ({SHARD}) FROM {_DECISIONS} WHERE {SHARD} = {number}")
        for name, dealt in self._rows.items():
            self._engine.load(f"source_{name}", dealt.part(number))
