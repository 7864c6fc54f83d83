"""From feature columns to the matrix that LightGBM sees; the same way in training and in scoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import numpy as np

from loanwright.data.arrow_arrays import doubles, mask_of, texts
from loanwright.errors import DataError, near

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from loanwright.features.table import TrainingTable

_AT_ONCE = 8


class EncodedFeature(TypedDict):
    """One entry of ``features.json``; its place in the list is the matrix column."""

    name: str
    type: Literal["number", "category"]
    monotone: Literal["increasing", "decreasing"] | None
    categories: NotRequired[list[str]]
    """Of a category: its values in the rows the booster was fitted on, sorted; the place is the code."""


class Encoding:
    """Turns tables that hold the feature columns, in any order and among others, into a matrix.

    A null number, a null category and a category that was not there in training all become NaN,
    LightGBM's missing value.
    """

    def __init__(self, features: Sequence[EncodedFeature]) -> None:
        self.features = tuple(features)

    @classmethod
    def learn(cls, table: TrainingTable, rows: NDArray[np.bool_]) -> Encoding:
        """The encoding of a table's features, its categories those of the chosen rows.

        Args:
            table: the training table.
            rows: one truth value for each row of the table: those that the booster is fitted on.
        """
        names = [feature["name"] for feature in table.features if feature["type"] == "category"]
        found: dict[str, set[str]] = {name: set() for name in names}
        if names:
            for start, group in table.row_groups(names):
                chosen = group.filter(mask_of(rows[start : start + group.num_rows]))
                for name in names:
                    found[name].update(chosen[name].unique().drop_null().to_pylist())
        features = []
        for feature in table.features:
            entry = EncodedFeature(name=feature["name"], type=feature["type"], monotone=feature["monotone"])
            if feature["type"] == "category":
                entry["categories"] = sorted(found[feature["name"]])
            features.append(entry)
        return cls(features)

    @property
    def names(self) -> list[str]:
        """The features' names, in the order of the matrix columns."""
        return [feature["name"] for feature in self.features]

    @property
    def categorical(self) -> list[int]:
        """The matrix columns that hold codes of categories."""
        return [place for place, feature in enumerate(self.features) if feature["type"] == "category"]

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {f["name"]: texts(f["categories"]) for f in self.features if "categories" in f}

    def matrix(self, table: pa.Table, into: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The matrix of shape (rows, features), float64, each row contiguous.

        Args:
            table: with the feature columns.
            into: where it goes; None: a new one.

        Raises:
            DataError: a feature's column is missing, there twice, or of another type.
        """
        shape = (table.num_rows, len(self.features))
        matrix = np.empty(shape, dtype=np.float64) if into is None else into
        for place, feature in enumerate(self.features):
            matrix[:, place] = self._column(table, feature)
        return matrix

    def read_matrix(self, table: TrainingTable, number: int, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The matrix of the chosen rows of one row group of a training table.

        Args:
            table: the training table.
            number: of the row group.
            rows: one truth value for each row of that row group.
        """
        matrix = np.empty((int(rows.sum()), len(self.features)), dtype=np.float64)
        for first, columns in self._read(table, number, rows, range(len(self.features))):
            for place, column in enumerate(columns, first):
                matrix[:, place] = column
        return matrix

    def read_columns(
        self, table: TrainingTable, number: int, rows: NDArray[np.bool_], places: Sequence[int]
    ) -> dict[int, NDArray[np.float64]]:
        """Some columns of that matrix, by their places; arguments as of `read_matrix`."""
        found = [column for _, columns in self._read(table, number, rows, places) for column in columns]
        return dict(zip(places, found, strict=True))

    def _read(
        self, table: TrainingTable, number: int, rows: NDArray[np.bool_], places: Sequence[int]
    ) -> Iterator[tuple[int, list[NDArray[np.float64]]]]:
        """Columns, a few at a time: as Arrow reads it, a row group takes five times its own size.

        Yields:
            How many came before, and the next ones.
        """
        mask = mask_of(rows)
        for first in range(0, len(places), _AT_ONCE):
            some = [self.features[place] for place in places[first : first + _AT_ONCE]]
            group = table.read_group(number, [feature["name"] for feature in some]).filter(mask)
            yield first, [self._column(group, feature) for feature in some]

    def _column(self, table: pa.Table, feature: EncodedFeature) -> NDArray[np.float64]:
        import pyarrow as pa
        import pyarrow.compute as pc

        name = feature["name"]
        places = table.schema.get_all_field_indices(name)
        if not places:
            raise DataError(
                f"the rows have no column {name!r}, which the model needs{near(name, table.column_names)}",
                fix=f"Supply every feature of the model: {_some(self.names)}",
            )
        if len(places) > 1:
            raise DataError(f"the rows have {len(places)} columns called {name!r}", fix="Keep one of them")
        column = table.column(places[0])
        kind = column.type
        if pa.types.is_null(kind):
            return np.full(table.num_rows, np.nan)
        if feature["type"] == "category":
            text = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_string(text) or pa.types.is_large_string(text) or pa.types.is_string_view(text)):
                raise DataError(f"column {name!r} holds {kind}, and the model needs text", fix="Write it as text")
            column = pc.index_in(column.cast(pa.string()), value_set=self._values[name], skip_nulls=True)
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise DataError(f"column {name!r} holds {kind}, and the model needs a number", fix="Write it as a number")
        return doubles(column.cast(pa.float64(), safe=False))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
