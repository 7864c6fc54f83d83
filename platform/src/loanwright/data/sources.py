"""Where a source's rows come from: one reader for each kind of address, all giving the same parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from loanwright.config.data import Source
from loanwright.data.public import SCHEME as PUBLIC
from loanwright.data.world.recipe import SCHEME as WORLD
from loanwright.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

SQL = "sql+env://"
_CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
_PARQUET_ENDINGS = (".parquet", ".pq")


@dataclass(frozen=True)
class Part:
    """One file or table of a source, opened: its columns are known, its rows not yet read.

    `batches(names)` streams the rows of these columns; a CSV file's values come as text.
    `ragged()` says afterwards how many rows had another number of values than the header, with examples.
    """

    where: str
    columns: tuple[str, ...]
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    ragged: Callable[[], tuple[int, list[str]]] = lambda: (0, [])
    synthetic: bool = False


def open_parts(source: Source, cache: Path, scratch: Path) -> Iterator[Part]:
    """The parts of a source, one after the other.

    Raises:
        DataError: nothing is there, or it cannot be read as what it is declared to be.
        DeclarationError: the address is of no kind that is known.
        EnvironmentFault: the network, the storage or the database refused.
    """
    if source.uri.startswith(PUBLIC):
        from loanwright.data.public import read_public

        table = read_public(source.uri, cache)
        yield Part(
            source.uri, tuple(table.column_names), lambda names: iter(table.select(list(names)).to_batches(131_072))
        )
    elif source.uri.startswith(WORLD):
        from loanwright.data.sources_parquet import open_parquet
        from loanwright.data.world.addresses import world_files

        for path in world_files(source.uri, cache):
            yield open_parquet(f"{source.uri} ({path.name})", path)
    elif source.uri.startswith(SQL):
        from loanwright.data.sources_sql import open_table

        yield from open_table(source)
    else:
        from loanwright.data.files import files_of

        for shown, path in files_of(source.uri, scratch):
            yield _open_file(source, shown, path)


def _open_file(source: Source, shown: str, path: Path) -> Part:
    if _format(source, shown) == "parquet":
        from loanwright.data.sources_parquet import open_parquet

        return open_parquet(shown, path)
    from loanwright.data.sources_csv import open_csv

    return open_csv(shown, path, source.delimiter, source.encoding)


def _format(source: Source, shown: str) -> str:
    if source.format != "auto":
        return source.format
    name = shown.lower()
    if name.endswith(_PARQUET_ENDINGS):
        return "parquet"
    if name.endswith(_CSV_ENDINGS):
        return "csv"
    raise DataError(
        f"{shown} ends in neither {', '.join(_PARQUET_ENDINGS)} nor {', '.join(_CSV_ENDINGS)}",
        fix=f"Give source {source.name!r} a 'format', or rename the file",
    )
