"""A group's rows by the shards whose decisions may see them: sources are read as often for many shards as for one.

A version of a row goes to the shard of its key, or of those keys that a path leads it to. An event of an outcome goes
where its row goes. And where one version of a row goes, all of them go: the others say when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loanwright.config.data import Source
from loanwright.data.engine import quoted
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.shares import SHARD, Share, shard_of
from loanwright.features.declared.resolve import ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL, all_of, restated
from loanwright.features.texts.reaching import may_count

_REACHED = ("reached_holders", "reached_rows")
"""Tables of what is led to which shards: `lw_id`, and the shard."""


@contextmanager
def dealt_rows(
    engine: Engine, group: ResolvedGroup, share: Share, shards: int, since: int, scratch: Path
) -> Iterator[dict[str, Dealt]]:
    """Source → the rows that the group reads of it, by shard.

    Args:
        engine: it has the tables `all_<name>` of the group's sources.
        group: which is dealt by its key.
        share: which keys.
        shards: into how many parts the share is dealt.
        since: when the first of the decisions is, in microseconds of UTC.
        scratch: a folder for the files, which are gone when done.
    """
    found: dict[str, Dealt] = {}
    try:
        try:
            reads = list(_reads(engine, group, share, shards * share.of, since))
            for source in group.sources:
                queries = _queries(engine, [read for read in reads if read.source.name == source.name], share)
                rows = (batch for query in queries for batch in engine.batches(query))
                found[source.name] = Dealt(scratch / f"rows_{group.number}_{source.name}.arrow", rows, SHARD)
        finally:
            for table in _REACHED:
                engine.drop(table)
        yield found
    finally:
        for dealt in found.values():
            dealt.close()


@dataclass(frozen=True)
class _Read:
    """What a group reads of a source, and how to tell of each version of its rows the shards."""

    source: Source
    columns: frozenset[str]
    by: tuple[str, ...]
    """The columns that tell."""
    shard: str
    """As SQL, of a row `r`."""
    path: str = ""
    """What it is joined with."""
    counting: str = "TRUE"
    """Versions that do not fulfil this go nowhere by themselves."""

    @property
    def is_settled(self) -> bool:
        """Whether all versions of a row go the same way."""
        return self.source.known_time is None or (set(self.by) <= set(self.source.key) and self.counting == "TRUE")

    def placed(self, table: str) -> str:
        """A query of the table's rows, once for each shard."""
        return f"SELECT r.*, {self.shard} AS {SHARD} FROM {table} r {self.path} WHERE {self.counting}"


def _reads(engine: Engine, group: ResolvedGroup, share: Share, shards: int, since: int) -> Iterator[_Read]:
    source, via, holder, outcome = group.source, group.via, group.holder, group.outcome
    by_key, counting = shard_of(tuple(map(quoted, group.keys)), shards), may_count(group, since)
    columns = frozenset(group.read_columns)
    if via is None or holder is None:
        rows = _Read(source, columns, group.keys, by_key, counting=all_of(counting, *_present(source, group.keys)))
    else:
        present = all_of(*_present(holder, group.keys))
        held = _Read(holder, frozenset({*group.keys, via.key}), group.keys, by_key, counting=present)
        yield held
        rows = _led(engine, source, columns, via.column or via.key, _REACHED[0], held, share, counting)
    yield rows
    if outcome is not None:
        columns = frozenset({outcome.key, *outcome.filter_columns})
        yield _led(engine, outcome.source, columns, outcome.key, _REACHED[1], rows, share, outcome.filter)


def _led(
    engine: Engine,
    source: Source,
    columns: frozenset[str],
    column: str,
    table: str,
    by: _Read,
    share: Share,
    counting: str,
) -> _Read:
    """What is read of a source whose rows go where the rows go that a column of theirs names."""
    placed = by.placed(f"{ALL}_{by.source.name}")
    engine.make(
        table, f"SELECT DISTINCT {quoted(by.source.key[0])} AS lw_id, {SHARD} FROM ({placed}) p WHERE {_ours(share)}"
    )
    path = f"JOIN {table} p ON p.lw_id = r.{quoted(column)}"
    return _Read(source, columns, (column,), f"p.{SHARD}", path, counting)


def _queries(engine: Engine, reads: list[_Read], share: Share) -> list[str]:
    """Queries of all that is read of one source, each version once for each of its shards."""
    source = reads[0].source
    names = {name for name in (source.event_time, source.known_time) if name is not None}.union(source.key)
    names = names.union(*(read.columns for read in reads))
    listed = ", ".join(quoted(column.name) for column in source.columns if column.name in names)
    found = []
    for read in reads:
        found.append(f"SELECT {listed}, {SHARD} FROM ({read.placed(f'{ALL}_{source.name}')}) r WHERE {_ours(share)}")
        if not read.is_settled and (table := restated(engine, source)) is not None:
            found.append(_other_versions(read, table, listed, share))
    return found if len(reads) == 1 else [" UNION ".join(f"SELECT * FROM ({query}) q" for query in found)]


def _other_versions(read: _Read, table: str, listed: str, share: Share) -> str:
    """A query of the versions that go where another one of their row goes, and not by themselves."""
    keys = ", ".join(map(quoted, read.source.key))
    version = f"{keys}, {quoted(read.source.known_time or '')}"
    own = f"SELECT {version}, {SHARD} FROM ({read.placed(table)}) p WHERE {_ours(share)}"
    all_of_them = f"SELECT * FROM {table} JOIN (SELECT DISTINCT {keys}, {SHARD} FROM own) w USING ({keys})"
    return (
        f"WITH own AS ({own}) SELECT {listed}, {SHARD} FROM ({all_of_them}) v ANTI JOIN own USING ({version}, {SHARD})"
    )


def _present(source: Source, keys: tuple[str, ...]) -> list[str]:
    """Rows without a key are no decision's; by their hash they would all be of one shard."""
    nullable = {column.name for column in source.columns if column.nullable}
    return [f"{quoted(key)} IS NOT NULL" for key in keys if key in nullable]


def _ours(share: Share) -> str:
    return f"{SHARD} % {share.of} = {share.number - 1}"
