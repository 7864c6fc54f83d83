"""What of an earlier training table still stands when rows have come since: the past, as it was known then.

A decision sees nothing that was known at or after it. So of the decisions that were there only those are other ones now
that see a row that changed (`reached`), and of the outcomes those whose label a newer event reaches. The table is built
the same, byte for byte, whether an earlier one is used or not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loanwright.config.data import Data, Source
from loanwright.data.engine import quoted
from loanwright.errors import IntegrityFault, NotStored
from loanwright.features.engines.engine import Engine
from loanwright.features.incremental.changes import DIFFERING, differing, first_moved, note_changes
from loanwright.features.texts.visible import MICROSECONDS
from loanwright.storage import Manifest, Store, canonical_json, read_manifest

FOLDER = "latest_tables"


@dataclass(frozen=True)
class Standing:
    """How far an earlier table can be relied on; moments are microseconds of UTC."""

    table: Manifest
    end: int
    """Decisions from this moment on are new."""
    moved_from: int
    """Decisions before this moment are the same ones, and in the same places."""
    labels_before: int
    """Decisions before this moment have the same label, and see no row that changed."""
    changed: Mapping[str, int]
    """Source → since when the first of its changes can be seen. Its table is `changed_<name>`."""


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
    if any(source.name not in before.body["tables"] for source in sources):
        return None
    # Rows known at the very end of what was observed may have come since.
    end = _micros(before.body["observed_until"])
    moved_from, labels_before = end, end
    changed: dict[str, int] = {}
    for source in sources:
        with differing(engine, source, now, before, scratch):
            first = note_changes(engine, source, data, end)
            if first is not None:
                changed[source.name] = first
                if source.name == data.unit.source:
                    moved_from = first_moved(engine, data, end)
            if data.label.event is not None and source.name == data.label.event.source:
                event = _first_event(engine, source, label_filter or "TRUE", end if first is None else first)
                labels_before = min(labels_before, event - data.label.event.within * MICROSECONDS)
    return Standing(table, end, moved_from, min([labels_before, *changed.values()]), changed)


def _first_event(engine: Engine, source: Source, label_filter: str, since: int) -> int:
    """When the first of the label's events happened of which a version known since a moment came or went."""
    event = f"epoch_us({quoted(source.event_time or source.known or '')})"
    keys = ", ".join(quoted(name) for name in source.key)
    late = f"WHERE epoch_us({quoted(source.known or '')}) >= {since}"
    touched = " UNION ALL ".join(f"SELECT {keys} FROM {name} {late}" for name in DIFFERING)
    still = f"SELECT min({event}) AS lw_at FROM all_{source.name} WHERE ({label_filter}) AND ({keys}) IN ({touched})"
    gone = f"SELECT min({event}) FROM {DIFFERING[1]} {late} AND ({label_filter})"
    ((first,),) = engine.rows(f"SELECT min(lw_at) FROM ({still} UNION ALL {gone}) e")
    return since if first is None else min(int(first), since)


def _micros(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return int(at.timestamp()) * MICROSECONDS + at.microsecond
