"""What a contender of a benchmark cost, told by itself: seconds, CPU seconds, peak memory.

Imports are not counted as time, for they cost the same whatever the size; what they hold counts as memory.
Only the standard library is needed, so that contenders run in any environment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path


def measured(work: Callable[[], object]) -> None:
    """Does the work and prints what it cost as the last line, as JSON: seconds, CPU seconds, peak MiB."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": _peak()}
    print(json.dumps(cost), flush=True)


def _peak() -> float:
    # Of this program alone: what getrusage tells is no less than what the parent held when it started us.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("/proc/self/status has no VmHWM: this benchmark needs Linux")
