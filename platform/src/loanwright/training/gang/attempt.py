"""One attempt: the processes of a gang on this machine, from their start until none of them is left."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loanwright.training.gang.exits import Exit, meaning
from loanwright.training.gang.farewell import Farewell
from loanwright.training.gang.hotline import Listener, Mark
from loanwright.training.gang.ports import PortRange

_LOOK = 0.02
_LEAVING = 2.0
"""Seconds that the others have to leave by themselves once one is gone: each says why, if it can."""
_SKEW = 30.0
"""Seconds between the first worker's orderly end and the last one's."""


@dataclass(frozen=True)
class Ended:
    """How one worker ended; `forced` if it was there still when all the others were gone."""

    rank: int
    code: int
    farewell: Farewell | None
    forced: bool = False

    @property
    def words(self) -> str:
        """The end as a sentence about that worker."""
        if self.forced:
            return f"worker {self.rank} did not answer any more"
        said = f": {self.farewell.why}" if self.farewell and self.code > 0 else ""
        return f"worker {self.rank} {meaning(self.code)}{said}"


class Attempt:
    """Starts the workers; always leave it by `end`.

    Args:
        command: starts a worker.
        ranks: how many.
        variables: the environment of all of them, without what tells them apart.
        ports: where they meet, and what they may take for their own connections.
    """

    def __init__(self, command: Sequence[str], ranks: int, variables: Mapping[str, str], ports: PortRange) -> None:
        common = {
            **variables,
            "LOANWRIGHT_RANKS": str(ranks),
            "LOANWRIGHT_MEETING": f"127.0.0.1:{ports.fresh('127.0.0.1')}",
            "LOANWRIGHT_GANG_SECRET": secrets.token_hex(32),
            "LOANWRIGHT_ALLOW": "127.0.0.1",
            "LOANWRIGHT_PORTS": f"{ports.first}-{ports.last}",
            "LOANWRIGHT_GANG_PARENT": str(os.getpid()),
        }
        self._workers: list[subprocess.Popen[bytes]] = []
        self._hotlines: list[Listener] = []
        try:
            for rank in range(ranks):
                self._start(command, common | {"LOANWRIGHT_RANK": str(rank)})
        except BaseException:
            self.end(0.0)
            raise

    def _start(self, command: Sequence[str], variables: dict[str, str]) -> None:
        reading, writing = os.pipe()
        self._hotlines.append(Listener(reading))
        try:
            variables["LOANWRIGHT_HOTLINE"] = str(writing)
            self._workers.append(subprocess.Popen(command, env=variables, pass_fds=(writing,)))
        finally:
            os.close(writing)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes, by rank."""
        return tuple(worker.pid for worker in self._workers)

    def wait(self) -> list[Ended]:
        """Waits until all are gone; how each of them ended, by rank."""
        deadline = float("inf")
        forced: set[int] = set()
        while living := [rank for rank, worker in enumerate(self._workers) if worker.poll() is None]:
            gone = [worker.returncode for worker in self._workers if worker.returncode is not None]
            if gone and deadline == float("inf"):
                deadline = time.monotonic() + (_LEAVING if any(gone) else _SKEW)
            elif any(gone):
                deadline = min(deadline, time.monotonic() + _LEAVING)
            if time.monotonic() > deadline:
                forced |= set(living)
                for rank in living:
                    self._workers[rank].kill()
                deadline = float("inf")
            self._listen()
            time.sleep(_LOOK)
        self._listen()
        return [
            Ended(rank, int(worker.returncode), hotline.farewell, rank in forced)
            for rank, (worker, hotline) in enumerate(zip(self._workers, self._hotlines, strict=True))
        ]

    @property
    def marks(self) -> list[Mark]:
        """How far rank 0 said it was: at its first round, and whenever the work was safe."""
        return self._hotlines[0].marks

    def _listen(self) -> None:
        for hotline in self._hotlines:
            hotline.listen()

    def end(self, grace: float) -> None:
        """Ends whoever is still there: told to stop, then by force after `grace` seconds."""
        for worker in self._workers:
            if grace > 0 and worker.poll() is None:
                worker.terminate()
        deadline = time.monotonic() + grace
        for worker in self._workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.wait(max(0.0, deadline - time.monotonic()))
            worker.kill()
            worker.wait()
        while self._hotlines:
            self._hotlines.pop().close()


def cause(ended: Sequence[Ended]) -> Ended | None:
    """Who broke the gang, of those that ended: the others ended because of it. None if all came to the end."""
    broken = any(one.code for one in ended)
    order: tuple[Callable[[Ended], bool], ...] = (
        # What the others say once one of them is gone need not be true, so who vanished without a word comes first.
        lambda one: one.code < 0 and not one.forced,
        lambda one: one.code == 0 and broken,
        lambda one: one.code > 0 and one.farewell is not None and one.farewell.kind is not None,
        lambda one: one.code not in (*Exit, 0) and not one.forced,
        lambda one: one.code in (Exit.STOPPED, Exit.NOT_ALL_CAME),
        lambda one: one.forced,
        lambda one: one.code in (Exit.NO_PROGRESS, Exit.NETWORK_LOST),
        lambda one: one.code != 0,
    )
    return next((one for matches in order for one in ended if matches(one)), None)
