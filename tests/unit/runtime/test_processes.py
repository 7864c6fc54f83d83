"""A process is known by its id and its start, and is ended with its children."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import psutil

from loanwright.runtime.processes import Identity

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_another_process_with_the_same_id_is_not_ours() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    identity = Identity.of(sleeper.pid)
    assert identity.process() is not None
    assert replace(identity, started=identity.started - 100).process() is None
    assert not replace(identity, started=identity.started - 100).end()
    assert sleeper.poll() is None
    assert identity.end()
    sleeper.wait()
    assert not identity.end()


def test_a_stubborn_process_and_its_child_are_ended_by_force() -> None:
    parent = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert Identity.of(parent.pid).end(patience=0.3)
    parent.communicate()
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
