"""A watchdog ends a process that is inside a library for ever; a stop request is heard there as well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from loanwright.training.gang.watchdog import Watchdog

_STUCK = """
import ctypes, os, sys
from loanwright.training.gang.stopping import StopRequest
from loanwright.training.gang.watchdog import Watchdog
stop = StopRequest(float(sys.argv[2]), lambda: os._exit(72))
Watchdog(float(sys.argv[1]), lambda seconds: os._exit(70))
print("ready", flush=True)
if sys.argv[3] == "library":
    ctypes.CDLL(None).pause()  # returns on a signal only
    ctypes.CDLL(None).sleep(60)
else:
    lock = ctypes.create_string_buffer(64)  # a mutex that is held already: waits for ever, whatever signals come
    libc = ctypes.CDLL(None)
    libc.pthread_mutex_lock(lock)
    libc.pthread_mutex_lock(lock)
"""


def _stuck(watchdog: float, grace: float, where: str = "mutex") -> subprocess.Popen[bytes]:
    command = (sys.executable, "-c", _STUCK, str(watchdog), str(grace), where)
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("where", ["library", "mutex"])
def test_a_process_inside_a_library_is_ended(where: str) -> None:
    process = _stuck(0.5, 60, where)
    process.communicate(timeout=10)
    assert process.returncode == 70


def test_a_process_that_was_frozen_is_ended_when_it_thaws() -> None:
    process = _stuck(0.8, 60)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(1.2)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGCONT)
    process.communicate(timeout=10)
    assert process.returncode == 70


def test_the_grace_counts_from_the_signal_though_the_main_thread_is_inside_a_library() -> None:
    process = _stuck(60, 0.3)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 72


def test_beats_keep_it_quiet_and_rest_ends_it() -> None:
    barked = threading.Event()
    dog = Watchdog(0.4, lambda _seconds: barked.set())
    for _ in range(8):
        time.sleep(0.1)
        dog.beat()
    assert not barked.is_set()
    dog.rest()
    assert not barked.wait(0.8)
    Watchdog(0.2, lambda _seconds: barked.set())
    assert barked.wait(5)
