"""Gangs whose ranks are threads of this process: LightGBM keeps its network by thread, so each is a rank to it.

What is said among them goes through queues instead of sockets; everything else is as between processes.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from loanwright.training.peers import Member

Result = TypeVar("Result")


class Stopped(Exception):
    """A rank left as it was told to."""


class _Circle:
    def __init__(self, rank: int, table: _Table) -> None:
        self._rank, self._table = rank, table

    def share(self, value: Any) -> Any:
        if self._rank:
            return self._table.told[self._rank].get(timeout=60)
        for rank in range(1, self._table.ranks):
            self._table.told[rank].put(value)
        return value

    def gather(self, value: Any) -> list[Any] | None:
        if self._rank:
            self._table.gathered[self._rank].put(value)
            return None
        return [value, *(self._table.gathered[rank].get(timeout=60) for rank in range(1, self._table.ranks))]

    def any(self, flag: bool) -> bool:
        flags = self.gather(flag)
        return bool(self.share(flags is not None and any(flags)))

    def open_ports(self) -> tuple[str, ...]:
        return tuple(self.share(_free_ports(self._table.ranks) if self._rank == 0 else None))


class _Table:
    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.told: list[queue.Queue[Any]] = [queue.Queue() for _ in range(ranks)]
        self.gathered: list[queue.Queue[Any]] = [queue.Queue() for _ in range(ranks)]


class _ThreadMember:
    def __init__(self, rank: int, table: _Table, stop_after: int | None) -> None:
        self.rank, self.ranks, self.circle = rank, table.ranks, _Circle(rank, table)
        self.rounds: list[int] = []
        self.safe: list[int] = []
        self._stop_after = stop_after

    @property
    def stopping(self) -> bool:
        return self._stop_after is not None and self.rank == self.ranks - 1 and max(self.rounds) >= self._stop_after

    def beat(self, **news: Any) -> None:
        if "round" in news:
            self.rounds.append(news["round"])

    def segment_done(self, last: int) -> None:
        self.safe.append(last)

    def stop(self) -> NoReturn:
        raise Stopped


def together(ranks: int, body: Callable[[Member], Result], *, stop_after: int | None = None) -> Sequence[Result]:
    """Runs `body` as each rank; what each returns, by rank.

    Args:
        ranks: how many.
        body: what each does.
        stop_after: the last rank is told to stop in this round.

    Raises:
        Exception: what the rank that failed first raised.
    """
    table = _Table(ranks)
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def run(member: _ThreadMember) -> None:
        try:
            results[member.rank] = body(member)
        except BaseException as error:  # handed on below, from the test's own thread
            errors[member.rank] = error

    members = [_ThreadMember(rank, table, stop_after) for rank in range(ranks)]
    threads = [threading.Thread(target=run, args=(member,), daemon=True) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    if errors:
        raise next(iter(errors.values()))
    if len(results) < ranks:
        raise TimeoutError(f"ranks {sorted(set(range(ranks)) - set(results))} did not come to an end")
    return [results[rank] for rank in range(ranks)]


def _free_ports(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return ports
