"""One line for each worker of a training that runs: what it does, how far it is, what it measured."""

from __future__ import annotations

from pathlib import Path

from loanwright.storage import open_store
from loanwright.training.gang.status import Status, read_statuses

_MIB = 1 << 20
_OVER = ("done", "stopped", "failed")


def worker_lines(folder: Path) -> list[str]:
    """The lines, by rank; empty while nobody works together in that run.

    Args:
        folder: the run's, where the workers leave their status.
    """
    return [_line(status) for status in read_statuses(open_store(str(folder)))]


def _line(status: Status) -> str:
    parts = [f"worker {status.rank}", f"{status.state:<8}"]
    if status.rounds:
        parts.append(f"round {status.round:>{len(str(status.rounds))}} of {status.rounds}")
    if status.checkpoint and status.state not in _OVER:
        parts.append(f"safe to {status.checkpoint}")
    if status.metric is not None:
        parts.append(f"{status.metric[0]} {status.metric[1]:.5f}")
    parts.append(f"{status.memory / _MIB:,.0f} MiB")
    if status.attempt > 1:
        parts.append(f"attempt {status.attempt}")
    if status.said:
        parts.append(status.said)
    return "  ".join(parts)
