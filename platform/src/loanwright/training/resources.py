"""What this process may use, its container's limits counted, and whether a training set fits into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loanwright.errors import EnvironmentFault
from loanwright.training.available_memory import available_memory, own_memory
from loanwright.training.gang.memory import limit_words

SAMPLE_ROWS = 50_000
"""How many rows LightGBM's bin boundaries are found on: some 200 for each of 255 bins."""
_CGROUP = Path("/sys/fs/cgroup")
_MIB = 1 << 20
_FIXED = 64 * _MIB
_ROW = 100
"""Bytes of a row beside its bins."""
_BYTE = 255
"""Bins that fit into a byte."""
_MOST = 1_000
"""Workers that are thought about."""
_PREPARED_ROW = 34
"""Bytes of a row while training is prepared: its keys, its hash for the sample, whether it is fitted on. Measured."""
FITTED_VALUES = 2_000_000
"""Values for each thread in fitting, where threads meet many times a round. Measured with one million
values and two threads: no faster on idle cores, and 35 s instead of 0.6 while one core was busy."""
SCORED_VALUES = 100_000
"""Values for each thread in scoring, where threads meet once."""


def usable_threads(values: int | None = None, cgroup: Path = _CGROUP, *, worth: int = FITTED_VALUES) -> int:
    """The processors that this process may run on, and not more than its container's quota.

    Args:
        values: how many numbers there are to work on. Threads that wait for each other cost more than they
            bring where there is little, and far more where another process has a core. None: as if many.
        cgroup: where the container's limits stand.
        worth: how many values make one more thread worth it.
    """
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _text(cgroup / "cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        threads = min(threads, max(1, int(quota) // int(period)))
    return threads if values is None else min(threads, max(1, values // worth))


def training_bytes(rows: int, features: int, max_bin: int, row_group: int) -> int:
    """What fitting needs at its peak, by measurement (tests/benchmarks/training_memory.py).

    A row costs 1.2 bytes a feature (2.4 where bins do not fit into a byte) and 100 bytes of labels, scores,
    gradients and indices, and one row group is in memory as a float64 matrix. Before that, each row of the
    sample that the bins are found on costs 20 bytes a feature. Allocators keep some 64 MiB in any case.

    Args:
        rows: rows fitted on and rows held out for early stopping.
        features: the matrix columns.
        max_bin: the declared number of bins of a feature.
        row_group: rows of the largest row group.
    """
    binned = 1.2 if max_bin <= _BYTE else 2.4
    filled = rows * (binned * features + _ROW) + 8 * min(rows, row_group) * features
    return int(max(filled, 20 * rows + 20 * min(rows, SAMPLE_ROWS) * features)) + _FIXED


@dataclass(frozen=True)
class Load:
    """What one worker has to hold.

    Attributes:
        rows: those it is fitted on, of all workers together.
        held: those held out for early stopping, which one worker holds besides.
        features: the matrix columns.
        max_bin: the declared number of bins of a feature.
        row_group: rows of the largest row group.
        workers: how many share the rows.
        beside: how many of them share one machine.
    """

    rows: int
    held: int
    features: int
    max_bin: int
    row_group: int
    workers: int = 1
    beside: int = 1

    @property
    def largest(self) -> int:
        """Rows of the worker that holds most."""
        return -(-self.rows // self.workers) + self.held

    @property
    def bytes(self) -> int:
        """What that worker needs at its peak."""
        return training_bytes(self.largest, self.features, self.max_bin, self.row_group)

    @property
    def arithmetic(self) -> str:
        """What that worker needs, and how it is reckoned."""
        one = self.workers == 1
        return (
            f"training on {self.rows + self.held:,} rows and {self.features:,} features needs about "
            f"{self.bytes / _MIB:,.0f} MiB{'' if one else f' in the largest of {self.workers} workers'} "
            f"({'2.4' if self.max_bin > _BYTE else '1.2'} bytes a feature and {_ROW} bytes for each of "
            f"{'its ' if not one else ''}{self.largest:,} rows, and one row group)"
        )

    def enough(self, available: int) -> int | None:
        """With how many workers, each with so many bytes, it would do; None if with none."""
        for workers in range(self.workers + 1, _MOST + 1):
            if replace(self, workers=workers).bytes <= available:
                return workers
        return None


def check_memory(load: Load, available: int | None = None) -> None:
    """Refuses a training set that cannot fit, before anything is read.

    Raises:
        EnvironmentFault: more memory is needed than can be had.
    """
    if available is None:
        own = own_memory()
        shared = available_memory() // load.beside
        available = shared if own is None else min(shared, own)
    else:
        available //= load.beside
    if load.bytes <= available:
        return
    enough = load.enough(available)
    raise EnvironmentFault(
        f"{load.arithmetic}, and {available / _MIB:,.0f} MiB are "
        f"available{'' if load.beside == 1 else f' to each of the {load.beside} on this machine'}",
        fix="Give the process more memory, or train on fewer rows or features"
        if enough is None
        else f"{enough:,} workers would do, each with as much memory as this one; or give it more",
    )


def check_preparation(rows: int, features: int, available: int | None = None) -> None:
    """Refuses a table whose keys and sample cannot be held by the process that prepares its training.

    Args:
        rows: of the whole table.
        features: the matrix columns.
        available: bytes; None: as it is.

    Raises:
        EnvironmentFault: more memory is needed than can be had.
    """
    if available is None:
        own = own_memory()
        available = available_memory() if own is None else min(available_memory(), own)
    sample = min(rows, SAMPLE_ROWS)
    needed = _PREPARED_ROW * rows + 20 * sample * features + _FIXED
    if needed > available:
        raise EnvironmentFault(
            f"preparing the training on {rows:,} rows and {features:,} features needs about {needed / _MIB:,.0f} MiB "
            f"({_PREPARED_ROW} bytes a row, and 20 bytes a feature for each of {sample:,} sampled rows), and "
            f"{available / _MIB:,.0f} MiB are available",
            fix="Give the process more memory: all rows' keys are held at once, however many workers there are",
        )


@contextmanager
def memory_told(load: Load) -> Iterator[None]:
    """Where memory runs out inside all the same, under a limit that is not seen beforehand, the arithmetic is told.

    Raises:
        EnvironmentFault: memory ran out.
    """
    try:
        yield
    except MemoryError as error:
        raise EnvironmentFault(
            f"memory ran out: {load.arithmetic}; {limit_words()}",
            fix="Give the process more memory, or train on fewer rows or features, or with workers on more machines",
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
