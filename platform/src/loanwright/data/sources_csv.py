"""CSV files, plain or gzipped, streamed as text: what the text means is the contract's to say.

The file is decoded on the way (a UTF-8 byte order mark at its start is accepted and skipped), so that a
wrong encoding, a NUL byte or a cut-off archive is found where it is, and before a row of it counts.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv

from loanwright.data.sources import Part
from loanwright.errors import DataError, DeclarationError

BLOCK = 8 << 20
"""Bytes of text read at a time; one row must be shorter than this."""
MOST_COLUMNS = 10_000
_LONGEST_HEADER = 64 << 20
_OTHER_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'", ",": "','"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_csv(shown: str, path: Path, delimiter: str, encoding: str) -> Part:
    """A CSV file, its header read.

    Raises:
        DataError: it is empty, of another encoding, cut short, or no CSV at all.
        DeclarationError: the encoding has no such name.
    """
    if not delimiter.isascii():
        raise DeclarationError(f"delimiter {delimiter!r} of {shown} is not an ASCII character")
    with closing(_Text(shown, path, encoding)) as text:
        names = _header(text, delimiter)
    ragged: list[str] = []
    counted = [0]

    def on_ragged(row: arrow_csv.InvalidRow) -> str:
        counted[0] += 1
        if len(ragged) < 3:
            open_quote = ", where a quote is never closed" if row.text.count('"') % 2 else ""
            ragged.append(f"{row.actual_columns} values in {row.text[:40]!r}{open_quote}")
        return "skip"

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with closing(_Text(shown, path, encoding)) as text:
            _header(text, delimiter)
            numbered = [f"c{number}" for number in range(len(names))]
            chosen = [numbered[names.index(name)] for name in wanted]
            try:
                reader = arrow_csv.open_csv(
                    pa.PythonFile(text, mode="r"),
                    read_options=arrow_csv.ReadOptions(column_names=numbered, block_size=BLOCK),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_ragged
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(numbered, pa.string()),
                        include_columns=chosen,
                        null_values=[""],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=True,
                    ),
                )
                for batch in reader:
                    yield batch.rename_columns(list(wanted))
            except pa.ArrowInvalid as error:
                if "Empty CSV file" not in str(error):
                    raise _unreadable(shown, error) from error

    return Part(shown, tuple(names), batches, ragged=lambda: (counted[0], ragged))


def _unreadable(shown: str, error: pa.ArrowInvalid) -> DataError:
    if "straddling" in str(error):
        return DataError(f"a row of {shown} is longer than {BLOCK >> 20} MB: a quote is opened and never closed")
    return DataError(f"{shown} cannot be read as CSV: {str(error).splitlines()[0]}")


class _Text:
    """The file's text as UTF-8 bytes, decompressed and checked as it is read."""

    def __init__(self, shown: str, path: Path, encoding: str) -> None:
        self.shown, self._encoding = shown, encoding
        try:
            self._decoder = codecs.getincrementaldecoder(encoding)()
        except LookupError:
            raise DeclarationError(
                f"encoding {encoding!r} of {shown} has no such name", fix="Use a name such as 'utf-8' or 'cp1252'"
            ) from None
        self._file = _opened(shown, path)
        self._ahead = b""
        self._started = False
        self._lines = 0

    @property
    def closed(self) -> bool:
        """Whether it was closed; Arrow asks."""
        return self._file.closed

    def close(self) -> None:
        """Closes the file below."""
        self._file.close()

    def push_back(self, data: bytes) -> None:
        """Puts bytes back in front of what is still to be read."""
        self._ahead = data + self._ahead

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes of what is next; empty only at the end."""
        wanted = BLOCK if size < 0 else size
        if self._ahead:
            data, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
            return data
        return self._next(wanted)

    def _next(self, size: int) -> bytes:
        while True:
            data = self._raw(size)
            text = self._decode(data, final=not data)
            if "\0" in text:
                line = self._lines + text[: text.index("\0")].count("\n") + 1
                raise DataError(
                    f"{self.shown} holds a NUL byte in line {line}: it is damaged, or not text as declared",
                    fix="Write it as plain CSV, or declare its 'encoding'",
                )
            if not self._started and text.startswith("\ufeff"):
                text = text[1:]
            self._started = self._started or bool(text)
            self._lines += text.count("\n")
            encoded = text.encode()
            if encoded or not data:
                self._ahead = encoded[size:]
                return encoded[:size]

    def _raw(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except EOFError:
            raise DataError(
                f"{self.shown} is a gzip file that is cut short", fix="Copy it again from its source"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{self.shown} is a damaged gzip file", fix="Copy it again from its source") from error

    def _decode(self, data: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            utf16 = not self._started and data.startswith(_UTF16)
            raise DataError(
                f"{self.shown} is not {self._encoding}: "
                + (
                    "it starts with the mark of UTF-16"
                    if utf16
                    else f"byte 0x{error.object[error.start]:02x} in line {line}"
                ),
                fix="Declare the source's 'encoding', such as " + ("'utf-16'" if utf16 else "'cp1252' or 'latin-1'"),
            ) from None


def _opened(shown: str, path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"PK":
        raise DataError(f"{shown} is a zip archive", fix="Unpack it, or compress it with gzip")
    if start == b"PAR1":
        raise DataError(f"{shown} is a parquet file, not CSV", fix="Declare its 'format' as 'parquet'")
    return cast("IO[bytes]", gzip.GzipFile(path)) if start[:2] == b"\x1f\x8b" else path.open("rb")


def _header(text: _Text, delimiter: str) -> list[str]:
    """The first row, read off the text; columns past the most that are supported are counted, not kept."""
    taken = b""
    names: list[str] | None = None
    shown = text.shown
    while names is None:
        block = text.read(BLOCK)
        taken += block
        names, rest = _first_row(taken, delimiter, final=not block)
        if names is None and len(taken) > _LONGEST_HEADER:
            raise DataError(f"the first line of {shown} is longer than {_LONGEST_HEADER >> 20} MB: it is no CSV file")
    text.push_back(rest)
    if not names:
        raise DataError(f"{shown} is empty")
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"the header of {shown} has {len(names):,} columns; at most {MOST_COLUMNS:,} are read",
            fix=f"Check the delimiter (declared: {delimiter!r}), or split the file",
        )
    others = [shown_as for sign, shown_as in _OTHER_DELIMITERS.items() if sign != delimiter and sign in names[0]]
    if len(names) == 1 and others:
        raise DataError(
            f"the header of {shown} is one single column, {names[0][:60]!r}: its delimiter seems to be {others[0]}",
            fix="Declare the source's 'delimiter'",
        )
    return names


def _first_row(taken: bytes, delimiter: str, *, final: bool) -> tuple[list[str] | None, bytes]:
    """The names in the first row and what comes behind it; None while its end is not there yet."""
    start = len(taken) - len(taken.lstrip(b"\r\n"))
    at, quotes = start, 0
    while True:
        ends = [end for end in (taken.find(b"\n", at), taken.find(b"\r", at)) if end >= 0]
        if not ends and not final:
            return None, b""
        end = min(ends, default=len(taken))
        quotes += taken.count(b'"', at, end)
        if quotes % 2 == 0 or not ends:
            break
        at = end + 1
    row = next(csv.reader(io.StringIO(taken[start:end].decode(), newline=""), delimiter=delimiter), [])
    return [name.strip() for name in row], taken[end:]
