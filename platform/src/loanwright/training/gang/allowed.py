"""Who may come to the door: addresses, networks and names of hosts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from loanwright.errors import UsageError


@dataclass(frozen=True)
class AllowList:
    """Peers that may connect. Names are looked up when somebody comes, since pods get their addresses late."""

    networks: tuple[ipaddress.IPv4Network, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> AllowList:
        """The list of entries such as ``10.0.0.7``, ``10.0.0.0/8`` and ``train-node-1.train``; none: everybody.

        Raises:
            UsageError: an entry looks like a network and is none.
        """
        networks, names = [], []
        for entry in entries:
            if not entry.replace(".", "").replace("/", "").isdigit():
                names.append(entry)
                continue
            try:
                networks.append(ipaddress.IPv4Network(entry))
            except ValueError as error:
                raise UsageError(
                    f"the allow-list has {entry!r}: {error}", fix="Write 10.0.0.7, 10.0.0.0/8 or a host's name"
                ) from None
        return cls(tuple(networks), tuple(names))

    def admits(self, address: str) -> bool:
        """Whether that IPv4 address may connect."""
        if not self.networks and not self.names:
            return True
        peer = ipaddress.IPv4Address(address)
        return any(peer in network for network in self.networks) or any(address in resolve(name) for name in self.names)


def resolve(host: str) -> list[str]:
    """The IPv4 addresses of a host, empty while its name is not known."""
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
