"""A published training table, read by row groups from verified local files, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

import numpy as np

from loanwright.data.arrow_arrays import mask_of, no_rows, whole_numbers
from loanwright.data.split import assign
from loanwright.errors import DataError, IntegrityFault, near
from loanwright.storage import FileEntry, Manifest, fetch, read_manifest

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from loanwright.config.learning import Split

KEY_COLUMNS = ("unit_key", "decision_time", "unit_hash", "label")
"""The columns before the features."""

_BUFFER = 1 << 18


class TableFeature(TypedDict):
    """A feature as the table's manifest declares it."""

    name: str
    type: Literal["number", "category"]
    monotone: Literal["increasing", "decreasing"] | None
    description: str


class Keys(NamedTuple):
    """The small columns, one value a row, in the table's order."""

    unit_hash: NDArray[np.uint64]
    decision_time: NDArray[np.datetime64]
    """Microseconds, UTC."""
    label: NDArray[np.int8]


class _Group(NamedTuple):
    start: int
    rows: int
    file: int
    place: int


class TrainingTable:
    """Rows and declared features of one training table.

    Attributes:
        manifest: the manifest that names it.
        features: what may be given to a model, in column order.
        rows: how many decisions it holds; of a piece, how many that piece holds.
        first: of a piece, the number of its first row in the whole table.
    """

    def __init__(
        self,
        manifest: Manifest,
        files: Sequence[pq.ParquetFile],
        rows: int | None = None,
        first: int = 0,
        threads: int = 1,
    ) -> None:
        self.manifest = manifest
        self.features: tuple[TableFeature, ...] = tuple(manifest.body["features"])
        self.rows: int = manifest.body["rows"] if rows is None else rows
        self.first = first
        self._files = files
        self._threads = threads
        self._groups: list[_Group] = []
        start = 0
        for number, file in enumerate(files):
            for index in range(file.num_row_groups):
                count = file.metadata.row_group(index).num_rows
                self._groups.append(_Group(start, count, number, index))
                start += count
        if not files or start != self.rows:
            raise IntegrityFault(f"the files of {manifest.uri} hold {start} rows, and it says {self.rows}")

    @classmethod
    def open(cls, uri: str, scratch: Path, span: tuple[int, int] | None = None, *, threads: int = 1) -> TrainingTable:
        """Opens the table that a manifest lists; every file's digest is checked before a row is read.

        Args:
            uri: of a manifest of kind ``tables``.
            scratch: a folder for copies of files that do not lie on this machine.
            span: the rows that are wanted, from the first up to the one behind the last: only the files that hold
                some of them are fetched, and only the row groups are a piece of the table. Absent: all.
            threads: how many may fetch files; from two on, columns are decoded side by side as well.

        Raises:
            NotStored: there is no such manifest.
            IntegrityFault: the manifest or a file is not what was written.
        """
        import pyarrow.parquet as pq

        manifest = read_manifest(uri, "tables")
        first, entries = 0, manifest.files
        if span is not None:
            first, entries = _holding(manifest, *span)
        with ThreadPoolExecutor(threads) as pool:
            paths = list(pool.map(lambda entry: fetch(manifest, entry, scratch), entries))
        # Read-ahead would hold a whole row group's bytes beside its values, and a local file gains nothing by it.
        files = [pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) for path in paths]
        if span is None:
            return cls(manifest, files, threads=threads)
        piece = cls(manifest, files, sum(entry.rows or 0 for entry in entries), first, threads)
        piece._narrow(*span)
        return piece

    def _narrow(self, start: int, end: int) -> None:
        """Leaves the row groups that hold rows of a span of the whole table, at least one."""
        groups = [group for group in self._groups if group.start < end - self.first]
        groups = [group for group in groups if group.start + group.rows > start - self.first] or self._groups[:1]
        before = groups[0].start
        self._groups = [group._replace(start=group.start - before) for group in groups]
        self.first, self.rows = self.first + before, sum(group.rows for group in groups)

    @property
    def feature_names(self) -> list[str]:
        """The features' column names, in order."""
        return [feature["name"] for feature in self.features]

    @property
    def columns(self) -> list[str]:
        """All column names, in order: keys, features, then what is carried as ``unit.<column>``."""
        return [*KEY_COLUMNS, *self.feature_names, *(f"unit.{name}" for name in self.manifest.body["carried"])]

    @property
    def maturity(self) -> int:
        """Seconds after the decision until the label is final."""
        return int(self.manifest.body["label"]["matures_after"])

    @property
    def observed_until(self) -> datetime | None:
        """The end of the data that labels were made from; None where decisions have no times of their own."""
        moment = self.manifest.body["observed_until"]
        return datetime.fromisoformat(moment) if moment else None

    def keys(self) -> Keys:
        """Hash, decision time and label of every row (17 bytes a row)."""
        import pyarrow as pa

        unit_hash = np.empty(self.rows, dtype=np.uint64)
        decision_time = np.empty(self.rows, dtype="datetime64[us]")
        label = np.empty(self.rows, dtype=np.int8)
        for start, group in self.row_groups(["unit_hash", "decision_time", "label"]):
            place = slice(start, start + group.num_rows)
            unit_hash[place] = whole_numbers(group["unit_hash"].cast(pa.uint64()), np.uint64)
            decision_time[place] = whole_numbers(_microseconds(group["decision_time"]), np.int64).view("datetime64[us]")
            label[place] = whole_numbers(group["label"].cast(pa.int8()), np.int8)
        return Keys(unit_hash, decision_time, label)

    def part(self, split: Split, keys: Keys | None = None) -> NDArray[np.int8]:
        """The part of each row: 0 train, 1 calibration, 2 test, -1 left out.

        Args:
            split: the declared rule.
            keys: what `keys` returned, if it was read before.

        Raises:
            DataError: no row's label is final at the data's end.
        """
        unit_hash, decision_time, _ = keys or self.keys()
        return assign(split, self.maturity, unit_hash, decision_time, self.observed_until)

    def row_groups(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Every row group in order, with the number of its first row; only these columns (absent: all).

        Raises:
            DataError: the table has no such column.
        """
        for number, group in enumerate(self._groups):
            yield group.start, self.read_group(number, columns)

    @property
    def bounds(self) -> list[int]:
        """The first row of each row group, and behind them the number of rows."""
        return [*(group.start for group in self._groups), self.rows]

    def read_group(self, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        """One row group by its number; only these columns (absent: all).

        Raises:
            DataError: the table has no such column.
        """
        wanted = self._checked(columns)
        group = self._groups[number]
        file = self._files[group.file]
        table = file.read_row_group(group.place, columns=wanted, use_threads=self._threads > 1)
        return table.select(wanted)

    def read(self, rows: NDArray[np.bool_], columns: Sequence[str] | None = None) -> pa.Table:
        """The chosen rows, in the table's order; never more than one row group of others in memory.

        Args:
            rows: one truth value for each row of the table.
            columns: which columns, in this order; absent: all.

        Raises:
            DataError: the table has no such column.
        """
        import pyarrow as pa

        wanted = self._checked(columns)
        pieces = []
        for number, group in enumerate(self._groups):
            chosen = rows[group.start : group.start + group.rows]
            if chosen.any():
                piece = self.read_group(number, wanted)
                pieces.append(piece if chosen.all() else piece.filter(mask_of(chosen)))
        if pieces:
            return pa.concat_tables(pieces)
        return no_rows(self._files[0].schema_arrow).select(wanted)

    def _checked(self, columns: Sequence[str] | None) -> list[str]:
        known = self.columns
        if columns is None:
            return known
        for name in columns:
            if name not in known:
                raise DataError(f"training table {self.manifest.uri} has no column {name!r}{near(name, known)}")
        return list(columns)


def _microseconds(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments of any unit as microseconds."""
    import pyarrow as pa

    return moments.cast(pa.timestamp("us", moments.type.tz), safe=False)


def _holding(manifest: Manifest, start: int, end: int) -> tuple[int, tuple[FileEntry, ...]]:
    """The files that hold rows of that span, and the number of the first one's first row."""
    first = place = 0
    entries: list[FileEntry] = []
    for entry in manifest.files:
        behind = place + (entry.rows or 0)
        if place < end and start < behind:
            first = first if entries else place
            entries.append(entry)
        place = behind
    return first, tuple(entries)
