"""Features of a few decisions, by the same SQL as the training table's, over a snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.engine import literal, moment, quoted
from loanwright.errors import UsageError
from loanwright.features.build import source_rows, sources_read
from loanwright.features.engine import Engine
from loanwright.features.lineage import only
from loanwright.features.resolve import resolve
from loanwright.features.sql import write_sql
from loanwright.storage import read_manifest


@dataclass(frozen=True)
class Decision:
    """One decision and its features, hidden ones too."""

    key: int | str
    time: datetime
    label: int
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

    Every row of the sources is seen, but nothing is computed for other decisions.

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
    which = f"ORDER BY lw_ord DESC LIMIT {rows}"
    typed = [key_of(data, key) for key in keys]
    if typed:
        which = f"WHERE unit_key IN ({', '.join(map(sql_value, typed))})"
    with opened(snapshot_uri, data, chosen, scratch) as engine:
        found = computed(engine, data, chosen, which)
    missing = [key for key in typed if key not in [decision.key for decision in found]]
    if missing:
        raise no_decision(data, missing[0])
    shown = list(dict.fromkeys(names)) or list(features.names())
    return [Decision(each.key, each.time, each.label, {name: each.values[name] for name in shown}) for each in found]


@contextmanager
def opened(snapshot_uri: str, data: Data, features: Features, scratch: Path) -> Iterator[Engine]:
    """An engine that reads the sources of these features from a snapshot, as tables `source_<name>`.

    Raises:
        DeclarationError: the features do not fit the sources.
        DataError: the snapshot does not fit the declaration.
    """
    snapshot = read_manifest(snapshot_uri, "snapshots")
    scratch.mkdir(parents=True, exist_ok=True)
    with Engine(scratch) as engine:
        for source in sources_read(data, resolve(data, features)):
            engine.add(f"source_{source.name}", source_rows(source, snapshot, scratch))
        yield engine


def computed(engine: Engine, data: Data, features: Features, which: str) -> list[Decision]:
    """The features of chosen decisions.

    Args:
        engine: it has the sources' tables.
        data: the data section.
        features: none of them hidden.
        which: SQL behind `FROM decisions`, over `unit_key` and `lw_ord`.
    """
    compiled = write_sql(data, resolve(data, features))
    # The decisions alone are cut down: the source they come from may feed features by its other rows.
    engine.make("decisions", f"SELECT * FROM (\n{compiled.decisions}\n) d {which}")
    for name, sql in compiled.groups.items():
        engine.make(name, sql)
    names = features.names()
    columns = ["unit_key", "epoch_us(decision_time)", "label", *map(quoted, names)]
    found = engine.rows(f"SELECT {', '.join(columns)} FROM (\n{compiled.table}\n) t ORDER BY decision_time, unit_key")
    return [Decision(key, _time(at), label, dict(zip(names, values, strict=True))) for key, at, label, *values in found]


def key_of(data: Data, text: str) -> int | str:
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


def no_decision(data: Data, key: int | str) -> UsageError:
    """The error that there is no such decision."""
    return UsageError(
        f"there is no {data.unit.name} whose {data.unit.key} is {key!r} in the snapshot",
        fix="`loanwright features preview` shows some",
    )


def sql_value(value: Any) -> str:
    """A key's value as an SQL literal."""
    return literal(value) if isinstance(value, str) else str(int(value))


def _time(microseconds: int) -> datetime:
    found = moment(microseconds)
    if found is None:
        raise ValueError("a decision has no time")
    return found
