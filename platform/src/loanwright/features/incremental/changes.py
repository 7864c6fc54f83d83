"""The rows of which two snapshots differ, as far as they could be seen before some moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from loanwright.config.data import Data, Source
from loanwright.data.engine import quoted
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.unshared import unshared
from loanwright.features.reading.narrowing import ALL
from loanwright.features.reading.snapshots import rows_of_groups, source_files
from loanwright.features.texts.visible import BEGINNING
from loanwright.storage import Manifest

CHANGED = "changed"
"""What the names of the tables of `note_changes` begin with."""
DIFFERING = ("differing_now", "differing_then")


@contextmanager
def differing(engine: Engine, source: Source, now: Manifest, before: Manifest, scratch: Path) -> Iterator[None]:
    """With tables `differing_now` and `differing_then`: the rows of row groups that only one of the snapshots has."""
    files = [set(manifest.body["tables"][source.name]["files"]) for manifest in (now, before)]
    ours = source_files(source, now, scratch, files[0] - files[1])
    theirs = source_files(source, before, scratch, files[1] - files[0])
    for name, groups in zip(DIFFERING, unshared(ours, theirs), strict=True):
        rows = rows_of_groups(source, groups)
        if isinstance(rows, pa.Table):
            engine.add(name, rows)
        else:
            engine.load(name, rows)
    try:
        yield
    finally:
        for name in DIFFERING:
            engine.drop(name)


def note_changes(engine: Engine, source: Source, data: Data, end: int) -> int | None:
    """Makes `changed_<name>` of the source if its snapshots differ in what could be seen before the end.

    It has every version, in either snapshot, of each row of which a version came or went, and since when that can be
    seen: `lw_since`, microseconds. What such a row gives to a decision before then is what it was.

    Args:
        engine: it has `all_<name>`, `differing_now` and `differing_then`.
        source: whose rows.
        data: the data section.
        end: microseconds of UTC.

    Returns the least `lw_since`; None if nothing differs.
    """
    seen = _seen(source, data)
    columns = ", ".join(quoted(column.name) for column in source.columns)
    # By itself a zero equals one of the other sign, and a feature may be the one or the other.
    told = ", ".join([columns, *(f"signbit({quoted(one.name)})" for one in source.columns if one.type == "number")])
    mark = f"SELECT count(*), sum(CAST(hash({told}) AS HUGEINT)) FROM {{}} WHERE {seen} < {end}"
    marks = engine.rows(" UNION ALL ".join(mark.format(name) for name in DIFFERING))
    if marks[0] == marks[1]:
        return None
    keys = ", ".join(map(quoted, source.key))
    either = _either(f"SELECT {told} FROM {{}} WHERE {seen} < {end}")
    engine.make("differing_keys", f"SELECT {keys}, min({seen}) AS lw_since FROM ({either}) c GROUP BY {keys}")
    ((first,),) = engine.rows("SELECT min(lw_since) FROM differing_keys")
    if first is None:
        return None
    versions = f"SELECT {columns} FROM {ALL}_{source.name} UNION ALL SELECT {columns} FROM {DIFFERING[1]}"
    engine.make(
        f"{CHANGED}_{source.name}",
        f"SELECT * FROM (SELECT * FROM ({versions}) v WHERE {seen} < {end}) v JOIN differing_keys USING ({keys})",
    )
    return int(first)


def first_moved(engine: Engine, data: Data, end: int) -> int:
    """When the first decision before the end was that only one of the snapshots has, or has at that time; else the end.

    Args:
        engine: it has `differing_now` and `differing_then` of the unit's source.
        data: the data section.
        end: microseconds of UTC.
    """
    taken = f"epoch_us({quoted(data.decision_time.column or '')})"
    moved = _either(f"SELECT {taken} AS lw_at, {quoted(data.unit.key)} FROM {{}} WHERE {taken} < {end}")
    ((first,),) = engine.rows(f"SELECT min(lw_at) FROM ({moved}) m")
    return end if first is None else int(first)


def _either(rows: str) -> str:
    """Of a query of a table: what it finds in one of the snapshots and not in the other."""
    now, then = (f"({rows.format(name)})" for name in DIFFERING)
    return f"({now} EXCEPT ALL {then}) UNION ALL ({then} EXCEPT ALL {now})"


def _seen(source: Source, data: Data) -> str:
    """Since when a row can be seen, as SQL: by features, and, of a decision, in the table itself."""
    taken = data.decision_time.column if source.name == data.unit.source else None
    times = [f"epoch_us({quoted(time)})" for time in (source.known, taken) if time is not None]
    return f"least({', '.join(times)})" if times else f"CAST({BEGINNING} AS BIGINT)"
