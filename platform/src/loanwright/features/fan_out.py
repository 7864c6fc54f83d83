"""Features computed by several processes: each takes its share of every group's keys, and one puts them together.

A share leaves behind the features of its keys' decisions, a file for each group, under a content-named manifest. The
table that is made of all shares is the one that a single process makes, byte for byte.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.data.rows import ROW_GROUP
from loanwright.errors import UsageError
from loanwright.features.build import removed, write_table
from loanwright.features.computing.dealt import Dealt
from loanwright.features.computing.groups import compute_groups
from loanwright.features.computing.joining import RANGE, by_ranges, joined
from loanwright.features.computing.setting_aside import keep_keys, set_aside
from loanwright.features.computing.shares import Share
from loanwright.features.incremental.deciding import EVERY, Decided, make_decisions
from loanwright.features.reading.opening import Begun, begun, check_outcomes
from loanwright.storage import FileEntry, Manifest, Store, fetch, publish, put_file, read_manifest

KIND = "feature_shares"


def compute_share(
    snapshot_uri: str,
    data: Data,
    features: Features,
    store: Store,
    scratch: Path,
    share: Share,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    shards: int | None = None,
) -> str:
    """Computes every feature group for one share of its keys; the URI of a manifest of kind `feature_shares`.

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: unit, decision time, label and sources.
        features: what to know of each decision.
        store: where the share goes.
        scratch: a folder for files on their way; what is put there is left to the caller to remove.
        share: which keys.
        memory_limit: of the engine, such as ``"3GiB"``.
        threads: of the engine.
        shards: into how many parts the share is dealt in turn; absent: as many as it takes.

    Raises:
        DeclarationError: the features do not fit the sources.
        DataError: the rows are no decisions.
        IntegrityFault: the snapshot is not what its manifest lists.
    """
    with begun(snapshot_uri, data, features, scratch, memory_limit=memory_limit, threads=threads) as build:
        decided = _decided(build)
        keep_keys(build.engine, EVERY, build.resolved)
        groups: dict[str, Dealt] = {}
        with removed(groups):
            for name, rows in compute_groups(
                build.engine, build.texts.groups, build.resolved, scratch, shards=shards, share=share
            ):
                groups[name] = rows
            files = {name: _stored(dealt, decided.rows, store, scratch) for name, dealt in groups.items()}
        body = _of(build) | {
            "share": share.number,
            "shares": share.of,
            "groups": {name: entry.path for name, entry in files.items()},
        }
        return publish(store, KIND, body, list(files.values()))


def join_shares(
    snapshot_uri: str,
    data: Data,
    features: Features,
    store: Store,
    scratch: Path,
    shares: Sequence[str],
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> str:
    """Puts the shares together to the training table; its manifest's URI.

    Args:
        snapshot_uri: manifest of kind `snapshots`.
        data: unit, decision time, label and sources.
        features: what to know of each decision.
        store: where the table goes, as kind `tables`.
        scratch: a folder for files on their way; what is put there is left to the caller to remove.
        shares: manifests of kind `feature_shares`, in any order: all shares of this snapshot and these features.
        memory_limit: of the engine, such as ``"3GiB"``.
        threads: of the engine.

    Raises:
        UsageError: a share is missing, is given twice, or is one of another snapshot or of other features.
        IntegrityFault: what is stored of a share is not what its manifest lists.
    """
    manifests = [read_manifest(uri, KIND) for uri in shares]
    with begun(snapshot_uri, data, features, scratch, memory_limit=memory_limit, threads=threads) as build:
        _check(build, manifests)
        decided = _decided(build)
        dealt = {"decisions": set_aside(build.engine, EVERY, build.resolved, scratch)}
        with removed(dealt):
            for name in build.texts.groups:
                dealt[name] = by_ranges(scratch / f"{name}.arrow", _rows(manifests, name, scratch))
            rows = joined(build.engine, build.texts.table, dealt, decided.rows)
            return write_table(build, decided, rows, store, scratch)


def _decided(build: Begun) -> Decided:
    found = make_decisions(build.engine, build.data, build.texts.decisions, build.resolved.label_filter, None)
    check_outcomes(build.data, found.rows, found.positives)
    return found


def _of(build: Begun) -> dict[str, Any]:
    return {"snapshot": build.snapshot.digest, "feature_set": build.feature_set}


def _stored(dealt: Dealt, total: int, store: Store, scratch: Path) -> FileEntry:
    """A group's rows as a file, in the decisions' order whatever the order in which they were computed."""
    rows = 0
    with tempfile.TemporaryDirectory(dir=scratch, prefix="share-") as folder:
        path = Path(folder) / "group.parquet"
        with pq.ParquetWriter(path, dealt.schema, compression="zstd") as writer:
            for number in range(-(-total // RANGE)):
                table = dealt.part(number).read_all().sort_by("lw_ord")
                writer.write_table(table.combine_chunks())
                rows += table.num_rows
        return put_file(store, KIND, path, rows=rows)


def _rows(manifests: Sequence[Manifest], group: str, scratch: Path) -> Iterator[pa.RecordBatch]:
    for manifest in manifests:
        with pq.ParquetFile(fetch(manifest, manifest.file(manifest.body["groups"][group]), scratch)) as file:
            yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
            yield from file.iter_batches(ROW_GROUP)


def _check(build: Begun, manifests: Sequence[Manifest]) -> None:
    for manifest in manifests:
        for name, digest in _of(build).items():
            if manifest.body[name] != digest:
                raise UsageError(
                    f"{manifest.uri} is a share of another {name.replace('_', ' ')}",
                    fix="Compute all shares of this one",
                )
    counts = {manifest.body["shares"] for manifest in manifests}
    numbers = sorted(manifest.body["share"] for manifest in manifests)
    of = max(counts, default=1)
    if len(counts) > 1 or numbers != list(range(1, of + 1)):
        found = ", ".join(f"{manifest.body['share']}/{manifest.body['shares']}" for manifest in manifests)
        raise UsageError(f"these are not all shares, each once: {found or 'none'}", fix="Give each share of one deal")
