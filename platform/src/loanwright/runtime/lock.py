"""One live run in one state folder: a lock that the kernel lets go when its holder dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loanwright.errors import EnvironmentFault


@contextmanager
def held(state: Path, what: str) -> Iterator[None]:
    """Holds the state folder's lock; `what` tells others who has it.

    Raises:
        EnvironmentFault: another live process holds it.
    """
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another command"
            raise EnvironmentFault(
                f"{holder} is at work in {state}", fix="Wait for it to end, or set LOANWRIGHT_STATE to another folder"
            ) from None
        file.truncate(0)
        file.write(what)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
