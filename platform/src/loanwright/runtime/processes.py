"""Processes known by id *and* start time, since ids are given out again."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc/self/stat")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Identity:
    """A process: its id, and when it started, in seconds on a clock that nobody sets.

    On Linux that is the time since the machine's boot; elsewhere it is since the epoch.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The running process with that id.

        Raises:
            psutil.NoSuchProcess: there is none.
        """
        return cls(pid, _started(pid))

    @classmethod
    def mine(cls) -> Identity:
        """This process."""
        return cls.of(os.getpid())

    def age(self) -> float:
        """Seconds since the process started, running or not."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME) if _PROC.exists() else time.time()
        return max(0.0, now - self.started)

    def process(self) -> psutil.Process | None:
        """The process, if it still runs and is no other with the same id."""
        try:
            alive = abs(_started(self.pid) - self.started) < 1 / _TICKS
            process = psutil.Process(self.pid)
            alive = alive and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def end(self, patience: float = 2.0) -> bool:
        """Ends the process and its children, by force after `patience` seconds; False if it was gone."""
        process = self.process()
        if process is None:
            return False
        try:
            family = [*process.children(recursive=True), process]
        except psutil.NoSuchProcess:
            return False
        for member in family:
            _signal(member, force=False)
        _, alive = psutil.wait_procs(family, timeout=patience)
        for member in alive:
            _signal(member, force=True)
        psutil.wait_procs(alive, timeout=patience)
        return True


def _started(pid: int) -> float:
    """When a process started; not psutil's create_time on Linux, which moves when the clock is set."""
    if not _PROC.exists():
        return float(psutil.Process(pid).create_time())
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return int(stat.rpartition(")")[2].split()[19]) / _TICKS  # field 22, counted behind the command's name


def _signal(process: psutil.Process, *, force: bool) -> None:
    try:
        if force:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
