"""A worker and the process that started it: it does not outlive that one, and goes before it where memory is short."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_SCORE = Path("/proc/self/oom_score_adj")


def die_with(parent: int) -> None:
    """From now on this process ends when its parent does, even by SIGKILL, even while this one is stopped.

    Args:
        parent: the process id of the parent that started it; it may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_look, args=(parent,), name="lifeline", daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def go_first() -> None:
    """Where the system must kill for want of memory, let it be this process, so that its parent can tell of it."""
    with contextlib.suppress(OSError):
        _SCORE.write_text("500")


def _look(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGKILL)
