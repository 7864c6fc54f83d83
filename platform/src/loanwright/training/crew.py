"""How many workers one machine bears."""

from __future__ import annotations

from loanwright.errors import UsageError
from loanwright.training.resources import usable_threads

_A_CORE = 4
"""Workers a core: room to try out what many workers do; past it they wait for each other more than they work."""
_ALWAYS = 16


def check_crew(workers: int, cores: int | None = None) -> None:
    """Refuses more workers on one machine than can get anything done there, before one of them is started.

    Each is a process with LightGBM in memory, and in every round all wait for the one that gets a core last.

    Args:
        workers: how many are asked for.
        cores: how many this process may use; None: as it is.

    Raises:
        UsageError: that is too many.
    """
    cores = usable_threads() if cores is None else cores
    most = max(_ALWAYS, _A_CORE * cores)
    if workers > most:
        raise UsageError(
            f"{workers:,} workers are asked for, and this machine has {cores} core{'' if cores == 1 else 's'}: "
            f"it takes {most} at most",
            fix="Ask for as many as there are cores; more bring nothing on one machine",
        )
