"""Rank 0's door: lets in the other ranks, each once, and turns everybody else away without harm to them.

    door                             guest
    ──── nonce of the door ─────────►
    ◄─── rank, ranks, own nonce, proof that it knows the secret ───
    ──── the door's own proof, with the reason if it is refused ────►

The secret itself never travels. Somebody who sends garbage, or nothing, costs one thread for some seconds.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import threading
from typing import Any

from loanwright.training.gang.allowed import AllowList
from loanwright.training.gang.wire import SMALL, proof, proved, receive, send

_log = logging.getLogger("loanwright")
_PATIENCE = 5.0
"""Seconds that somebody at the door has to prove itself."""
_AT_ONCE = 64
"""So many are heard at the same time; who comes beyond that must come again."""


class Door:
    """Answers whoever connects, from a thread, until it is shut; who comes after the meeting is told so.

    Args:
        listener: a listening socket, owned from now on.
        ranks: how many workers there are, rank 0 included.
        secret: what all of this attempt know and nobody else.
        allow: who may connect at all.
    """

    def __init__(self, listener: socket.socket, ranks: int, secret: str, allow: AllowList) -> None:
        self._listener, self._ranks, self._secret, self._allow = listener, ranks, secret, allow
        self._guests: dict[int, socket.socket] = {}
        self._closed: str | None = None
        self._change = threading.Condition()
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        threading.Thread(target=self._accept, name="door", daemon=True).start()

    def wait(self, seconds: float) -> dict[int, socket.socket] | None:
        """The connections of all other ranks, once they are there; None if some are missing when time is up.

        From then on nobody is let in.
        """
        with self._change:
            whole = self._change.wait_for(lambda: len(self._present()) == self._ranks - 1, timeout=seconds)
            if not whole:
                self._closed = f"the others gave up: {self.missing_words(seconds)}"
                return None
            self._closed = "all ranks have met already, so this one belongs to no attempt that still waits"
            return dict(self._guests)

    def missing_words(self, seconds: float) -> str:
        """Which ranks are not there."""
        absent = sorted(set(range(1, self._ranks)) - set(self._guests))
        which = f"rank {absent[0]}" if len(absent) == 1 else f"ranks {', '.join(map(str, absent))}"
        return f"{which} of {self._ranks} did not come within {seconds:g} s"

    def turn_out(self, why: str) -> None:
        """Tells those that had come that nothing comes of it."""
        with self._change:
            for guest in self._guests.values():
                with contextlib.suppress(OSError):
                    send(guest, {"refused": why})
                    guest.close()

    def shut(self) -> None:
        """Answers nobody any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _present(self) -> dict[int, socket.socket]:
        """Those that are still there; who came and died makes room for its successor."""
        for rank, guest in list(self._guests.items()):
            if _gone(guest):
                guest.close()
                del self._guests[rank]
        return self._guests

    def _accept(self) -> None:
        while True:
            try:
                connection, (address, _) = self._listener.accept()
            except OSError:
                if self._listener.fileno() < 0 or not _listens(self._listener):
                    return
                continue
            if not self._allow.admits(address) or not self._room.acquire(blocking=False):
                _log.warning(
                    "a connection from %s was turned away: it is not on the allow-list, or too many came", address
                )
                connection.close()
                continue
            threading.Thread(target=self._greet, args=(connection, address), name="door", daemon=True).start()

    def _greet(self, connection: socket.socket, address: str) -> None:
        try:
            connection.settimeout(_PATIENCE)
            nonce = secrets.token_hex(16)
            send(connection, {"gang": 1, "nonce": nonce})
            told = receive(connection, SMALL)
            self._hear(connection, address, nonce, told if isinstance(told, dict) else {})
        except (OSError, EOFError, ValueError) as error:
            _log.warning("somebody at %s does not speak as a worker does (%s)", address, type(error).__name__)
            connection.close()
        finally:
            self._room.release()

    def _hear(self, connection: socket.socket, address: str, nonce: str, told: dict[str, Any]) -> None:
        """Lets one in, or says why not; to somebody who knows the secret, with the proof that it is known here."""
        rank, ranks, own = told.get("rank"), told.get("ranks"), told.get("nonce")
        refused: str | None = "the secret of this attempt is another one"
        mine: dict[str, str] = {}
        if proved(told.get("proof"), self._secret, "guest", nonce, own, rank, ranks):
            mine = {"proof": proof(self._secret, "door", own, nonce, rank)}
            refused = self._admit(connection, rank, ranks, mine)
        if refused is not None:
            _log.warning("somebody at %s was turned away: %s", address, refused)
            send(connection, {"refused": refused, **mine})
            connection.close()

    def _admit(self, connection: socket.socket, rank: object, ranks: object, welcome: dict[str, str]) -> str | None:
        """Lets in a worker that proved itself; else why not."""
        if ranks != self._ranks or not isinstance(rank, int) or not 1 <= rank < self._ranks:
            return f"rank {rank} of {ranks} is not among the {self._ranks} that meet here"
        with self._change:
            if self._closed:
                return self._closed
            if rank in self._present():
                return f"rank {rank} is here already"
            send(connection, welcome)
            connection.settimeout(None)
            self._guests[rank] = connection
            self._change.notify_all()
        return None


def _gone(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _listens(listener: socket.socket) -> bool:
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError:
        return False
