"""Processes known by id *and* start time, since ids are given out again."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Identity:
    """A process: its id, and when it started in seconds since the epoch."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The running process with that id.

        Raises:
            psutil.NoSuchProcess: there is none.
        """
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def mine(cls) -> Identity:
        """This process."""
        return cls.of(os.getpid())

    def process(self) -> psutil.Process | None:
        """The process, if it still runs and is no other with the same id."""
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.started) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
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


def _signal(process: psutil.Process, *, force: bool) -> None:
    try:
        if force:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return
