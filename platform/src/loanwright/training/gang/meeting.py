"""All of a gang find each other at rank 0's address, before anything that would hang for want of one."""

from __future__ import annotations

import errno
import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from loanwright.errors import UsageError
from loanwright.training.gang.allowed import AllowList, resolve
from loanwright.training.gang.circle import Circle, Loss
from loanwright.training.gang.door import Door
from loanwright.training.gang.errors import NetworkLost, NotAllCame, PeerLost, TurnedAway
from loanwright.training.gang.ports import DEFAULT_PORTS, PortRange
from loanwright.training.gang.wire import SMALL, proof, proved, receive, send

_log = logging.getLogger("loanwright")
_ANSWER = 10.0
"""Seconds that a guest waits longer than rank 0 for the end of the meeting, so that it hears the reason."""
_ROSTER = 1 << 20


def meet(
    rank: int,
    ranks: int,
    address: str,
    *,
    secret: str,
    seconds: float = 60.0,
    allow: Iterable[str] = (),
    ports: PortRange = DEFAULT_PORTS,
    on_loss: Loss | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Circle:
    """Waits until all ranks are there; every rank calls it.

    Args:
        rank: this process, from 0.
        ranks: how many there are.
        address: ``host:port`` where rank 0 waits; a name is looked up until it is known.
        secret: what all of this attempt know and nobody else.
        seconds: how long to wait for the others.
        allow: who may come to rank 0: addresses, networks, names; empty: whoever knows the secret.
        ports: which ports the work's own connections may take, see `Circle.open_ports`.
        on_loss: called from a thread, once, when a peer is gone.
        alive: called while this rank waits for one that makes progress.

    Raises:
        NotAllCame: the deadline passed; names the ranks, or says that rank 0 was not there.
        TurnedAway: rank 0 refused this one, and why.
        NetworkLost: rank 0 cannot listen at that address.
        UsageError: the address or the rank is impossible.
    """
    host, port = _parsed(address)
    if not 0 <= rank < ranks or not secret:
        raise UsageError(
            f"rank {rank} of {ranks} cannot meet the others" if secret else "the attempt has no secret",
            fix="Ranks count from 0, and all ranks of an attempt are given one secret by their launcher",
        )
    if ranks == 1:
        return Circle(0, ("127.0.0.1",), {}, ports=ports)
    deadline = time.monotonic() + seconds
    if rank == 0:
        door = Door(_listener(host, port, deadline), ranks, secret, AllowList.parse(allow))
        guests = door.wait(max(0.0, deadline - time.monotonic()))
        if guests is None:
            missing = door.missing_words(seconds)
            door.turn_out(f"the others gave up: {missing}")
            door.shut()
            raise NotAllCame(missing, fix="Look for the log of a worker that did not start, or raise the deadline")
        addresses = (_own(guests), *(str(guests[other].getpeername()[0]) for other in range(1, ranks)))
        for guest in guests.values():
            _hand(guest, {"roster": addresses})
        return Circle(0, addresses, guests, door=door, ports=ports, on_loss=on_loss, alive=alive)
    connection = _come_in(rank, ranks, host, port, secret, deadline)
    addresses = _roster(connection, rank, deadline)
    return Circle(rank, addresses, {0: connection}, ports=ports, on_loss=on_loss, alive=alive)


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"the meeting address is {address!r}", fix="Write it as host:port")
    return host, int(port)


def _listener(host: str, port: int, deadline: float) -> socket.socket:
    """Listens at the address alone where this machine has it, else at all of its addresses (behind a Service)."""
    while not (found := resolve(host)):
        if time.monotonic() > deadline:
            raise NotAllCame(f"the name {host!r}, where all are to meet, is not known", fix="Check the meeting address")
        time.sleep(0.2)
    try:
        return _listening(found[0], port)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            words = f"rank 0 cannot listen at {host}:{port}: {error.strerror}"
            raise NetworkLost(words, fix="Another attempt takes another port") from error
    return _listening("", port)


def _listening(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _own(guests: dict[int, socket.socket]) -> str:
    """Rank 0's address as the others reach it: a guest on the same machine may have come over loopback."""
    seen = [str(guest.getsockname()[0]) for guest in guests.values()]
    return next((address for address in seen if not address.startswith("127.")), seen[0])


def _hand(guest: socket.socket, value: Any) -> None:
    try:
        send(guest, value)
    except OSError:
        return  # its circle will notice


def _come_in(rank: int, ranks: int, host: str, port: int, secret: str, deadline: float) -> socket.socket:
    """A connection to rank 0 that both ends have proved themselves on; tries until the deadline."""
    pause, problem = 0.05, "nobody listens there"
    while True:
        for address in resolve(host):
            try:
                return _introduced(rank, ranks, (address, port), secret)
            except (EOFError, ValueError, KeyError, TypeError):
                problem = "who answers there does not know the secret of this attempt"
            except OSError as error:
                problem = error.strerror or str(error) or type(error).__name__
        if time.monotonic() + pause > deadline:
            raise NotAllCame(
                f"rank {rank} could not reach rank 0 at {host}:{port}: {problem}",
                fix="Look for rank 0's log, and check the meeting address and the network policy",
            )
        time.sleep(pause)
        pause = min(1.0, pause * 1.5)


def _introduced(rank: int, ranks: int, place: tuple[str, int], secret: str) -> socket.socket:
    """A connection on which both ends proved that they know the secret."""
    connection = socket.create_connection(place, timeout=5.0)
    try:
        hello = _answer(connection)
        nonce, own = str(hello["nonce"]), secrets.token_hex(16)
        told = {"rank": rank, "ranks": ranks, "nonce": own}
        send(connection, {**told, "proof": proof(secret, "guest", nonce, own, rank, ranks)})
        answer = _answer(connection)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        connection.close()
        raise
    known = proved(answer.get("proof"), secret, "door", own, nonce, rank)
    if known and "refused" not in answer:
        return connection
    connection.close()
    if known:
        raise TurnedAway(f"rank {rank} was turned away by rank 0: {answer['refused']}")
    raise ValueError("another secret")


def _answer(connection: socket.socket) -> dict[str, Any]:
    answer = receive(connection, SMALL)
    if not isinstance(answer, dict):
        raise TypeError(type(answer))
    return answer


def _roster(connection: socket.socket, rank: int, deadline: float) -> tuple[str, ...]:
    connection.settimeout(max(0.0, deadline - time.monotonic()) + _ANSWER)
    try:
        answer = receive(connection, _ROSTER)
    except (OSError, EOFError, ValueError) as error:
        connection.close()
        raise PeerLost(f"rank 0 was gone before all had met ({type(error).__name__})") from None
    if "refused" in answer:
        connection.close()
        raise NotAllCame(f"rank {rank} met rank 0, but {answer['refused']}")
    connection.settimeout(None)
    return tuple(answer["roster"])
