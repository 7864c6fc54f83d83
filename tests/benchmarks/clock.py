"""What a contender of a benchmark cost, told by itself: seconds, CPU seconds, peak memory.

Imports are not counted as time, for they cost the same whatever the size; what they hold counts as memory.
Only the standard library is needed, so that contenders run in any environment.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def measured(work: Callable[[], object], then: Callable[[], Mapping[str, object]] = dict) -> None:
    """Does the work and prints what it cost as the last line, as JSON: seconds, CPU seconds, peak and first MiB.

    Args:
        work: what is measured; the CPU seconds of processes that it started, and that have ended, count.
        then: called when the clock has stopped; what it finds is told beside the cost.
    """
    base = resident("VmRSS:")
    wall, cpu = time.perf_counter(), _cpu()
    work()
    cost = {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu, "peak": resident("VmHWM:"), "base": base}
    print(json.dumps({**cost, **then()}), flush=True)


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def resident(field: str, process: str = "self") -> float:
    """MiB that a process holds (`VmRSS:`) or has held at most (`VmHWM:`).

    Of this program alone: what getrusage tells is no less than what the parent held when it started us.
    """
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/{process}/status has no {field} this benchmark needs Linux")
