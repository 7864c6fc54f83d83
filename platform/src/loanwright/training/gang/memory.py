"""What the system says about memory that ran out: control groups, version 2 and 1."""

from __future__ import annotations

from pathlib import Path

import psutil

TOP = Path("/sys/fs/cgroup")
_MIB = 1 << 20


def out_of_memory_kills(top: Path = TOP, mine: Path = Path("/proc/self/cgroup")) -> int:
    """How many processes of this control group the system killed for want of memory, ever; 0 if it does not say."""
    for events in (
        own_group(top, mine, "") / "memory.events",
        own_group(top / "memory", mine, "memory") / "memory.oom_control",
    ):
        if (kills := facts_of(events).get("oom_kill")) is not None:
            return int(kills)
    return 0


def limit_words(top: Path = TOP, mine: Path = Path("/proc/self/cgroup")) -> str:
    """How much memory there is for all processes here together, in words."""
    for limit in (
        own_group(top, mine, "") / "memory.max",
        own_group(top / "memory", mine, "memory") / "memory.limit_in_bytes",
    ):
        text = text_of(limit).strip()
        if text.isdigit() and int(text) < psutil.virtual_memory().total:
            return f"the limit for all processes together is {int(text) / _MIB:,.0f} MiB"
    return f"the machine has {psutil.virtual_memory().total / _MIB:,.0f} MiB"


def own_group(top: Path, mine: Path, controller: str) -> Path:
    """This process's folder; in a container its own group is often mounted at the top.

    Args:
        top: where the groups of that controller are mounted.
        mine: where it stands in which group this process is.
        controller: its name; empty: version 2, which has one tree for all.
    """
    for line in text_of(mine).splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") and (top / path.lstrip("/")).is_dir():
            return top / path.lstrip("/")
    return top


def facts_of(path: Path) -> dict[str, str]:
    """What a file of names and values, a pair a line, says; nothing where there is none."""
    return dict(line.split(maxsplit=1) for line in text_of(path).splitlines() if " " in line)


def text_of(path: Path) -> str:
    """What stands in a file; nothing where there is none."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
