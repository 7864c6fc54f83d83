"""How a worker's end is told to whoever started it: its exit code, beside 1 to 3 of LoanwrightError."""

from __future__ import annotations

import signal
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes that a launcher may act on: after each of them another attempt can succeed."""

    NO_PROGRESS = 70
    PEER_LOST = 71
    STOPPED = 72
    NOT_ALL_CAME = 73
    NETWORK_LOST = 74
    TURNED_AWAY = 75


_MEANINGS = {
    0: "ended as if all was done, while the others were still at work",
    Exit.NO_PROGRESS: "was ended by its watchdog: no progress",
    Exit.PEER_LOST: "left because another was gone",
    Exit.STOPPED: "was told to stop",
    Exit.NOT_ALL_CAME: "did not meet all the others in time",
    Exit.NETWORK_LOST: "lost its network",
    Exit.TURNED_AWAY: "was turned away by rank 0",
}


def meaning(code: int) -> str:
    """What an exit code of a worker says, as the end of a sentence; negative codes are signals."""
    if code < 0:
        return f"was killed by {_signal_name(-code)}"
    return _MEANINGS.get(code, f"ended with exit code {code}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
