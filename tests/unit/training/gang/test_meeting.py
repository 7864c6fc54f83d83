"""All of a gang meet, and whoever does not belong to it does them no harm."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from loanwright.errors import UsageError
from loanwright.training.gang.circle import Circle
from loanwright.training.gang.errors import NetworkLost, NotAllCame, PeerLost, TurnedAway
from loanwright.training.gang.meeting import meet
from loanwright.training.gang.ports import DEFAULT_PORTS
from loanwright.training.gang.wire import SMALL, receive, send

_SECRET = "the attempt's own"


class _Place:
    """Where some ranks meet, each in a thread of its own."""

    def __init__(self, ranks: int, seconds: float = 10.0) -> None:
        self.ranks, self.seconds = ranks, seconds
        self.port = DEFAULT_PORTS.fresh("127.0.0.1")
        self.address = f"127.0.0.1:{self.port}"
        self._pool = ThreadPoolExecutor(16)

    def come(
        self, rank: int, *, secret: str = _SECRET, ranks: int = 0, seconds: float = 0, **more: object
    ) -> Future[Circle]:
        arguments = {"secret": secret, "seconds": seconds or self.seconds, **more}
        return self._pool.submit(meet, rank, ranks or self.ranks, self.address, **arguments)  # type: ignore[arg-type]

    def connected(self) -> socket.socket:
        """A connection of somebody to rank 0."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionRefusedError):
                _STRANGERS.append(socket.create_connection(("127.0.0.1", self.port), timeout=10))
                return _STRANGERS[-1]
            time.sleep(0.02)
        raise TimeoutError


_STRANGERS: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _strangers_gone() -> Iterator[None]:
    yield
    while _STRANGERS:
        _STRANGERS.pop().close()


def _met(*coming: Future[Circle]) -> list[Circle]:
    return [one.result(20) for one in coming]


def _part(circles: list[Circle]) -> None:
    threads = [threading.Thread(target=circle.close) for circle in circles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_all_meet_and_talk_in_any_order_of_arrival() -> None:
    place = _Place(4)
    coming = [place.come(rank) for rank in (3, 1, 0, 2)]
    circles = sorted(_met(*coming), key=lambda circle: circle.rank)
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda circle: circle.share({"rank": circle.rank}), circles))
        gathered = list(pool.map(lambda circle: circle.gather([circle.rank] * 100_000), circles))
        raised = list(pool.map(lambda circle: circle.any(circle.rank == 2), circles))
        lowered = list(pool.map(lambda circle: circle.any(False), circles))
        ports = list(pool.map(lambda circle: circle.open_ports(), circles))
    assert heard == [{"rank": 0}] * 4
    assert gathered == [[[rank] * 100_000 for rank in range(4)], None, None, None]
    assert (raised, lowered) == ([True] * 4, [False] * 4)
    assert len(set(ports[0])) == 4
    assert set(ports) == {ports[0]}
    assert all(entry.startswith("127.0.0.1:") for entry in ports[0])
    _part(circles)


def test_one_alone_needs_nobody() -> None:
    circle = meet(0, 1, "nowhere.invalid:1", secret=_SECRET)
    assert circle.gather(7) == [7]
    assert circle.any(True)
    circle.close()


def test_the_ranks_that_never_came_are_named_to_all_that_came() -> None:
    place = _Place(4, seconds=0.6)
    host, guest = place.come(0), place.come(2)
    with pytest.raises(NotAllCame, match=r"ranks 1, 3 of 4 did not come within 0.6 s"):
        host.result(10)
    with pytest.raises(NotAllCame, match="rank 2 met rank 0, but the others gave up: ranks 1, 3 of 4 did not come"):
        guest.result(10)


def test_one_that_comes_after_the_meeting_is_told_so() -> None:
    place = _Place(2)
    circles = _met(place.come(0), place.come(1))
    with pytest.raises(TurnedAway, match="all ranks have met already"):
        place.come(1).result(10)
    _part(circles)


def test_rank_0_that_is_not_there() -> None:
    with pytest.raises(NotAllCame, match=r"rank 1 could not reach rank 0 at 127.0.0.1:.*Connection refused"):
        _Place(2, seconds=0.3).come(1).result(10)


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(NotAllCame, match=r"the name 'nobody.invalid', where all are to meet, is not known"):
        meet(0, 2, "nobody.invalid:23400", secret=_SECRET, seconds=0.3)


def _garbage(place: _Place) -> None:
    for junk in (b"\x00" * 64, b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\xff", b'\x00\x00\x00\x02"a', b""):
        stranger = place.connected()
        stranger.sendall(junk)
        stranger.shutdown(socket.SHUT_WR)


def _silence(place: _Place) -> None:
    for _ in range(5):
        place.connected()  # says nothing, and stays


def _another_secret(place: _Place) -> None:
    with pytest.raises(NotAllCame, match="does not know the secret of this attempt"):
        place.come(1, secret="another", seconds=0.5).result(10)


def _another_size(place: _Place) -> None:
    with pytest.raises(TurnedAway, match="rank 1 of 5 is not among the 2"):
        place.come(1, ranks=5).result(10)


def _a_claim_without_proof(place: _Place) -> None:
    stranger = place.connected()
    receive(stranger, SMALL)
    send(stranger, {"rank": 1, "ranks": 2, "nonce": "n", "proof": None})
    answer = receive(stranger, SMALL)
    assert answer == {"refused": "the secret of this attempt is another one"}


@pytest.mark.parametrize("harm", [_garbage, _silence, _another_secret, _another_size, _a_claim_without_proof])
def test_a_stranger_does_no_harm(harm: Callable[[_Place], None]) -> None:
    place = _Place(2)
    host = place.come(0)
    harm(place)
    _part(_met(host, place.come(1)))


def test_a_second_one_of_a_rank_is_turned_away() -> None:
    place = _Place(3)
    host, first = place.come(0), place.come(1)
    time.sleep(0.3)
    with pytest.raises(TurnedAway, match="rank 1 is here already"):
        place.come(1).result(10)
    _part(_met(host, first, place.come(2)))


def test_one_that_died_at_the_door_makes_room_for_its_successor() -> None:
    from loanwright.training.gang.wire import proof

    place = _Place(3)
    host = place.come(0)
    dying = place.connected()
    nonce = receive(dying, SMALL)["nonce"]
    send(dying, {"rank": 1, "ranks": 3, "nonce": "n", "proof": proof(_SECRET, "guest", nonce, "n", 1, 3)})
    assert "proof" in receive(dying, SMALL)
    dying.close()
    _part(_met(host, place.come(1), place.come(2)))


def test_an_address_that_is_not_on_the_list_is_not_let_in() -> None:
    place = _Place(2, seconds=0.8)
    host = place.come(0, allow=["10.0.0.0/8", "nobody.invalid"])
    with pytest.raises(NotAllCame):
        place.come(1).result(20)
    with pytest.raises(NotAllCame, match="rank 1 of 2 did not come"):
        host.result(10)


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_an_address_that_is_on_the_list_is_let_in(entry: str) -> None:
    place = _Place(2)
    _part(_met(place.come(0, allow=["10.0.0.0/8", entry]), place.come(1)))


def test_an_impostor_at_the_meeting_place_is_not_believed() -> None:
    place = _Place(2, seconds=1.0)
    with socket.create_server(("127.0.0.1", place.port)) as impostor:
        guest = place.come(1)
        connection, _ = impostor.accept()
        send(connection, {"gang": 1, "nonce": "n"})
        told = receive(connection, SMALL)
        assert _SECRET not in str(told)
        send(connection, {"proof": "made up"})
        connection.close()
    with pytest.raises(NotAllCame):
        guest.result(10)


def test_a_meeting_place_that_is_taken() -> None:
    place = _Place(2)
    with (
        socket.create_server(("127.0.0.1", place.port)),
        pytest.raises(NetworkLost, match=r"rank 0 cannot listen at 127.0.0.1:.*Address already in use"),
    ):
        place.come(0).result(10)


def test_who_is_lost_is_noticed_by_all() -> None:
    place = _Place(3)
    lost: list[tuple[int, str]] = []
    noticed = threading.Event()

    def on_loss(rank: int, why: str) -> None:
        lost.append((rank, why))
        noticed.set()

    host, one, two = _met(place.come(0, on_loss=on_loss), place.come(1), place.come(2))
    one.leave("told to stop")
    assert noticed.wait(5)
    assert lost == [(1, "told to stop")]
    with pytest.raises(PeerLost, match="rank 1 is gone: told to stop"):
        host.gather(0)
    host.leave("worker 1 is gone")
    with pytest.raises(PeerLost, match="rank 0 is gone: worker 1 is gone"):
        two.hear()
    two.leave("rank 0 is gone")


def test_progress_counts_for_those_that_wait_in_turn() -> None:
    place = _Place(3)
    felt = threading.Event()
    host, one, two = _met(place.come(0), place.come(1), place.come(2, alive=felt.set))
    with ThreadPoolExecutor(3) as pool:
        waiting = pool.submit(two.hear)
        gathering = pool.submit(host.gather, 0)
        time.sleep(0.1)
        two_said = pool.submit(two._send, two._peers[0], {"value": 2})
        one.pulse()
        assert felt.wait(5), "rank 2 waits for rank 0, which waits for rank 1, which makes progress"
        one.gather(1)
        assert gathering.result(5) == [0, 1, 2]
        two_said.result(5)
        host.tell("done")
        assert waiting.result(5) == "done"
    one.hear()
    _part([host, one, two])


@pytest.mark.parametrize(
    ("rank", "address", "secret", "words"),
    [
        (2, "a:1", "s", "rank 2 of 2 cannot meet"),
        (0, "a:1", "", "no secret"),
        (0, "a", "s", "Write it as host:port"),
        (0, "a:99999", "s", "Write it as host:port"),
    ],
)
def test_what_makes_no_sense_is_refused(rank: int, address: str, secret: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        meet(rank, 2, address, secret=secret)
