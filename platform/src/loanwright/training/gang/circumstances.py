"""What a launcher tells each worker through its environment: who it is, where the others are, how long to wait.

LOANWRIGHT_RANK              this worker, from 0 (absent: JOB_COMPLETION_INDEX, which Kubernetes sets)
LOANWRIGHT_RANKS             how many there are
LOANWRIGHT_MEETING           host:port of rank 0
LOANWRIGHT_GANG_SECRET       what the workers of this attempt know and nobody else
LOANWRIGHT_ATTEMPT           which attempt this is, from 1
LOANWRIGHT_ALLOW             who may come to rank 0: addresses, networks, names, by commas (none: who knows the secret)
LOANWRIGHT_PORTS             first-last: the ports that the work's own connections may take
LOANWRIGHT_MEETING_SECONDS   how long to wait for the others
LOANWRIGHT_WATCHDOG_SECONDS  how long a worker may make no progress
LOANWRIGHT_GRACE_SECONDS     how long a worker may go on after SIGTERM
LOANWRIGHT_WORKER_STATUS     the folder or S3 prefix where each worker leaves its status (absent: nowhere)

LOANWRIGHT_GANG_PARENT, LOANWRIGHT_HOTLINE: the supervisor's process, and the pipe on which it listens
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from loanwright.errors import EnvironmentFault
from loanwright.training.gang.ports import DEFAULT_PORTS, PortRange


@dataclass(frozen=True)
class Circumstances:
    """A worker's place in its gang; times in seconds."""

    rank: int
    ranks: int
    meeting: str = ""
    secret: str = ""
    attempt: int = 1
    allow: tuple[str, ...] = ()
    ports: PortRange = DEFAULT_PORTS
    meeting_seconds: float = 60.0
    watchdog_seconds: float = 300.0
    grace_seconds: float = 25.0
    retries: int = 5
    status: str | None = None
    parent: int | None = None
    hotline: int | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Circumstances:
        """What the environment says.

        Raises:
            EnvironmentFault: a variable is absent or is no number; the message names it.
            UsageError: LOANWRIGHT_PORTS is no range of ports.
        """
        rank = "LOANWRIGHT_RANK" if variables.get("LOANWRIGHT_RANK") else "JOB_COMPLETION_INDEX"
        ranks = _whole(variables, "LOANWRIGHT_RANKS", 1)
        alone = ranks == 1
        return cls(
            rank=_whole(variables, rank if variables.get(rank) else "LOANWRIGHT_RANK", 0 if alone else None),
            ranks=ranks,
            meeting=_text(variables, "LOANWRIGHT_MEETING", "127.0.0.1:1" if alone else None),
            secret=_text(variables, "LOANWRIGHT_GANG_SECRET", "alone" if alone else None),
            attempt=_whole(variables, "LOANWRIGHT_ATTEMPT", 1),
            allow=tuple(entry for entry in variables.get("LOANWRIGHT_ALLOW", "").replace(" ", "").split(",") if entry),
            ports=PortRange.parse(text) if (text := variables.get("LOANWRIGHT_PORTS")) else DEFAULT_PORTS,
            meeting_seconds=_seconds(variables, "LOANWRIGHT_MEETING_SECONDS", 60.0),
            watchdog_seconds=_seconds(variables, "LOANWRIGHT_WATCHDOG_SECONDS", 300.0),
            grace_seconds=_seconds(variables, "LOANWRIGHT_GRACE_SECONDS", 25.0),
            retries=_whole(variables, "LOANWRIGHT_RETRIES", 5),
            status=variables.get("LOANWRIGHT_WORKER_STATUS") or None,
            parent=_optional(variables, "LOANWRIGHT_GANG_PARENT"),
            hotline=_optional(variables, "LOANWRIGHT_HOTLINE"),
        )


def _text(variables: Mapping[str, str], name: str, default: str | None) -> str:
    value = variables.get(name) or default
    if value is None:
        raise EnvironmentFault(f"{name} is not set", fix="A worker is started by a launcher, which sets it")
    return value


def _whole(variables: Mapping[str, str], name: str, default: int | None) -> int:
    text = _text(variables, name, None if default is None else str(default))
    if not text.isdigit():
        raise EnvironmentFault(f"{name} is {text!r}", fix="Set it to a whole number")
    return int(text)


def _optional(variables: Mapping[str, str], name: str) -> int | None:
    return _whole(variables, name, None) if variables.get(name) else None


def _seconds(variables: Mapping[str, str], name: str, default: float) -> float:
    text = variables.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise EnvironmentFault(f"{name} is {text!r}", fix="Set it to a number of seconds above 0")
    return seconds
