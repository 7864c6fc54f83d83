"""What a launcher sets wrong is named."""

from __future__ import annotations

import pytest

from loanwright.errors import LoanwrightError
from loanwright.training.gang.circumstances import Circumstances
from loanwright.training.gang.ports import PortRange

_WHOLE = {
    "LOANWRIGHT_RANK": "1",
    "LOANWRIGHT_RANKS": "4",
    "LOANWRIGHT_MEETING": "node-0.train:23400",
    "LOANWRIGHT_GANG_SECRET": "s",
    "LOANWRIGHT_ALLOW": "10.0.0.0/8, node-1.train",
    "LOANWRIGHT_PORTS": "30000-30100",
    "LOANWRIGHT_WATCHDOG_SECONDS": "12.5",
}


def test_all_that_is_said() -> None:
    here = Circumstances.read(_WHOLE)
    assert (here.rank, here.ranks, here.meeting, here.secret) == (1, 4, "node-0.train:23400", "s")
    assert here.allow == ("10.0.0.0/8", "node-1.train")
    assert here.ports == PortRange(30000, 30100)
    assert (here.watchdog_seconds, here.grace_seconds, here.attempt) == (12.5, 25.0, 1)
    assert (here.status, here.parent, here.hotline) == (None, None, None)


def test_the_rank_may_come_from_kubernetes() -> None:
    variables = {name: value for name, value in _WHOLE.items() if name != "LOANWRIGHT_RANK"}
    assert Circumstances.read({**variables, "JOB_COMPLETION_INDEX": "0"}).rank == 0


def test_one_alone_needs_nothing() -> None:
    assert Circumstances.read({}).ranks == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOANWRIGHT_RANK", "", "LOANWRIGHT_RANK is not set"),
        ("LOANWRIGHT_RANK", "first", "LOANWRIGHT_RANK is 'first'"),
        ("LOANWRIGHT_RANKS", "-4", "LOANWRIGHT_RANKS is '-4'"),
        ("LOANWRIGHT_MEETING", "", "LOANWRIGHT_MEETING is not set"),
        ("LOANWRIGHT_GANG_SECRET", "", "LOANWRIGHT_GANG_SECRET is not set"),
        ("LOANWRIGHT_PORTS", "all", "the range of ports is 'all'"),
        ("LOANWRIGHT_WATCHDOG_SECONDS", "nan", "LOANWRIGHT_WATCHDOG_SECONDS is 'nan'"),
        ("LOANWRIGHT_GRACE_SECONDS", "0", "LOANWRIGHT_GRACE_SECONDS is '0'"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(LoanwrightError, match=words):
        Circumstances.read({**_WHOLE, name: value})
