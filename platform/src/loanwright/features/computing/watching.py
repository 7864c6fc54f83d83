"""Features that say nothing, noticed on the way: always missing, or always the same."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from loanwright.features.declared.resolve import OutputFeature

_log = logging.getLogger("loanwright")


class Watch:
    """Looks at the rows that pass."""

    def __init__(self, outputs: tuple[OutputFeature, ...]) -> None:
        self._values: dict[str, set[Any]] = {output.name: set() for output in outputs}

    def passing(self, groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables, looked at."""
        for table in groups:
            for name, values in self._values.items():
                if len(values) < 2:
                    # Two different values are enough; null is one of them.
                    values.update(pc.unique(table[name]).slice(0, 2).to_pylist())
            yield table

    def report(self) -> None:
        """Warns of what was noticed."""
        for name, values in self._values.items():
            if values == {None}:
                _log.warning("feature %r is missing in every row", name)
            elif len(values) == 1:
                _log.warning("feature %r is %r in every row", name, next(iter(values)))
