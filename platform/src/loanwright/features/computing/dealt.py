"""Rows dealt into numbered parts, in one file on scratch: written as they come, read back part by part.

Rows of one part need not come together. What is held in memory is some batches on their way in, or what a reader asks
for.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from loanwright.data.arrow_arrays import places, whole_numbers
from loanwright.errors import EnvironmentFault

_BATCH = 65_536
"""Rows that a reader is given at once."""
_GATHERED = 32 << 20
"""Bytes that are dealt at once: of many parts each then has some thousand rows together."""


class Dealt:
    """Rows by part.

    Args:
        path: the file, which is written anew; removed by `close`.
        batches: the rows, of one schema. A generator is closed, also where the disk is full: what it reads from can be
            asked for something else then.
        by: the column of whole numbers, from 0 on, that tells the part.
        width: how many of these numbers are one part.

    Raises:
        EnvironmentFault: the disk is full, or cannot be written.
    """

    def __init__(self, path: Path, batches: Iterable[pa.RecordBatch], by: str, width: int = 1) -> None:
        self._path = path
        self._places: dict[int, list[int]] = {}
        self._written = 0
        self.schema = pa.schema([])
        path.parent.mkdir(parents=True, exist_ok=True)
        with _closed(batches), _disk(path), _whole(path), pa.OSFile(str(path), "wb") as file:
            writer: ipc.RecordBatchFileWriter | None = None
            for batch in _gathered(batches):
                if writer is None:
                    self.schema = batch.schema
                    writer = ipc.new_file(file, batch.schema, options=ipc.IpcWriteOptions(compression="lz4"))
                for part, rows in _by_part(batch, by, width):
                    self._places.setdefault(part, []).append(self._written)
                    self._written += 1
                    writer.write_batch(rows)
            if writer is not None:
                writer.close()

    def part(self, number: int) -> pa.RecordBatchReader:
        """The rows of one part, in the order in which they came, to be read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._read(number))

    def close(self) -> None:
        """Removes the file."""
        self._path.unlink(missing_ok=True)

    def _read(self, number: int) -> Iterator[pa.RecordBatch]:
        places = self._places.get(number, [])
        if not places:
            return
        with pa.OSFile(str(self._path), "rb") as file:
            reader = ipc.open_file(file)
            waiting: list[pa.RecordBatch] = []
            for place in places:
                waiting.append(reader.get_batch(place))
                if sum(batch.num_rows for batch in waiting) >= _BATCH:
                    yield _one(waiting)
                    waiting = []
            if waiting:
                yield _one(waiting)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if waiting and not batch.num_rows:
            continue
        waiting.append(batch)
        size += batch.nbytes
        if size >= _GATHERED:
            yield _one(waiting)
            waiting, size = [], 0
    if waiting:
        yield _one(waiting)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0] if len(batches) > 1 else batches[0]


def _by_part(batch: pa.RecordBatch, by: str, width: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    parts = whole_numbers(batch.column(by).cast(pa.int64()), np.int64) // width
    if not len(parts):
        return
    if parts.min() == parts.max():
        yield int(parts[0]), batch
        return
    order = np.argsort(parts, kind="stable")
    taken = batch.take(places(order))
    numbers, starts = np.unique(parts[order], return_index=True)
    for number, start, end in zip(numbers, starts, [*starts[1:], len(parts)], strict=True):
        yield int(number), taken.slice(start, end - start)


@contextmanager
def _closed(batches: Iterable[pa.RecordBatch]) -> Iterator[None]:
    try:
        yield
    finally:
        if isinstance(batches, Generator):
            batches.close()


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """Nothing is left of a file that was not written to its end."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise EnvironmentFault(
                f"the disk is full at {path.parent}, where features are put on their way",
                fix="Free some space there and run again",
            ) from error
        raise
