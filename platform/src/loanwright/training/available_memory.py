"""Bytes that can still be had, by every limit that counts: the machine's, its control groups' and the process's own."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

from loanwright.training.gang.memory import TOP, facts_of, own_group, text_of


def available_memory(top: Path = TOP, mine: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes that all processes here can still have together: of the machine, and of each control group they are in.

    Args:
        top: where control groups are mounted, of version 2, of version 1, or of both.
        mine: where it stands in which of them this process is.
    """
    import psutil

    free = [int(psutil.virtual_memory().available)]
    free += _left(top, own_group(top, mine, ""), "memory.max", "memory.current", "inactive_file")
    memory = top / "memory"
    group = own_group(memory, mine, "memory")
    free += _left(memory, group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    return max(min(free), 0)


def own_memory() -> int | None:
    """Bytes that this process may still take by its own limits (RLIMIT_AS, RLIMIT_DATA); None where it has none."""
    import psutil

    used = psutil.Process().memory_info()
    limits = {resource.RLIMIT_AS: used.vms, resource.RLIMIT_DATA: getattr(used, "data", 0)}
    left = [soft - taken for which, taken in limits.items() if (soft := resource.getrlimit(which)[0]) >= 0]
    return max(min(left), 0) if left else None


def _left(top: Path, group: Path, limit: str, usage: str, cached: str) -> Iterator[int]:
    """What is left of the limit of a group and of each one that it lies in."""
    for folder in (group, *group.parents):
        most, used = text_of(folder / limit).strip(), text_of(folder / usage).strip()
        if most.isdigit() and used.isdigit():
            # Cached file pages count as used, and are given back when they are needed.
            yield int(most) - int(used) + int(facts_of(folder / "memory.stat").get(cached, "0"))
        if folder == top:
            return
