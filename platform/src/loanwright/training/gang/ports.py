"""Ports that nobody uses, taken anew for each attempt: those of a gang that just ended stay blocked for a minute."""

from __future__ import annotations

import random
import re
import socket
from dataclasses import dataclass

from loanwright.errors import UsageError
from loanwright.training.gang.errors import NetworkLost

_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")


@dataclass(frozen=True)
class PortRange:
    """Ports `first` to `last`, both included. Keep it apart from the system's own range for outgoing connections."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> PortRange:
        """The range of a text such as ``23400-24399``.

        Raises:
            UsageError: it is no such text, or no range.
        """
        match = _RANGE.fullmatch(text.strip())
        if not match or not 1024 <= int(match[1]) <= int(match[2]) <= 65535:
            raise UsageError(
                f"the range of ports is {text!r}", fix="Write it as first-last, from 1024 to 65535, such as 23400-24399"
            )
        return cls(int(match[1]), int(match[2]))

    def hold_fresh(self, host: str = "") -> socket.socket:
        """A socket bound to a port of the range that was free; close it right before the port is used.

        While it is held, nobody else on this machine is given the same port. Ports are tried in random order:
        two gangs that start at once seldom want the same one.

        Args:
            host: an IPv4 address of this machine; empty: all of them.

        Raises:
            NetworkLost: every port of the range is taken.
        """
        tried = list(range(self.first, self.last + 1))
        random.SystemRandom().shuffle(tried)
        for port in tried:
            held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                # Without SO_REUSEADDR: a port whose last connection still lingers is refused here as it would be later.
                held.bind((host, port))
            except OSError:
                held.close()
                continue
            return held
        raise NetworkLost(
            f"all ports from {self.first} to {self.last} are taken on this machine", fix="Widen LOANWRIGHT_PORTS"
        )

    def fresh(self, host: str = "") -> int:
        """A port that is free now; raises as `hold_fresh`."""
        with self.hold_fresh(host) as held:
            return int(held.getsockname()[1])


DEFAULT_PORTS = PortRange(23400, 24399)
