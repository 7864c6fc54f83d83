"""Computing the feature groups one after the other, each as a whole or shard by shard where memory is short.

What a group gives goes to scratch at once, dealt by ranges of decisions, so that no more than one group is ever in
memory; `joining` makes the table of it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.errors import MemoryFault
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.joining import by_ranges
from loanwright.features.computing.progress import Progress
from loanwright.features.computing.sharding import sharded
from loanwright.features.computing.shares import ALL_KEYS, MOST, Share
from loanwright.features.declared.resolve import Resolved, ResolvedGroup
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.deciding import EVERY
from loanwright.features.language.dialect import DUCKDB, DUCKDB_SIDE_BY_SIDE
from loanwright.features.reading.narrowing import ALL, narrow
from loanwright.features.texts.plan import group_text

if TYPE_CHECKING:
    import pyarrow as pa

_MANY = 256 << 20
"""Bytes of a group's sort from which on two passes side by side save more time than planning them takes."""

_log = logging.getLogger("loanwright")


def compute_groups(
    engine: Engine,
    texts: Mapping[str, str],
    resolved: Resolved,
    scratch: Path,
    *,
    of: str = EVERY,
    shards: int | None = None,
    share: Share = ALL_KEYS,
) -> Iterator[tuple[str, Dealt]]:
    """Tables `group_<n>` one after the other, each with its features by ranges of decisions, on scratch.

    Args:
        engine: it has the decisions, and every source as `all_<name>` and as `source_<name>`.
        texts: table → the query that makes it.
        resolved: the declared features.
        scratch: a folder for rows and results on their way.
        of: the table of the decisions that are to be computed. Of all, or of some: then only rows are looked at that
            they may see.
        shards: into how many parts the keys are dealt; absent: as many as each group needs, by its size, to be
            computed in the engine's memory. No byte of the result depends on it.
        share: which keys are computed.

    Raises:
        EnvironmentFault: memory or disk ran out.
    """
    computed = [group for group in resolved.groups if group.is_computed]
    sizes = _sizes(engine, computed, of)
    progress = Progress("group", {group.number: sizes[group.number] for group in computed})
    for group in computed:
        name, found = f"group_{group.number}", None
        parts = shards or (1 if of != EVERY else _needed(engine, sizes[group.number] // share.of))
        while found is None:
            many = parts == 1 and of == EVERY and sizes[group.number] >= _MANY
            text = group_text(group, DUCKDB_SIDE_BY_SIDE) if many else texts[name]
            try:
                rows = _results(engine, group, text, scratch, of, share, parts, progress)
                found = by_ranges(scratch / f"{name}.arrow", rows)
            except MemoryFault:
                # What a group needs is judged by its size alone; a key that is most of the rows can need more.
                if parts >= MOST:
                    raise
                parts = min(MOST, 2 * parts)
                _log.info("group %d does not fit into memory: it is dealt into %d shards", group.number, parts)
        yield name, found


def make_groups(engine: Engine, resolved: Resolved, of: str) -> None:
    """Makes the tables `group_<n>` for few decisions, which need no dealing, of the rows that these may see.

    Args:
        engine: it has the decisions, and every source as `all_<name>` and as `source_<name>`.
        resolved: the declared features.
        of: the table of the decisions, which is `decisions` from then on.

    Raises:
        EnvironmentFault: memory or disk ran out.
    """
    computed = [group for group in resolved.groups if group.is_computed]
    progress = Progress("group", _sizes(engine, computed, of))
    engine.drop("decisions")
    engine.alias("decisions", of)
    (decided,) = engine.rows("SELECT min(lw_at), max(lw_at) FROM decisions")
    for group in computed:
        narrow(engine, [group])
        engine.make(f"group_{group.number}", group_text(group, replace(DUCKDB, decided=decided)))
        progress.done(group.number)


def _results(
    engine: Engine,
    group: ResolvedGroup,
    text: str,
    scratch: Path,
    of: str,
    share: Share,
    parts: int,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    if parts > 1 or share != ALL_KEYS:
        keys = ", ".join(("lw_ord", "lw_at", *group.asked))
        with sharded(engine, group, share, parts, f"SELECT {keys} FROM {of}", scratch) as dealt:
            for shard in range(parts):
                dealt.take(shard)
                yield from engine.batches(text)
                progress.done(group.number, shard + 1, parts)
        return
    engine.drop("decisions")
    engine.alias("decisions", of)
    if of != EVERY:
        # For each group anew: one that reaches far would leave its rows to the others of its source.
        narrow(engine, [group])
    yield from engine.batches(text)
    progress.done(group.number)


def _sizes(engine: Engine, groups: list[ResolvedGroup], of: str) -> dict[int, int]:
    """Of each group: bytes of its sort, with about three columns of 8 bytes for a feature."""
    counts = {
        name: engine.count(f"{ALL}_{name}") for name in {source.name for group in groups for source in group.sources}
    }
    decisions = engine.count(of)
    found = {}
    for group in groups:
        rows = sum(counts[source.name] for source in group.sources)
        windows = {feature.window for feature in group.aggregated}
        entries = rows + decisions * (len(windows) + 1)
        found[group.number] = entries * 8 * (8 + 3 * len(group.features))
    return found


def _needed(engine: Engine, size: int) -> int:
    """How many shards keep a group's sort in a sixth of the memory, where it is done soonest."""
    return max(1, math.ceil(size * 6 / engine.memory))
