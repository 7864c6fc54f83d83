"""The parquet files to score: where they lie, and what their footers say of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from loanwright.errors import DataError, IntegrityFault, NotStored, UsageError
from loanwright.registry.scoring_columns import reading
from loanwright.storage import Store, open_store

if TYPE_CHECKING:
    import pyarrow as pa

_S3 = "s3://"
_LOOKS = 16
"""Footers that are read at a time: each waits for the store more than it works."""
_MAGIC = b"PAR1"


@dataclass(frozen=True)
class InputFile:
    """A file of rows, and how to know it again."""

    name: str
    """Below the input's place."""
    bytes: int
    groups: tuple[int, ...]
    """The rows of each row group."""
    footer: str
    """The digest of its parquet footer, which lists every page's place and size and the columns' extremes."""
    version: str
    """Another one when the file is written anew (`Store.version`)."""

    @property
    def rows(self) -> int:
        """How many it has."""
        return sum(self.groups)

    def as_json(self) -> dict[str, Any]:
        """What stands of it in a plan."""
        return asdict(self) | {"groups": list(self.groups)}


@dataclass(frozen=True)
class Inputs:
    """All files of an input, in order of their names."""

    root: str
    files: tuple[InputFile, ...]

    def where(self, number: int) -> str:
        """A file's whole name, for a message."""
        return f"{self.root}/{self.files[number].name}"

    @contextmanager
    def opened(self, number: int) -> Iterator[BinaryIO]:
        """A file, which is the one that was looked at before and after it is read.

        Raises:
            DataError: it was changed or removed since.
        """
        store, file = open_store(self.root), self.files[number]
        changed = DataError(
            f"{self.where(number)} was changed while rows were being scored",
            fix="Score rows that stay as they are, into a new place",
        )
        if store.version(file.name) != file.version:
            raise changed
        try:
            with store.open(file.name) as opened:
                yield opened
        except (NotStored, IntegrityFault):
            raise changed from None
        if store.version(file.name) != file.version:
            raise changed


def find_inputs(uri: str) -> tuple[Inputs, list[pa.Schema]]:
    """The files at an address, and the schema of each: one file, all files below a folder or an S3 prefix.

    What is hidden or begins with an underscore is passed over, as other tools do that leave such files behind.

    Raises:
        UsageError: there is nothing.
        DataError: a file is not parquet.
    """
    root, names = _listed(uri)
    store = open_store(root)
    with ThreadPoolExecutor(_LOOKS) as pool:
        looks = list(pool.map(lambda name: _look(store, name), names))
    return Inputs(root, tuple(file for file, _ in looks)), [schema for _, schema in looks]


def _listed(uri: str) -> tuple[str, list[str]]:
    """The root, and the names of the files below it."""
    from loanwright.data.files import is_data  # a scoring process, which lists nothing, starts sooner without it

    if uri.startswith(_S3):
        bucket, _, path = uri.removeprefix(_S3).partition("/")
        above, _, name = path.rpartition("/")
        if name and open_store(f"{_S3}{bucket}").size(path) is not None:
            return f"{_S3}{bucket}/{above}".rstrip("/"), [name]
        root = uri.rstrip("/")
    elif "://" in uri and not uri.startswith("file://"):
        raise UsageError(f"{uri} is no address of rows to score", fix="Give a file, a folder or s3://bucket/prefix/")
    else:
        place = Path(uri.removeprefix("file://")).absolute()
        if place.is_file():
            return str(place.parent), [place.name]
        root = str(place)
        if not place.is_dir():
            raise UsageError(f"there is no file or folder {uri} to score")
    # S3's consoles leave empty objects where a person made a folder.
    names = [stored.key for stored in open_store(root).list() if is_data(stored.key) and not stored.key.endswith("/")]
    if not names:
        raise UsageError(f"there is nothing to score at {uri}", fix="Give a file, a folder or s3://bucket/prefix/")
    return root, sorted(names)


def _look(store: Store, name: str) -> tuple[InputFile, pa.Schema]:
    import pyarrow.parquet as pq

    where = f"{store.root}/{name}"
    version = store.version(name) or ""
    with store.open(name) as file, reading(where):
        end = file.seek(0, 2)
        file.seek(max(0, end - 8))
        tail = file.read()
        if tail[4:] != _MAGIC:
            raise DataError(f"{where} is not a parquet file", fix="Move it away, or write its rows as parquet")
        file.seek(max(0, end - 8 - int.from_bytes(tail[:4], "little")))
        footer = hashlib.sha256(file.read()).hexdigest()
        with pq.ParquetFile(file) as parquet:
            groups = [parquet.metadata.row_group(place).num_rows for place in range(parquet.num_row_groups)]
            return InputFile(name, end, tuple(groups), footer, version), parquet.schema_arrow
