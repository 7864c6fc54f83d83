"""Gives the disk back what was deleted: the embedded S3 server by itself only marks it, and tidies up much later."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from loanwright.runtime.object_server import ObjectServer
from loanwright.runtime.settings import Settings

_PATIENCE = 10.0
_PERIOD = 0.5
_MOST = 0.9
"""How much of what was deleted must have come back: the rest are the files' own heads and tails."""


def compact(settings: Settings, deleted: int) -> None:
    """Has the running server compact its volumes after `deleted` bytes were deleted from it.

    The server learns of a deletion a second or two later, so it is asked until the bytes are back on the disk. If it
    does not get so far in ten seconds, it goes on alone.
    """
    served = ObjectServer(settings).running()
    process = served.identity.process() if served is not None else None
    if process is None or deleted == 0:
        return
    port = next((word.partition("=")[2] for word in process.cmdline() if word.startswith("-master.port=")), "")
    data = settings.state / "s3" / "data"
    enough = disk_use(data) - _MOST * deleted
    deadline = time.monotonic() + _PATIENCE
    while disk_use(data) > enough and time.monotonic() < deadline:
        try:
            address = f"http://127.0.0.1:{port}/vol/vacuum?garbageThreshold=0.0001"
            urllib.request.urlopen(address, timeout=_PATIENCE).close()
        except OSError:
            return
        time.sleep(_PERIOD)


def disk_use(folder: Path) -> int:
    """The bytes that a folder's files take on the disk."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue  # the server replaces its files as it likes
    return total
