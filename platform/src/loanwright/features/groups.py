"""Computing the feature groups: all at once, only for new decisions, or shard by shard where memory is short.

Keys are independent: a group's features at the decisions of some keys need the rows of those keys alone. So a
group can be computed for one shard of the keys after the other, each by the same text, in a fraction of the
memory; every group is dealt by its own key.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from loanwright.features.engine import Engine
from loanwright.features.narrowing import ALL, narrow, widen
from loanwright.features.resolve import Resolved, ResolvedGroup

_log = logging.getLogger("loanwright")


def compute_groups(
    engine: Engine, texts: Mapping[str, str], resolved: Resolved, *, first: int = 0, shards: int | None = None
) -> None:
    """Makes the tables `group_<n>` and `decisions`, from `every_decision` and the sources.

    Args:
        engine: it has `every_decision`, and every source as `all_<name>` and as `source_<name>`.
        texts: table → the query that makes it.
        resolved: the declared features.
        first: the place of the first decision that is to be computed.
        shards: into how many parts the keys are dealt; absent: as many as each group needs, by its size, to be
            computed in the engine's memory. No byte of the result depends on it.
    """
    chosen = f"SELECT * FROM every_decision WHERE lw_ord >= {first}"
    engine.make("decisions", chosen)
    for group in resolved.groups:
        name = f"group_{group.number}"
        if name not in texts:
            continue
        parts = shards or (1 if first else _needed(engine, group))
        if parts == 1:
            if first:
                # For each group anew: one that reaches far would leave its rows to the others of its source.
                narrow(engine, [group])
            engine.make(name, texts[name])
            continue
        for shard in range(parts):
            _log.info("group %d of %d, shard %d of %d", group.number, len(resolved.groups), shard + 1, parts)
            engine.make("decisions", f"{chosen} AND {_shard_of(group, parts)} = {shard}")
            narrow(engine, [group])
            (engine.append if shard else engine.make)(name, texts[name])
        engine.make("decisions", chosen)
        widen(engine, group)


def _needed(engine: Engine, group: ResolvedGroup) -> int:
    """How many shards keep a group's sort, with about three columns of 8 bytes for a feature, in half the memory."""
    rows = sum(engine.count(f"{ALL}_{source.name}") for source in group.sources)
    windows = {feature.window for feature in group.aggregated}
    entries = rows + engine.count("decisions") * (len(windows) + 1)
    return max(1, math.ceil(entries * 8 * (8 + 3 * len(group.features)) * 2 / engine.memory))


def _shard_of(group: ResolvedGroup, shards: int) -> str:
    return f"hash({', '.join(group.asked)}) % {shards}"
