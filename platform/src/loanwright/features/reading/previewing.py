"""Features of a few decisions, by the same SQL as the training table's, over a snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.engine import moment, quoted
from loanwright.errors import UsageError
from loanwright.features.declared.lineage import only
from loanwright.features.declared.resolve import resolve
from loanwright.features.engines.engine import Engine
from loanwright.features.reading.narrowing import ALL
from loanwright.features.reading.opening import sources_read
from loanwright.features.reading.related import Key, sql_value, take_related
from loanwright.features.reading.snapshots import files_of, rows_of
from loanwright.features.texts.sql import write_sql
from loanwright.storage import read_manifest


@dataclass(frozen=True)
class Decision:
    """One decision and its features, hidden ones too. The label is None where it was not final when the data ends."""

    key: Key
    time: datetime
    label: int | None
    values: dict[str, float | str | None]


def preview(
    snapshot_uri: str,
    data: Data,
    features: Features,
    scratch: Path,
    *,
    names: Sequence[str] = (),
    rows: int = 10,
    keys: Sequence[str] = (),
) -> list[Decision]:
    """The features of the latest decisions of a snapshot, or of some; by decision time, then key.

    Only the rows that matter to these decisions are looked at (`related`).

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: the data section.
        features: what is declared.
        scratch: a folder for what does not fit into memory.
        names: only these features; absent: all.
        rows: how many of the latest decisions.
        keys: of these decisions instead, in text.

    Raises:
        UsageError: a name is no feature's, or there is no decision of a key.
        DeclarationError: the features do not fit the sources.
        DataError: the snapshot does not fit the declaration.
    """
    chosen = only(features, names or features.names())
    with opened(snapshot_uri, data, chosen, scratch, ALL) as engine:
        wanted = [key_of(data, key) for key in keys] or _latest(engine, data, rows)
        take_related(engine, data, chosen, wanted)
        found = computed(engine, data, chosen, wanted)
    shown = list(dict.fromkeys(names)) or list(features.names())
    last = _last_with_final_label(snapshot_uri, data)
    return [
        replace(
            each,
            label=each.label if last is None or each.time <= last else None,
            values={name: each.values[name] for name in shown},
        )
        for each in found
    ]


@contextmanager
def opened(
    snapshot_uri: str, data: Data, features: Features, scratch: Path, prefix: str = "source"
) -> Iterator[Engine]:
    """An engine that reads the sources of these features from a snapshot, as tables `<prefix>_<name>`.

    Raises:
        DeclarationError: the features do not fit the sources.
        DataError: the snapshot does not fit the declaration.
    """
    snapshot = read_manifest(snapshot_uri, "snapshots")
    scratch.mkdir(parents=True, exist_ok=True)
    rows = rows_of(sources_read(data, resolve(data, features)), snapshot, scratch)
    with Engine(scratch, files=files_of(rows.values())) as engine:
        for name, these in rows.items():
            engine.add(f"{prefix}_{name}", these)
        yield engine


def computed(engine: Engine, data: Data, features: Features, keys: Sequence[Key]) -> list[Decision]:
    """The features of chosen decisions.

    Args:
        engine: it has the tables `source_<name>`.
        data: the data section.
        features: none of them hidden.
        keys: the decisions'.
    """
    compiled = write_sql(data, resolve(data, features))
    # The decisions alone are cut down: the source they come from may feed features by its other rows.
    which = f"WHERE unit_key IN ({', '.join(map(sql_value, keys))})"
    engine.make("decisions", f"SELECT * FROM (\n{compiled.decisions}\n) d {which}")
    for name, sql in compiled.groups.items():
        engine.make(name, sql)
    names = features.names()
    columns = ["unit_key", "epoch_us(decision_time)", "label", *map(quoted, names)]
    found = engine.rows(f"SELECT {', '.join(columns)} FROM (\n{compiled.table}\n) t ORDER BY decision_time, unit_key")
    return [Decision(key, _time(at), label, dict(zip(names, values, strict=True))) for key, at, label, *values in found]


def _last_with_final_label(snapshot_uri: str, data: Data) -> datetime | None:
    """The decision time up to which labels are final; None where nothing tells the data's end."""
    end = read_manifest(snapshot_uri, "snapshots").body["observed_until"]
    if data.decision_time.constant or not end:
        return None
    return datetime.fromisoformat(end) - timedelta(seconds=data.label.matures_after)


def key_of(data: Data, text: str) -> Key:
    """A decision's key from its text.

    Raises:
        UsageError: keys are whole numbers, and it is none.
    """
    column = data.unit_source.column(data.unit.key)
    if column is None or column.type != "integer":
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is no {data.unit.key!r}, which is an integer") from None


def _latest(engine: Engine, data: Data, rows: int) -> list[Key]:
    """The keys of the last decisions, by time, then key."""
    order = [data.unit.key] if data.decision_time.column is None else [data.decision_time.column, data.unit.key]
    last = ", ".join(f"{quoted(name)} DESC" for name in order)
    found = engine.rows(f"SELECT {quoted(data.unit.key)} FROM {ALL}_{data.unit.source} ORDER BY {last} LIMIT {rows}")
    return [key for (key,) in found]


def _time(microseconds: int) -> datetime:
    found = moment(microseconds)
    if found is None:
        raise ValueError("a decision has no time")
    return found
