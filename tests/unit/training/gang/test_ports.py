"""Ports are free when they are given, and never given twice."""

from __future__ import annotations

import socket

import pytest

from loanwright.errors import UsageError
from loanwright.training.gang.errors import NetworkLost
from loanwright.training.gang.ports import PortRange

_RANGE = PortRange(24700, 24709)


def test_none_is_held_twice_and_none_is_left_when_all_are() -> None:
    held = [_RANGE.hold_fresh() for _ in range(_free())]
    try:
        ports = [one.getsockname()[1] for one in held]
        assert len(set(ports)) == len(ports)
        assert all(_RANGE.first <= port <= _RANGE.last for port in ports)
        with pytest.raises(NetworkLost, match="all ports from 24700 to 24709 are taken"):
            _RANGE.hold_fresh()
    finally:
        for one in held:
            one.close()


def test_one_that_still_lingers_is_not_given() -> None:
    """Whoever closes first leaves its port blocked for a minute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        guest = socket.create_connection(("127.0.0.1", port))
        connection, _ = server.accept()
        connection.close()
        guest.close()
    with pytest.raises(NetworkLost):
        PortRange(port, port).fresh()


@pytest.mark.parametrize("text", ["", "23400", "24399-23400", "80-90", "60000-70000", "a-b"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UsageError, match="Write it as first-last"):
        PortRange.parse(text)


def test_a_range() -> None:
    assert PortRange.parse(" 23400-24399 ") == PortRange(23400, 24399)


def _free() -> int:
    count = 0
    for port in range(_RANGE.first, _RANGE.last + 1):
        with socket.socket() as one:
            try:
                one.bind(("", port))
                count += 1
            except OSError:
                continue
    return count
