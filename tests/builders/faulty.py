"""Faults to order in the product's own worker processes: each really happens to the process that it is ordered for."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from loanwright.training.gang.circle import Circle
from loanwright.training.gang.membership import Member

_ROOT = Path(__file__).parents[2]
_staying: list[socket.socket] = []


def fault(rank: int, at: int | str, how: str, *, attempts: int = 1, first: int = 1) -> dict[str, Any]:
    """Something that happens to a rank.

    Args:
        rank: which.
        at: when it has done that round (0: at its very start), or is in that state; "ports": when all know each
            other's ports and none of this rank's is open yet.
        how: what, see `happen`.
        attempts: the last attempt in which it happens.
        first: the first one.
    """
    return {"rank": rank, "at": at, "how": how, "attempts": range(first, attempts + 1)}


def ordered(*faults: dict[str, Any]) -> dict[str, str]:
    """The variables under which these faults happen."""
    path = f"{_ROOT / 'tests' / 'builders' / 'faults'}:{_ROOT}"
    return {
        "PYTHONPATH": path,
        "TEST_FAULTS": json.dumps([{**one, "attempts": list(one["attempts"])} for one in faults]),
    }


def arm() -> None:
    """In a worker: makes the faults that are ordered for it happen."""
    rank, attempt = int(os.environ["LOANWRIGHT_RANK"]), int(os.environ["LOANWRIGHT_ATTEMPT"])
    mine = [one for one in json.loads(os.environ["TEST_FAULTS"]) if one["rank"] == rank and attempt in one["attempts"]]
    for one in mine:
        if one["at"] == 0:
            happen(one["how"])
    beat = Member.beat

    def watched(self: Member, **news: Any) -> None:
        beat(self, **news)
        for one in mine:
            if news.get("round", news.get("state")) == one["at"]:
                happen(one["how"])

    Member.beat = watched  # type: ignore[method-assign]
    open_ports = Circle.open_ports

    def opened(self: Circle) -> tuple[str, ...]:
        ports = open_ports(self)
        for one in mine:
            if one["at"] == "ports":
                _to_last_listener(ports, one["how"])
        return ports

    Circle.open_ports = opened  # type: ignore[method-assign]


def happen(how: str) -> None:
    """Lets it happen to this process."""
    kind, _, what = how.partition(":")
    if kind == "signal":
        os.kill(os.getpid(), signal.Signals[what])
        time.sleep(0.1)
    elif kind == "exit":
        os._exit(int(what))
    elif kind == "sleep":
        time.sleep(float(what))
    elif kind == "fill":
        with Path(what).open("wb", buffering=0) as filler:
            while True:
                try:
                    filler.write(bytes(4096))
                except OSError:
                    return
    elif kind == "hog":
        held = []
        while True:
            held.append(b"x" * (32 << 20))
    elif kind == "limit":
        used = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (used + int(what), used + int(what)))
    else:
        raise ValueError(how)


def _to_last_listener(ports: tuple[str, ...], how: str) -> None:
    """Comes to the last rank's listener before any other rank, says these bytes, and stays or goes.

    Until LightGBM listens there nobody does, so who is let in is let in by LightGBM.
    """
    words, leaves, note = how.split(":", 2)
    host, _, port = ports[-1].rpartition(":")
    for _ in range(2000):
        stranger = socket.socket()
        if stranger.connect_ex((host, int(port))) == 0:
            stranger.sendall(bytes.fromhex(words))
            with Path(note).open("a") as said:
                said.write(f"{port}\n")
            break
        stranger.close()
        time.sleep(0.005)
    if leaves == "goes":
        stranger.close()
    else:
        _staying.append(stranger)
    time.sleep(0.3)  # the listener takes it in


@contextmanager
def garbage(first: int, last: int, connections: int) -> Iterator[list[int]]:
    """Somebody who sends garbage to whatever listens on these ports of this machine, so many times in all.

    Yields:
        The ports that took it, as they do.
    """
    hit: list[int] = []
    over = threading.Event()

    def throw() -> None:
        while not over.is_set() and len(hit) < connections:
            for port in range(first, last + 1):
                with socket.socket() as one:
                    one.settimeout(0.2)
                    if one.connect_ex(("127.0.0.1", port)) == 0:
                        hit.append(port)
                        one.send(b"\x01\x00\x00\x00 garbage " * 20)
            time.sleep(0.001)

    thread = threading.Thread(target=throw, daemon=True)
    thread.start()
    try:
        yield hit
    finally:
        over.set()
        thread.join(10)
