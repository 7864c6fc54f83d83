"""SIGTERM and SIGINT as a request: finish what can be finished within the grace, then leave."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable


class StopRequest:
    """Whether this process was told to stop. Make it in the main thread.

    Python runs a signal's handler only between two of the main thread's own instructions. While that thread is
    inside a library, only the wake-up socket tells of the signal, and a thread listens there: so the grace counts
    from the signal, whatever the main thread does.

    Args:
        grace: seconds from the signal to `over`.
        over: called from a thread when the grace is used up.
    """

    def __init__(self, grace: float, over: Callable[[], None]) -> None:
        self._grace, self._over = grace, over
        self._asked = threading.Event()
        self._dismissed = threading.Event()
        listening, waking = socket.socketpair()
        waking.setblocking(False)
        self._waking = waking  # kept open
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # without a handler of its own a signal wakes nobody
        threading.Thread(target=self._listen, args=(listening,), name="stopping", daemon=True).start()

    @property
    def asked(self) -> bool:
        """Whether the process was told to stop."""
        return self._asked.is_set()

    def dismiss(self) -> None:
        """The work is done: the grace ends nothing any more."""
        self._dismissed.set()

    def _listen(self, listening: socket.socket) -> None:
        while True:
            number = listening.recv(1)
            if not number or number[0] in (signal.SIGTERM, signal.SIGINT):
                break
        self._asked.set()
        if not self._dismissed.wait(self._grace):
            self._over()
