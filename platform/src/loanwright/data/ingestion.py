"""From the sources as they are now to an immutable snapshot, or to the one that is there already."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanwright.config.data import Data
from loanwright.data.breaks import Break, refuse
from loanwright.data.contract import Role, role_of
from loanwright.data.files import Stamp, stamp
from loanwright.data.records import SNAPSHOTS, earlier, record_key, remember
from loanwright.data.validation import stale
from loanwright.errors import DataError, DeclarationError, EnvironmentFault, UsageError, near
from loanwright.storage import FileEntry, Store, publish


@dataclass(frozen=True)
class Ingested:
    """What an ingest found: the snapshot's manifest, and what its validation looked at.

    `unchanged` says that nothing was read: the sources are those of an earlier ingest. An entry of
    `validation` has source, rule, column (or None), rows (looked at) and broken, or source, rule
    `note` and what it `says`.
    """

    uri: str
    unchanged: bool
    rows: dict[str, int]
    validation: list[dict[str, Any]]


def ingest(
    data: Data,
    store: Store,
    *,
    cutoff: datetime | None,
    overrides: Mapping[str, str],
    cache: Path,
    now: datetime,
    code_digest: str = "",
) -> Ingested:
    """Reads, validates and stores the declared sources, unless they are unchanged since an earlier ingest.

    Args:
        cutoff: rows known at or after it are left out; it is the data's end, up to which all outcomes are known.
            Without one, that is when the newest row of all sources was known.
        overrides: source name → the address to read instead of the declared one.
        cache: folder of the public data sets' files.
        now: the present, for freshness and for dates in the future; it never enters a digest.
        code_digest: of the installed package and what it stands on: other code looks at the data anew.

    Raises:
        UsageError: an override names no source.
        DataError: the data cannot be read, or breaks its contract (all breaks are named); the cut-off is to come.
        EnvironmentFault: network, storage, database or disk refused.
    """
    data = overridden(data, overrides)
    try:
        return _ingest(data, store, cutoff=cutoff, cache=cache, now=now, code_digest=code_digest)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot read or write {error.filename or 'a file'} while the data is ingested: {error.strerror or error}",
            fix="Check permissions, and the free space of the temporary folder",
        ) from error


def _ingest(
    data: Data, store: Store, *, cutoff: datetime | None, cache: Path, now: datetime, code_digest: str
) -> Ingested:
    roles = {source.name: role_of(source, data) for source in data.sources}
    if cutoff is not None and not any(role.known for role in roles.values()):
        raise DataError(
            "a data cut-off was given, but no source has a time to hold against it",
            fix="Leave data_cutoff empty, or declare an event_time or known_time",
        )
    if cutoff is not None and cutoff > now:
        raise DataError(
            f"the data cut-off, {cutoff.isoformat()}, lies in the future, up to which nothing is known",
            fix="Leave data_cutoff empty, or give a moment that has passed",
        )
    for source in data.sources:
        if source.max_age is not None and roles[source.name].known is None:
            raise DeclarationError(f"source {source.name!r} has a max_age, but no event_time or known_time")
    # Taken before the contents are hashed: what is written between there and the end of reading is noticed.
    stamps = {source.name: stamp(source.uri) for source in data.sources}
    key = record_key(data, cutoff, code_digest)
    record = earlier(store, key)
    if record is not None:
        refuse(_stale(data, record["newest"], cutoff or now))
        uri = f"{store.root}/{SNAPSHOTS}/{record['snapshot']}.json"
        return Ingested(uri, True, record["rows"], record["validation"])
    return _read(data, store, roles, stamps, key, cutoff=cutoff, cache=cache, now=now)


def overridden(data: Data, overrides: Mapping[str, str]) -> Data:
    """The data section with other addresses of its sources.

    Raises:
        UsageError: an override names no source.
    """
    names = [source.name for source in data.sources]
    for name in overrides:
        if name not in names:
            raise UsageError(
                f"source_overrides names {name!r}, which is no source{near(name, names)}",
                fix=f"The sources are {', '.join(names)}",
            )
    sources = tuple(
        source.model_copy(update={"uri": overrides.get(source.name, source.uri)}) for source in data.sources
    )
    return data.model_copy(update={"sources": sources})


def _stale(data: Data, newest: Mapping[str, str | None], at: datetime) -> list[Break]:
    moments = {name: datetime.fromisoformat(moment) if moment else None for name, moment in newest.items()}
    return [item for source in data.sources for item in stale(source, moments[source.name], at)]


def _read(
    data: Data,
    store: Store,
    roles: Mapping[str, Role],
    stamps: Mapping[str, Stamp],
    key: str | None,
    *,
    cutoff: datetime | None,
    cache: Path,
    now: datetime,
) -> Ingested:
    """Reads all sources, checks all, and only then stores anything."""
    from loanwright.data.engine import engine, in_utc
    from loanwright.data.public import notes
    from loanwright.data.published_truth import TRUTH, store_truth
    from loanwright.data.snapshot import write_table
    from loanwright.data.sources import open_parts
    from loanwright.data.staging import stage
    from loanwright.data.validation import newest, validate

    breaks: list[Break] = []
    validation: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="loanwright-ingest-") as folder, engine(Path(folder)) as connection:
        staged = []
        for source in data.sources:
            parts = open_parts(source, cache, Path(folder))
            table = stage(connection, source, parts, role=roles[source.name], cutoff=cutoff)
            found, report = validate(connection, table, cutoff=cutoff, now=now)
            if stamp(source.uri) != stamps[source.name]:
                raise DataError(
                    f"source {source.name!r} was changed while it was read", fix="Run again when it is complete"
                )
            breaks += found
            validation += report + [{"source": source.name, "rule": "note", "says": says} for says in notes(source.uri)]
            staged.append(table)
        refuse(breaks)
        tables: dict[str, Any] = {}
        files: list[FileEntry] = []
        for table in staged:
            tables[table.source.name], written = write_table(connection, table, store, Path(folder))
            files += written
        truth = store_truth(data.unit_source.uri, SNAPSHOTS, store, cache, Path(folder))
        moments = {table.source.name: newest(connection, table) for table in staged}
    end = cutoff or max((moment for moment in moments.values() if moment is not None), default=None)
    body = {
        "tables": tables,
        "data_cutoff": in_utc(cutoff) if cutoff else "",
        "observed_until": in_utc(end) if end else "",
        "synthetic": any(table.synthetic for table in staged),
    }
    if truth is not None:
        body[TRUTH] = truth.path
        files.append(truth)
    uri = publish(store, SNAPSHOTS, body, files)
    rows = {table.source.name: table.rows for table in staged}
    record = {
        "snapshot": uri.rpartition("/")[2].removesuffix(".json"),
        "rows": rows,
        "newest": {name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "validation": validation,
    }
    remember(store, key, record)
    return Ingested(uri, False, rows, validation)
