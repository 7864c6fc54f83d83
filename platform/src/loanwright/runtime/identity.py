"""What decides whether an earlier result may be reused: our code, the locked libraries, Python."""

from __future__ import annotations

import hashlib
import os
import platform
import sysconfig
from functools import cache
from pathlib import Path

import loanwright

_PACKAGE = Path(loanwright.__file__).parent


@cache
def code_digest() -> str:
    """SHA-256 over every source file of the installed package, as 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def environment_digest() -> str:
    """SHA-256 over Python's version and the name and version of every installed distribution."""
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    names = sorted(path.name for folder in folders for path in folder.glob("*.dist-info"))
    return hashlib.sha256("\n".join([platform.python_version(), *names]).encode()).hexdigest()


def reuse_digest() -> str:
    """What a step's own record of an earlier result must agree on: our code, the libraries, Python.

    Under `--no-cache` (LOANWRIGHT_FRESH) the run's id joins in, so nothing earlier agrees.
    """
    fresh = os.environ.get("LOANWRIGHT_RUN_ID", "") if os.environ.get("LOANWRIGHT_FRESH") else ""
    return hashlib.sha256(f"{code_digest()}\0{environment_digest()}\0{fresh}".encode()).hexdigest()
