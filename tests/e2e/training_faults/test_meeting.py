"""Workers that never come or come too late, strangers at the ports, ports that are taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loanwright.errors import EnvironmentFault
from loanwright.storage import Store
from tests.builders.disturbed_training import (
    digest_of,
    order,
    restarts_of,
    trained_on,
)
from tests.builders.faulty import fault, garbage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_one_never_starts(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "4")
    order(orders, fault(1, 0, "sleep:3600"))
    trained = trained_on(store, tmp_path)
    assert digest_of(trained) == digest
    assert [why for why, _ in restarts_of(trained)] == [
        "worker 0 did not meet all the others in time: rank 1 of 2 did not come within 4 s. "
        "Look for the log of a worker that did not start, or raise the deadline"
    ]


def test_one_never_starts_again_and_again(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "2")
    orders.setenv("LOANWRIGHT_RETRIES", "1")
    order(orders, fault(1, 0, "sleep:3600", attempts=99))
    with pytest.raises(EnvironmentFault, match=r"given up after 2 attempts.*rank 1 of 2 did not come within 2 s"):
        trained_on(store, tmp_path)


def test_one_comes_after_the_deadline(orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str) -> None:
    orders.setenv("LOANWRIGHT_MEETING_SECONDS", "4")
    order(orders, fault(1, 0, "sleep:5"))
    trained = trained_on(store, tmp_path)
    assert digest_of(trained) == digest
    assert "rank 1 of 2 did not come within 4 s" in restarts_of(trained)[0][0]


def test_somebody_speaks_garbage_to_every_port(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    orders.setenv("LOANWRIGHT_PORTS", "24500-24509")
    with garbage(24500, 24509, connections=40) as hit:
        trained = trained_on(store, tmp_path)
    assert hit
    assert digest_of(trained) == digest


def test_ports_that_are_taken_are_not_used(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str
) -> None:
    orders.setenv("LOANWRIGHT_PORTS", "24510-24529")
    with _taken(range(24510, 24530, 2)):
        assert digest_of(trained_on(store, tmp_path)) == digest
    orders.setenv("LOANWRIGHT_PORTS", "24530-24532")
    with _taken(range(24530, 24533)), pytest.raises(EnvironmentFault, match="all ports from 24530 to 24532 are taken"):
        trained_on(store, tmp_path)


@contextmanager
def _taken(ports: range) -> Iterator[None]:
    with ExitStack() as servers:
        for port in ports:
            servers.enter_context(socket.create_server(("", port)))
        yield
