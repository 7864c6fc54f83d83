"""Workers that never come or come too late, strangers at the ports, ports that are taken."""

from __future__ import annotations

import socket
import time
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


_NOISE = (b"garbage! " * 500).hex()


@pytest.mark.parametrize(
    ("words", "leaves", "workers"),
    [
        pytest.param("00000000", "goes", 2, id="as rank 0"),
        pytest.param("00000000" + _NOISE, "stays", 3, id="as rank 0, then noise"),
        pytest.param("01000000" + _NOISE, "goes", 2, id="as the listener itself"),
        pytest.param(_NOISE, "goes", 2, id="as a rank that cannot be"),
        pytest.param("0000", "goes", 2, id="half a number"),
        pytest.param("", "stays", 2, id="nothing"),
    ],
)
def test_a_stranger_is_let_in_by_lightgbm_itself(
    orders: pytest.MonkeyPatch, store: Store, tmp_path: Path, digest: str, words: str, leaves: str, workers: int
) -> None:
    """Its listener trusts the first that come. Whatever they say in that moment, it costs one attempt."""
    note = tmp_path / "heard"
    order(orders, fault(0, "ports", f"{words}:{leaves}:{note}"))
    began = time.monotonic()
    trained = trained_on(store, tmp_path, workers=workers)
    assert len(note.read_text().split()) == 1
    assert digest_of(trained) == digest
    assert [round_ for _, round_ in restarts_of(trained)] == [0]
    assert time.monotonic() - began < 90


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
