"""What of an earlier training table still stands when rows have come since: the past, as it was known then.

A decision sees nothing that was known at or after it. So if the rows known before some moment are the same in
both snapshots, so are the features of all decisions before that moment, and the outcomes of those whose label
no newer event reaches. The table is built the same, byte for byte, whether an earlier one is used or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanwright.config.data import Data, Source
from loanwright.data.engine import quoted
from loanwright.errors import IntegrityFault, NotStored
from loanwright.features.engine import Engine
from loanwright.features.snapshots import rows_of_groups, source_files
from loanwright.features.unshared import unshared
from loanwright.features.visible import MICROSECONDS
from loanwright.storage import Manifest, Store, canonical_json, read_manifest

FOLDER = "latest_tables"
CHANGED = ("changed_now", "changed_then")


@dataclass(frozen=True)
class Standing:
    """How far an earlier table can be relied on, in microseconds."""

    table: Manifest
    features_before: int
    """Features of decisions before this moment are the same."""
    labels_before: int
    """And so are their labels, before this one."""


def remember(store: Store, feature_set: str, table_uri: str) -> None:
    """Notes the latest table of a feature set."""
    store.write(f"{FOLDER}/{feature_set}.json", canonical_json({"table": table_uri.rpartition("/")[2]}))


def latest(store: Store, feature_set: str) -> tuple[Manifest, Manifest] | None:
    """The latest table of a feature set and its snapshot, if both, and all their files, are still there."""
    try:
        noted = json.loads(store.read(f"{FOLDER}/{feature_set}.json"))["table"]
        table = read_manifest(f"{store.root}/tables/{noted}", "tables")
        snapshot = read_manifest(f"{store.root}/snapshots/{table.body['snapshot']}.json", "snapshots")
    except (NotStored, IntegrityFault, ValueError, KeyError, TypeError):
        return None
    for manifest in (table, snapshot):
        if any(store.size(f"{manifest.kind}/{entry.path}") != entry.bytes for entry in manifest.files):
            return None
    return table, snapshot


def standing(
    engine: Engine,
    data: Data,
    sources: list[Source],
    label_filter: str | None,
    now: Manifest,
    then: tuple[Manifest, Manifest],
    scratch: Path,
) -> Standing | None:
    """What of the earlier table stands; None if nothing can be told.

    Args:
        engine: it has the tables `all_<name>` of these sources as they are now.
        data: the data section.
        sources: those that features and label are made of.
        label_filter: which rows of the label's source are its events, as SQL.
        now: the snapshot's manifest.
        then: the earlier table's manifest, and its snapshot's.
        scratch: a folder for files on their way.
    """
    table, before = then
    if not before.body["observed_until"] or data.decision_time.column is None:
        return None
    # Rows known at the very end of what was observed may have come since.
    end = _micros(before.body["observed_until"])
    features_before, labels_before = end, end
    for source in sources:
        if source.name not in before.body["tables"]:
            return None
        times = _times(source, data)
        if not times:
            if now.body["tables"][source.name]["files"] != before.body["tables"][source.name]["files"]:
                return None
            continue
        within = data.label.event.within if data.label.event and source.name == data.label.event.source else None
        with _changed(engine, source, now, before, scratch):
            first = _first_change(engine, source, times, end)
            features_before = min(features_before, first)
            if within is not None:
                event = _first_event(engine, source, label_filter or "TRUE", first)
                labels_before = min(labels_before, event - within * MICROSECONDS)
    return Standing(table, features_before, min(features_before, labels_before))


def _times(source: Source, data: Data) -> list[str]:
    """The columns that say since when a row can be seen: by features, and, of a decision, in the table itself."""
    taken = data.decision_time.column if source.name == data.unit.source else None
    return [time for time in (source.known, taken) if time is not None]


@contextmanager
def _changed(engine: Engine, source: Source, now: Manifest, before: Manifest, scratch: Path) -> Iterator[None]:
    """With tables `changed_now` and `changed_then`: the rows of the row groups that only one of the snapshots has."""
    files = [set(manifest.body["tables"][source.name]["files"]) for manifest in (now, before)]
    ours = source_files(source, now, scratch, files[0] - files[1])
    theirs = source_files(source, before, scratch, files[1] - files[0])
    for name, groups in zip(CHANGED, unshared(ours, theirs), strict=True):
        engine.add(name, rows_of_groups(source, groups))
    try:
        yield
    finally:
        for name in CHANGED:
            engine.remove(name)


def _first_change(engine: Engine, source: Source, times: list[str], end: int) -> int:
    """When the first row could be seen, before the end, that is in one snapshot and not in the other; else the end."""
    seen = f"least({', '.join(f'epoch_us({quoted(time)})' for time in times)})"
    columns = ", ".join(quoted(column.name) for column in source.columns)
    mark = f"SELECT count(*), sum(CAST(hash({columns}) AS HUGEINT)) FROM {{}} WHERE {seen} < {end}"
    marks = engine.rows(" UNION ALL ".join(mark.format(name) for name in CHANGED))
    if marks[0] == marks[1]:
        return end
    now, then = (f"(SELECT {columns} FROM {name} WHERE {seen} < {end})" for name in CHANGED)
    either = f"({now} EXCEPT ALL {then}) UNION ALL ({then} EXCEPT ALL {now})"
    ((first,),) = engine.rows(f"SELECT min({seen}) FROM ({either}) c")
    return end if first is None else int(first)


def _first_event(engine: Engine, source: Source, label_filter: str, since: int) -> int:
    """When the first of the label's events happened of which a version known since a moment came or went."""
    event = f"epoch_us({quoted(source.event_time or source.known or '')})"
    keys = ", ".join(quoted(name) for name in source.key)
    late = f"WHERE epoch_us({quoted(source.known or '')}) >= {since}"
    touched = " UNION ALL ".join(f"SELECT {keys} FROM {name} {late}" for name in CHANGED)
    still = f"SELECT min({event}) AS lw_at FROM all_{source.name} WHERE ({label_filter}) AND ({keys}) IN ({touched})"
    gone = f"SELECT min({event}) FROM {CHANGED[1]} {late} AND ({label_filter})"
    ((first,),) = engine.rows(f"SELECT min(lw_at) FROM ({still} UNION ALL {gone}) e")
    return since if first is None else min(int(first), since)


def _micros(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return int(at.timestamp()) * MICROSECONDS + at.microsecond
