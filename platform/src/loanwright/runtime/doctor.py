"""Looks at the machine and says what would keep a run from working, and what to do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from loanwright.errors import LoanwrightError
from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings, environment
from loanwright.runtime.store_identity import store_identity
from loanwright.storage import open_store

_DISK_GB = 2.0
_MEMORY_GB = 2.0


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at: is it well, what was seen, and what to do if not."""

    name: str
    well: bool
    seen: str
    advice: str = ""


def diagnose(settings: Settings) -> Iterator[Diagnosis]:
    """Everything that a local run needs, one by one; the embedded S3 server is started for it."""
    python = sys.version_info
    yield Diagnosis(
        "Python", python[:2] in ((3, 11), (3, 12)), f"{python.major}.{python.minor}", "Install Python 3.11 or 3.12"
    )
    free = shutil.disk_usage(settings.state).free / 1e9
    yield Diagnosis("disk", free > _DISK_GB, f"{free:.1f} GB free at {settings.state}", f"Free {_DISK_GB:.0f} GB")
    memory = psutil.virtual_memory().available / 1e9
    yield Diagnosis("memory", memory > _MEMORY_GB, f"{memory:.1f} GB available", "Close other programs")
    yield _libraries()
    yield _store(settings)


def _libraries() -> Diagnosis:
    try:
        import duckdb
        import lightgbm
        import pyarrow
    except (ImportError, OSError) as error:
        advice = "Run make install; LightGBM needs the system's libgomp (Debian: apt-get install libgomp1)"
        return Diagnosis("libraries", False, str(error), advice)
    seen = f"lightgbm {lightgbm.__version__}, duckdb {duckdb.__version__}, pyarrow {pyarrow.__version__}"
    return Diagnosis("libraries", True, seen)


def _store(settings: Settings) -> Diagnosis:
    variables = settings.variables()
    try:
        if settings.store is None:
            variables |= ObjectServer(settings).start()
        with environment(variables):
            store = open_store(variables["LOANWRIGHT_STORE"])
            identity = store_identity(store)
        return Diagnosis("artifact store", True, f"{store.root} answers, identity {identity[:8]}")
    except LoanwrightError as error:
        return Diagnosis("artifact store", False, error.problem, error.fix or "")
