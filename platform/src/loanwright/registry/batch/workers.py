"""Several processes, each given one part after the other. When the first process goes, so do they."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from loanwright.errors import EnvironmentFault, LoanwrightError
from loanwright.registry.batch.part import Job, score_part
from loanwright.registry.batch.plan import Part
from loanwright.registry.batch.receipts import Receipt

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_GRACE = 5.0
"""Seconds for a process to end after it was told to."""


def score_parts(
    job: Job, parts: Iterable[Part], processes: int, told: Callable[[int], None], made: Callable[[int, Receipt], None]
) -> None:
    """Scores the parts by that many processes; in this one where it is one.

    Args:
        job: what all parts have in common.
        parts: those to score.
        processes: how many at a time.
        told: told how many more rows are scored.
        made: given each part's number and receipt when it is whole.

    Raises:
        DataError, StorageFault: as `score_part`, of whichever part met it first.
        EnvironmentFault: a process was killed.
    """
    waiting = deque(parts)
    if processes == 1:
        opened = _opened(job)
        for part in waiting:
            made(part.number, score_part(opened, job, part, told))
        return
    workers = [_Worker(job) for _ in range(min(processes, len(waiting)))]
    try:
        busy = {worker.connection: worker for worker in workers if worker.give(waiting)}
        while busy:
            for ready in wait(list(busy)):
                worker = busy[ready]  # type: ignore[index]
                match worker.answer():
                    case ("rows", int() as rows):
                        told(rows)
                    case ("made", int() as number, Receipt() as receipt):
                        made(number, receipt)
                        if not worker.give(waiting):
                            del busy[worker.connection]
                    case ("failed", Exception() as error):
                        raise error
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process at the other end of a pipe."""

    def __init__(self, job: Job) -> None:
        # A forked process would inherit locks that LightGBM's and Arrow's threads hold.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_work, args=(other, job), daemon=True)
        self._process.start()
        other.close()

    def give(self, waiting: deque[Part]) -> bool:
        """Hands it the next part, if there is one."""
        if not waiting:
            return False
        with suppress(BrokenPipeError):  # `answer` finds that it is gone
            self.connection.send(waiting.popleft())
        return True

    def answer(self) -> tuple[Any, ...]:
        """What it says next.

        Raises:
            EnvironmentFault: it is gone.
        """
        try:
            said: tuple[Any, ...] = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join(_GRACE)
            raise EnvironmentFault(
                f"a scoring process ended in the midst of a part ({_how(self._process.exitcode)})",
                fix="Run the same command again: it goes on from the parts that are whole",
            ) from None
        return said

    def end(self) -> None:
        """Ends it, whatever it is doing: what it has not finished leaves nothing behind."""
        self.connection.close()
        self._process.terminate()
        self._process.join(_GRACE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _how(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "killed; if memory ran out, ask for fewer processes"
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _work(connection: Connection, job: Job) -> None:
    """A process's whole life: it ends when the other end of the pipe does, however that comes about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the first process tells the others
    with suppress(EOFError, ConnectionError):
        try:
            _spare()
            bundle = _opened(job)
            while True:
                part: Part = connection.recv()
                receipt = score_part(bundle, job, part, lambda rows: connection.send(("rows", rows)))
                connection.send(("made", part.number, receipt))
        except LoanwrightError as error:
            connection.send(("failed", error))
        except OSError as error:
            if not isinstance(error, ConnectionError):
                connection.send(("failed", error))


def _spare() -> None:
    """What a process of our own may do to itself."""
    from loanwright.training.quick_import import do_without_pandas, import_lightgbm_alone

    import_lightgbm_alone()
    do_without_pandas()
    import pyarrow as pa

    # Arrow's own pool gives memory back between two batches, and to get it again costs as much as to decode them.
    pa.set_memory_pool(pa.system_memory_pool())


def _opened(job: Job) -> Any:
    from loanwright.registry.bundles import Bundle

    return Bundle.open(job.bundle, job.scratch, threads=job.threads)
