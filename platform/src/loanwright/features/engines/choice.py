"""Which engine computes features: chosen where they are built, and seen in no byte of what is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from loanwright.config.data import Data
from loanwright.config.features import Features
from loanwright.errors import UsageError, near
from loanwright.features.engines.engine import Engine
from loanwright.features.language.dialect import DUCKDB, SPARK, Dialect
from loanwright.features.texts.sql import Compiled, compile_features

ENGINES: Mapping[str, Dialect] = {DUCKDB.name: DUCKDB, SPARK.name: SPARK}
"""By name."""


def named(name: str) -> Dialect:
    """How the engine of that name writes SQL.

    Raises:
        UsageError: there is none.
    """
    if name not in ENGINES:
        raise UsageError(
            f"LOANWRIGHT_FEATURE_ENGINE is {name!r}{near(name, ENGINES)}", fix=f"Set it to {' or '.join(ENGINES)}"
        )
    return ENGINES[name]


def written_for(name: str, data: Data, features: Features) -> Compiled:
    """The texts that the engine of that name runs.

    Raises:
        DeclarationError: the features do not fit the sources, or the engine may compute one of them otherwise.
    """
    return compile_features(data, features, named(name))


def opened(
    name: str,
    scratch: Path,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    files: Iterable[Path] = (),
) -> Engine:
    """The engine of that name, to be closed when done. Of all files it may have to read these.

    Raises:
        EnvironmentFault: it is not installed, or does not start.
    """
    if named(name) is SPARK:
        from loanwright.features.engines.spark import SparkEngine

        return SparkEngine(scratch, memory_limit=memory_limit, threads=threads)
    return Engine(scratch, memory_limit=memory_limit, threads=threads, files=files)
