"""A worker's part in its gang: meets the others, works, is watched, and ends so that nobody waits for it in vain."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from loanwright.errors import LoanwrightError
from loanwright.storage import open_store
from loanwright.training.gang.circle import Circle
from loanwright.training.gang.circumstances import Circumstances
from loanwright.training.gang.exits import Exit
from loanwright.training.gang.farewell import Farewell
from loanwright.training.gang.hotline import Mark, Speaker
from loanwright.training.gang.lifeline import die_with, go_first
from loanwright.training.gang.meeting import meet
from loanwright.training.gang.status import Reporter
from loanwright.training.gang.stopping import StopRequest
from loanwright.training.gang.watchdog import Watchdog

_log = logging.getLogger("loanwright")
_PULSE = 1.0
"""Seconds between two signs of life to the others."""


def take_part(body: Callable[[Member], None]) -> NoReturn:
    """Runs `body` as the worker that the environment describes, and ends the process.

    The exit code is 0 if all ranks came to the end, a LoanwrightError's own code if one ended the body, else one of
    `Exit`. Call it in the main thread of a process of its own.

    Args:
        body: the work; every rank has met when it is called.
    """
    hotline = Speaker(None)
    member: Member | None = None
    try:
        here = Circumstances.read(os.environ)
        hotline = Speaker(here.hotline)
        if here.parent is not None:
            die_with(here.parent)
            go_first()
        member = Member(here, hotline)
        member.begin()
        body(member)
        member.finish()
    except BaseException as error:  # the process ends here, whatever it was
        _end(member, hotline, error)
    _exit(0)


class Member:
    """One worker, as its work sees it. Made by `take_part`."""

    circle: Circle

    def __init__(self, here: Circumstances, hotline: Speaker) -> None:
        self._here, self._hotline = here, hotline
        self.rank, self.ranks, self.attempt = here.rank, here.ranks, here.attempt
        self._reporter = Reporter(open_store(here.status) if here.status else None, here.rank, here.ranks, here.attempt)
        self._stop = StopRequest(here.grace_seconds, self._grace_over)
        self._watchdog: Watchdog | None = None
        self._ending = threading.Lock()
        self._pulsed = threading.Event()
        self._over = threading.Event()
        self._begun = False

    def begin(self) -> None:
        """Meets the others; from then on this worker is watched."""
        here = self._here
        self._reporter.change(state="meeting")
        self.circle = meet(
            here.rank,
            here.ranks,
            here.meeting,
            secret=here.secret,
            seconds=here.meeting_seconds,
            allow=here.allow,
            ports=here.ports,
            on_loss=self._lost,
            alive=self._alive,
        )
        self._watchdog = Watchdog(here.watchdog_seconds, self._no_progress)
        threading.Thread(target=self._keep_pulsing, name="pulse", daemon=True).start()

    def beat(self, **news: Any) -> None:
        """There is progress. Call it after each round and each part of the data; it costs microseconds.

        Args:
            news: fields of `Status` that changed: state, round, rounds, metric, said.
        """
        self._alive()
        self._pulsed.set()
        self._reporter.change(**news)
        if not self._begun and news.get("round"):
            self._begun = True
            self._mark(news["round"], safe=False)

    def segment_done(self, last: int) -> None:
        """The work up to round `last` is safe: another attempt goes on from there."""
        self._reporter.change(checkpoint=last)
        self._mark(last, safe=True)

    @property
    def stopping(self) -> bool:
        """Whether this worker was told to stop. Its grace runs: break off where the work can be gone on from."""
        return self._stop.asked

    def stop(self) -> NoReturn:
        """Leaves, at a place that all ranks agreed on, since one of them was told to stop. All of them call it."""
        self.circle.close()
        self.leave(Exit.STOPPED, "stopped as told, where it can be gone on from")

    def finish(self) -> None:
        """Parts from the others when all are done."""
        self.circle.close()
        self._over.set()
        self._stop.dismiss()
        if self._watchdog is not None:
            self._watchdog.rest()
        self._reporter.finish("done")

    def leave(self, code: int, why: str, farewell: Farewell | None = None) -> NoReturn:
        """Breaks off from any thread, whatever the others do; says why to everybody who may listen."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait()  # another thread is at it, and ends this one as well
        if hasattr(self, "circle"):
            self.circle.leave(why)
        self._hotline.farewell(farewell or Farewell(why))
        _log.warning("worker %d: %s", self.rank, why)
        self._reporter.finish("stopped" if code == Exit.STOPPED else "failed", why)
        _exit(code)

    def _alive(self) -> None:
        if self._watchdog is not None:
            self._watchdog.beat()

    def _mark(self, number: int, *, safe: bool) -> None:
        if self.rank == 0:
            self._hotline.mark(Mark(number, self._reporter.now.seconds, safe))

    def _keep_pulsing(self) -> None:
        """Hands progress on to those that may be waiting for this worker."""
        while not self._over.wait(_PULSE):
            if self._pulsed.is_set():
                self._pulsed.clear()
                self.circle.pulse()

    def _lost(self, rank: int, why: str) -> None:
        self.leave(Exit.PEER_LOST, f"worker {rank} is gone: {why}")

    def _no_progress(self, seconds: float) -> None:
        self.leave(Exit.NO_PROGRESS, f"no progress for {seconds:.0f} s, so its watchdog ended it")

    def _grace_over(self) -> None:
        self.leave(Exit.STOPPED, f"told to stop, and not done within its grace of {self._here.grace_seconds:g} s")


def _end(member: Member | None, hotline: Speaker, error: BaseException) -> NoReturn:
    if not isinstance(error, LoanwrightError):
        traceback.print_exception(error)
    code = error.exit_code if isinstance(error, LoanwrightError) else 1
    farewell = Farewell.of(error)
    if member is not None:
        member.leave(code, str(error) if isinstance(error, LoanwrightError) else farewell.why, farewell)
    hotline.farewell(farewell)
    print(error, file=sys.stderr)
    _exit(code)


def _exit(code: int) -> NoReturn:
    """Ends at once: threads inside libraries are not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
