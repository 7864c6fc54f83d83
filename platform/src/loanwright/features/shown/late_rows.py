"""Feature groups whose rows mostly happen after the decision: they say little, or were joined by the wrong key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.engine import quoted
from loanwright.features.declared.resolve import Resolved, resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.previewing import opened
from loanwright.features.shown.describing import reads_own_row
from loanwright.features.shown.linting import Finding
from loanwright.features.texts.sql import write_sql

_LOOKED_AT = 2_000
"""Decisions, chosen by their keys' hashes."""
_FEWEST = 100
"""Rows without which nothing is said."""
_MOST = 0.9


def lint_rows(snapshot_uri: str, data: Data, features: Features, scratch: Path) -> list[Finding]:
    """One finding for each group of which nine in ten rows with a decision's key happen at the decision or after it.

    Groups whose key stands in another source are not looked at.

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: the data section.
        features: what is declared.
        scratch: a folder for what does not fit into memory.

    Raises:
        DataError: the snapshot does not fit the declaration.
    """
    resolved = resolve(data, features)
    with opened(snapshot_uri, data, features, scratch) as engine:
        decisions = write_sql(data, resolved).decisions
        engine.make("decisions", f"SELECT * FROM (\n{decisions}\n) d ORDER BY unit_hash, lw_ord LIMIT {_LOOKED_AT}")
        return list(_late(engine, data, features, resolved))


def _late(engine: Engine, data: Data, features: Features, resolved: Resolved) -> Iterator[Finding]:
    for group in resolved.groups:
        declared = features.groups[group.number - 1]
        told = [each for each in declared.every if not reads_own_row(data, declared, each)]
        if group.via is not None or group.source.event_time is None or not told:
            continue
        keys = [
            f"s.{quoted(key)} = d.{quoted(f'key.{unit_key}')}"
            for key, unit_key in zip(group.keys, group.unit_keys, strict=True)
        ]
        late = f"epoch_us(s.{quoted(group.source.event_time)}) >= d.lw_at"
        joined = f"decisions d JOIN source_{group.source.name} s ON {' AND '.join(keys)}"
        rows, after = engine.rows(f"SELECT count(*), count(*) FILTER ({late}) FROM {joined}")[0]
        if rows >= _FEWEST and after > _MOST * rows:
            others = f", and so it is with {len(told) - 1} others of its group" if len(told) > 1 else ""
            says = (
                f"{after / rows:.0%} of the rows of {group.source.name!r} with a decision's key happen after it{others}"
            )
            yield Finding(told[0].name, "future", says)
