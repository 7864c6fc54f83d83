"""The connections of those who have met: a star around rank 0, open as long as they work together.

Each worker notices at once when rank 0 is gone, and rank 0 when anybody is; since rank 0 then leaves too,
all of them notice. That is what ends a worker whose peers are gone while it waits inside a library.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from loanwright.training.gang.door import Door
from loanwright.training.gang.errors import PeerLost
from loanwright.training.gang.ports import DEFAULT_PORTS, PortRange
from loanwright.training.gang.wire import LARGE, receive, send

_LAST_WORDS = 2.0
"""Seconds that a farewell may take."""


class Loss(Protocol):
    """What is done when a peer is gone; called from a thread while the process may be inside a library."""

    def __call__(self, rank: int, why: str) -> None: ...


class _Gone:
    def __init__(self, why: str) -> None:
        self.why = why


class _Peer:
    def __init__(self, rank: int, connection: socket.socket) -> None:
        self.rank, self.connection = rank, connection
        self.received: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.sending = threading.Lock()
        self.parted = False

    def send(self, message: dict[str, Any]) -> None:
        with self.sending:
            send(self.connection, message)


class Circle:
    """What a worker says to and hears from the others. Made by `meet`.

    Values are JSON. Every rank must call the same methods in the same order. All raise `PeerLost`.

    Args:
        rank: this process.
        addresses: the IPv4 address of each rank.
        connections: to the others (rank 0), or to rank 0 (the others).
        door: where late comers are answered, at rank 0.
        ports: for `open_ports`.
        on_loss: called once, from a thread, when a peer is gone.
        alive: called while this rank waits for one that makes progress.
    """

    def __init__(
        self,
        rank: int,
        addresses: tuple[str, ...],
        connections: Mapping[int, socket.socket],
        *,
        door: Door | None = None,
        ports: PortRange = DEFAULT_PORTS,
        on_loss: Loss | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.rank, self.ranks, self.addresses = rank, len(addresses), addresses
        self._door, self._ports, self._on_loss, self._alive = door, ports, on_loss, alive
        self._peers = {other: _Peer(other, connection) for other, connection in sorted(connections.items())}
        self._awaited: int | None = None
        self._lost = threading.Lock()
        self._leaving = False
        for peer in self._peers.values():
            peer.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._listen, args=(peer,), name=f"peer-{peer.rank}", daemon=True).start()

    def tell(self, value: Any) -> None:
        """Rank 0 says something to all others."""
        for peer in self._peers.values():
            self._send(peer, {"value": value})

    def hear(self) -> Any:
        """What rank 0 tells next; for the others. Waits as long as rank 0 is there."""
        return self._next(self._peers[0])

    def share(self, value: Any) -> Any:
        """Rank 0's value, at every rank; what the others pass counts nothing."""
        if self.rank:
            return self.hear()
        self.tell(value)
        return value

    def gather(self, value: Any) -> list[Any] | None:
        """At rank 0 the values of all, by rank; None elsewhere."""
        if self.rank:
            self._send(self._peers[0], {"value": value})
            return None
        return [value, *(self._next(peer) for peer in self._peers.values())]

    def any(self, flag: bool) -> bool:
        """Whether the flag is up at any rank; the same answer at every rank."""
        flags = self.gather(flag)
        return bool(self.share(flags is not None and any(flags)))

    def open_ports(self) -> tuple[str, ...]:
        """A fresh port for each rank, told to all: ``address:port`` by rank. Call it right before they are used.

        Raises:
            NetworkLost: a rank has no port left.
        """
        # Held until all have theirs, so that two ranks of one machine never take the same.
        with self._ports.hold_fresh() as held:
            ports = self.gather(int(held.getsockname()[1]))
            return tuple(
                self.share(
                    [f"{address}:{port}" for address, port in zip(self.addresses, ports or (), strict=bool(ports))]
                )
            )

    def pulse(self) -> None:
        """Lets those that wait for this rank know that it makes progress."""
        for peer in self._peers.values():
            # Who is gone is noticed by the thread that listens to it.
            with contextlib.suppress(OSError):
                peer.send({"pulse": 1})

    def close(self) -> None:
        """Parts when all are done: waits for every rank to come here."""
        self.any(False)
        self._part(None)

    def leave(self, why: str) -> None:
        """Breaks off: the others are told why, and leave as well. Takes two seconds at most."""
        self._part(why)

    def _part(self, why: str | None) -> None:
        self._leaving = True
        for peer in self._peers.values():
            if peer.sending.acquire(timeout=_LAST_WORDS):
                with contextlib.suppress(OSError):
                    peer.connection.settimeout(_LAST_WORDS)
                    send(peer.connection, {"bye": why})
                    peer.connection.shutdown(socket.SHUT_WR)
                peer.sending.release()
        if self._door is not None:
            self._door.shut()

    def _send(self, peer: _Peer, message: dict[str, Any]) -> None:
        try:
            peer.send(message)
        except OSError as error:
            raise PeerLost(f"rank {peer.rank} is gone ({error.strerror or type(error).__name__})") from None

    def _next(self, peer: _Peer) -> Any:
        self._awaited = peer.rank
        try:
            found = peer.received.get()
        finally:
            self._awaited = None
        if isinstance(found, _Gone):
            peer.received.put(found)
            raise PeerLost(f"rank {peer.rank} is gone: {found.why}")
        return found

    def _listen(self, peer: _Peer) -> None:
        """Takes in what one peer says until it is gone."""
        why = "its connection was closed"
        try:
            while True:
                message = receive(peer.connection, LARGE)
                if "value" in message:
                    peer.received.put(message["value"])
                elif "pulse" in message:
                    self._felt(peer)
                elif "bye" in message:
                    peer.parted = message["bye"] is None
                    why = message["bye"] or "it is done"
        except EOFError:
            pass
        except (OSError, ValueError, TypeError) as error:
            why = f"its connection broke ({getattr(error, 'strerror', None) or type(error).__name__})"
        with peer.sending:
            peer.connection.close()
        peer.received.put(_Gone(why))
        if not peer.parted and not self._leaving and self._on_loss is not None and self._lost.acquire(blocking=False):
            self._on_loss(peer.rank, why)

    def _felt(self, peer: _Peer) -> None:
        """Progress of a peer that is waited for counts here, and for those that wait for this rank in turn."""
        if self._awaited == peer.rank:
            self._alive()
            for other in self._peers.values():
                if other is not peer:
                    with contextlib.suppress(OSError):
                        other.send({"pulse": 1})
