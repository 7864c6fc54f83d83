"""The parts of parquet files that others do not hold, told by their bytes: what is the same needs no look at its rows.

Files hold rows in order of time, in row groups of one size, so those that were there yesterday begin with the same
row groups, up to the first row that came late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

Groups = dict[Path, list[int]]
"""File → some of its row groups."""


@dataclass(frozen=True)
class _Group:
    """A row group: where its columns' bytes lie, and all that says what they mean."""

    path: Path
    number: int
    spans: tuple[tuple[int, int], ...]
    meaning: tuple[object, ...]

    def holds_what(self, other: _Group) -> bool:
        """Whether it is the other one, byte for byte."""
        return self.meaning == other.meaning and all(
            ours == theirs for ours, theirs in zip(self._columns(), other._columns(), strict=True)
        )

    def _columns(self) -> Iterator[bytes]:
        with self.path.open("rb") as data:
            for start, size in self.spans:
                data.seek(start)
                yield data.read(size)


def unshared(ours: Sequence[Path], theirs: Sequence[Path]) -> tuple[Groups, Groups]:
    """The row groups of our files and of theirs that the others do not hold, each as often as it is there."""
    found: Groups = {path: [] for path in ours}
    rest: Groups = {path: [] for path in theirs}
    left: dict[tuple[object, ...], list[_Group]] = {}
    for path in theirs:
        for group in _groups(path):
            left.setdefault(group.meaning, []).append(group)
    for path in ours:
        for group in _groups(path):
            alike = left.get(group.meaning, [])
            same = next((other for other in alike if group.holds_what(other)), None)
            if same is None:
                found[path].append(group.number)
            else:
                alike.remove(same)
    for group in (group for groups in left.values() for group in groups):
        rest[group.path].append(group.number)
    return found, {path: sorted(numbers) for path, numbers in rest.items()}


def _groups(path: Path) -> Iterator[_Group]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow.remove_metadata().serialize().to_pybytes()
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            spans, meaning = [], [schema, group.num_rows]
            for chunk in map(group.column, range(group.num_columns)):
                start = min(place for place in (chunk.dictionary_page_offset, chunk.data_page_offset) if place)
                spans.append((start, chunk.total_compressed_size))
                meaning += [chunk.path_in_schema, chunk.compression, chunk.encodings, chunk.num_values]
                meaning += [chunk.data_page_offset - start, chunk.total_compressed_size]
            yield _Group(path, number, tuple(spans), tuple(meaning))
