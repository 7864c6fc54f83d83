"""Rows of one table while they are made: equally long columns, restated versions included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from loanwright.data.world.clock import Bools, Ints, Values

NULL = -1
"""Stands for a missing integer or category code."""

Rows = dict[str, Values]
"""Column name → values; categories as the positions of their words."""


def taken(rows: Mapping[str, Values], which: Bools | Ints) -> Rows:
    """Some of the rows."""
    return {name: values[which] for name, values in rows.items()}


def stacked(parts: Sequence[Mapping[str, Values]]) -> Rows:
    """The parts' rows, one part below the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def restated(rows: Mapping[str, Values], which: Bools, known: Ints, **first: Values) -> Rows:
    """The rows, and for those that are restated a first version too.

    Args:
        which: the rows that were first told otherwise.
        known: for each of these, when the corrected version was known.
        first: what the first version said, by column, for these rows.
    """
    before: Rows = {name: values[which].copy() for name, values in rows.items()}
    before.update(first)
    after = {name: values.copy() if name == "known_at" else values for name, values in rows.items()}
    after["known_at"][which] = known
    return stacked([before, after])
